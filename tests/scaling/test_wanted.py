"""Which of plan, holds and fallback asks for the floor."""

from datetime import timedelta
from typing import Any

import pytest

from gate.cluster.scaling.holds import read_holds, write_holds
from gate.cluster.scaling.values import Hold
from gate.cluster.scaling.wanting import wanted
from gate.core.decision import Level
from tests.core.build import policy
from tests.scaling.build import AT, target

CAPACITY = policy().load.capacity
WEB = target(10, 30)


def hold(floor: int, **more: Any) -> Hold:
    given: dict[str, Any] = {"id": "1", "cause": "manual", "until": AT + timedelta(hours=1)}
    given |= {"by": "dana", "reason": "a campaign"} | more
    return Hold(min=floor, **given)


@pytest.mark.parametrize(
    ("level", "floor"), [(Level.NORMAL, 0), (Level.HIGH, 35), (Level.MAXIMUM, 50)]
)
def test_the_plan_asks_for_the_policy_s_rungs(level: Level, floor: int) -> None:
    wish = wanted(WEB, level, CAPACITY, at=AT)
    assert (wish.min, wish.cause, wish.level, wish.never_lower) == (floor, "plan", level, False)


def test_a_target_s_rungs_replace_them() -> None:
    own = target(notes={"rungs": "2,5,9"})
    assert [wanted(own, level, CAPACITY, at=AT).min for level in Level] == [0, 5, 9]


@pytest.mark.parametrize(
    ("holds", "level", "asked"),
    [
        ([hold(40)], Level.HIGH, (40, "manual")),
        ([hold(20)], Level.HIGH, (35, "plan")),
        ([hold(35)], Level.HIGH, (35, "plan")),
        ([hold(20)], Level.NORMAL, (20, "manual")),
        ([hold(20), hold(100, cause="emergency")], Level.MAXIMUM, (100, "emergency")),
        ([hold(90, until=AT)], Level.NORMAL, (0, "plan")),
    ],
)
def test_the_largest_is_the_floor_and_its_asker_the_cause(
    holds: list[Hold], level: Level, asked: tuple[int, str]
) -> None:
    wish = wanted(WEB, level, CAPACITY, at=AT, holds=tuple(holds))
    assert (wish.min, wish.cause) == asked


def test_the_ceiling_is_the_largest_that_a_hold_asks_for() -> None:
    holds = (hold(12, max=90), hold(15, max=60), hold(20, max=200, until=AT))
    assert wanted(WEB, Level.HIGH, CAPACITY, at=AT, holds=holds).max == 90


def test_without_a_level_it_is_the_fallback_by_the_policy_or_20() -> None:
    rules = policy("load: {capacity: {fallback: 25}}").load.capacity
    known, unknown = (wanted(WEB, None, each, at=AT) for each in (rules, None))
    assert (known.min, known.cause, known.never_lower) == (25, "fallback", True)
    assert (unknown.min, unknown.level) == (20, None)


def test_the_fallback_beside_a_plan_lowers_nothing() -> None:
    wish = wanted(WEB, Level.HIGH, CAPACITY, at=AT, fallback=True)
    assert (wish.min, wish.cause, wish.never_lower) == (35, "plan", True)


def test_holds_are_written_as_they_are_read() -> None:
    holds = (hold(12, max=90), hold(15, id="2", cause="emergency"))
    assert read_holds(write_holds(holds) or "") == holds
    assert write_holds(()) is None


@pytest.mark.parametrize(
    "text",
    ["", "{}", '[{"id":"1"}]', write_holds([hold(0)]), write_holds([hold(9, max=3)]),
     write_holds([hold(9, until=AT.replace(tzinfo=None))]), write_holds([hold(2**31)])],
)  # fmt: skip
def test_holds_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_holds(text)
