"""Cache and warm-up settings of the platform, by protection level."""

from collections.abc import Mapping
from typing import get_args

from gate.core.decision import Level
from gate.core.policy import LevelName


def settings_at(
    cache: Mapping[LevelName, Mapping[str, str]], level: Level
) -> dict[str, str] | None:
    """The settings of a level: its own, over those of the levels below it.

    None where a policy has none at all: the gate then sets nothing. ``cache`` is that of a
    `gate.core.policy.LoadModel`.
    """
    if not cache:
        return None
    names: tuple[LevelName, ...] = get_args(LevelName)
    settings: dict[str, str] = {}
    for name in names[: names.index(level.value) + 1]:
        settings |= cache.get(name, {})
    return settings
