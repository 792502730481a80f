"""Load samples and the plan, against the definition read slowly."""

from hypothesis import given
from hypothesis import strategies as st

from gate.core.demand import (
    BEFORE_ALL,
    Demand,
    level_of,
    required_replicas,
    rung_of,
    shortfall,
)
from gate.core.instants import HOUR, micros
from gate.core.plan import load_samples, plan_at, plan_changes
from tests.core.build import calendar, policy, us

CAPACITY = policy().load.capacity


@st.composite
def demands(draw: st.DrawFn) -> Demand:
    starts = draw(st.lists(st.integers(0, 200), unique=True, max_size=20).map(sorted))
    needs = [0, *draw(st.lists(st.integers(0, 60), min_size=len(starts), max_size=len(starts)))]
    return Demand([BEFORE_ALL, *starts], [float(n) for n in needs], needs, [0] * len(needs))


@given(
    demand=demands(), start=st.integers(0, 200), length=st.integers(1, 100),
    ahead=st.integers(0, 40), hold=st.integers(0, 40), continuous=st.booleans(),
)  # fmt: skip
def test_the_plan_is_the_largest_need_within_reach(
    demand: Demand, start: int, length: int, ahead: int, hold: int, continuous: bool
) -> None:
    end = start + length
    expected: list[tuple[int, int, str, int]] = []
    for t in range(start, end):
        needed = max(demand.needed[demand.index(u)] for u in range(t - hold, t + ahead + 1))
        floor = required_replicas(needed, CAPACITY) if continuous else rung_of(needed, CAPACITY)
        state = (floor, level_of(needed, CAPACITY), shortfall(needed, CAPACITY))
        if not expected or expected[-1][1:] != state:
            expected.append((t, *state))
    changes = plan_changes(
        demand, CAPACITY, start, end, ahead=ahead, hold=hold, continuous=continuous
    )
    assert [(micros(c.at), c.min, c.level, c.shortfall) for c in changes] == expected


@given(
    demand=demands(), start=st.integers(0, 200), length=st.integers(1, 100),
    ahead=st.integers(0, 40), hold=st.integers(0, 40), continuous=st.booleans(),
)  # fmt: skip
def test_the_plan_at_an_instant_is_what_was_last_planned_by_then(
    demand: Demand, start: int, length: int, ahead: int, hold: int, continuous: bool
) -> None:
    end = start + length
    planned = list(plan_changes(
        demand, CAPACITY, start, end, ahead=ahead, hold=hold, continuous=continuous
    ))  # fmt: skip
    for t in range(start, end):
        last = [change for change in planned if micros(change.at) <= t][-1]
        now = plan_at(demand, CAPACITY, t, ahead=ahead, hold=hold, continuous=continuous)
        assert micros(now.at) == t
        assert (now.min, now.max, now.level) == (last.min, last.max, last.level)
        assert now.shortfall == last.shortfall


def test_the_floor_stands_half_an_hour_before_a_load_and_an_hour_after_it() -> None:
    demand = Demand([BEFORE_ALL, 10 * HOUR, 11 * HOUR], [0.0, 900.0, 0.0], [0, 30, 0], [0, 1, 0])
    edges = (19 * HOUR // 2 - 1, 19 * HOUR // 2, 12 * HOUR - 1, 12 * HOUR)
    assert [plan_at(demand, CAPACITY, at).min for at in edges] == [10, 35, 35, 10]


def test_a_step_of_demand_reaches_both_ways_to_the_microsecond() -> None:
    demand = Demand([BEFORE_ALL, 10 * HOUR, 11 * HOUR], [0.0, 900.0, 0.0], [0, 30, 0], [0, 1, 0])
    changes = plan_changes(demand, CAPACITY, 0, 20 * HOUR, ahead=HOUR // 2, hold=HOUR)
    assert [(micros(c.at), c.min, c.max) for c in changes] == [
        (0, 10, 50), (19 * HOUR // 2, 35, 50), (12 * HOUR, 10, 50),
    ]  # fmt: skip


def test_reasons_say_what_is_needed() -> None:
    demand = Demand([BEFORE_ALL, 5, 8], [0.0, 1.0, 2.0], [0, 40, 70], [0, 1, 1])
    reasons = [c.reason for c in plan_changes(demand, CAPACITY, 0, 10, ahead=0, hold=0)]
    assert reasons == [
        "booked load fits the floor",
        "booked load needs up to 40 replicas",
        "booked load needs up to 70 replicas, beyond the ceiling",
    ]


def test_samples_are_the_values_at_their_instants() -> None:
    rules = policy()
    day = calendar(rules, ("2026-06-13", "Europe/London", "british", 150 * 80))
    start = us("2026-06-13T11:00:00Z")
    samples = list(load_samples(day.demand, CAPACITY, start, start + 5 * HOUR, 2 * HOUR))
    assert [(s.demand, s.needed, s.required_replicas, s.shortfall, s.level, s.weddings)
            for s in samples] == [
        (1280.0, 43, 43, 0, "MAXIMUM", 1), (1600.0, 54, 50, 4, "MAXIMUM", 1),
        (1280.0, 43, 43, 0, "MAXIMUM", 1),
    ]  # fmt: skip
