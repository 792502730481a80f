"""Cache and warm-up settings: each level has its own over those of the levels below it."""

import pytest

from gate.core.cache import settings_at
from gate.core.decision import Level
from gate.core.policy import LevelName

CACHE: dict[LevelName, dict[str, str]] = {
    "NORMAL": {"ttl": "60", "pool": "5"},
    "HIGH": {"ttl": "300"},
    "MAXIMUM": {"warm-up": "venues,guests"},
}


@pytest.mark.parametrize(
    ("level", "settings"),
    [
        (Level.NORMAL, {"ttl": "60", "pool": "5"}),
        (Level.HIGH, {"ttl": "300", "pool": "5"}),
        (Level.MAXIMUM, {"ttl": "300", "pool": "5", "warm-up": "venues,guests"}),
    ],
)
def test_a_level_lies_over_those_below(level: Level, settings: dict[str, str]) -> None:
    assert settings_at(CACHE, level) == settings


def test_without_any_settings_the_gate_sets_nothing() -> None:
    assert settings_at({}, Level.MAXIMUM) is None
    assert settings_at({"NORMAL": {}}, Level.MAXIMUM) == {}


def test_a_level_that_is_not_named_has_those_of_the_level_below() -> None:
    assert settings_at({"HIGH": {"a": "b"}}, Level.MAXIMUM) == {"a": "b"}
    assert settings_at({"HIGH": {"a": "b"}}, Level.NORMAL) == {}
