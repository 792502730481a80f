"""Observed load against its definition, read slowly, at random."""

from collections.abc import Callable
from fractions import Fraction
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from gate.core.demand import Calendar
from gate.core.instants import HOUR
from gate.core.observed import Effective, Observation, Seen, effective, protected_time, reach
from gate.core.policy import Policy
from tests.core.build import calendar
from tests.observed.build import MINUTE, observing, rules_of, us

BEGIN = us("2026-02-12T00:00:00Z")
LENGTH = 4 * 24 * 60
POLICIES = [
    observing(text, f"  observed: {{source: csv, file: a, hold: {hold}}}\n")
    for text in (
        "",
        "windows: []\nlevel_lock: {join: 1h}\n",
        "windows:\n- {name: evening, rrule: FREQ=DAILY, from: '18:00', to: '02:00'}\n"
        "- {name: half, kind: open, rrule: FREQ=DAILY, from: '19:00', to: '20:00'}\n",
    )
    for hold in ("0s", "1h", "9h")
]
WEDDINGS = st.lists(
    st.tuples(
        st.sampled_from(["2026-02-12", "2026-02-13", "2026-02-14"]),
        st.sampled_from(["Europe/London", "Asia/Kolkata", "America/New_York"]),
        st.sampled_from(["indian", "british"]),
        st.integers(1, 40_000),
    ),
    max_size=3,
)


class Scene(NamedTuple):
    """A policy, bookings, and what was seen in the course of four days."""

    rules: Policy
    booked: Calendar
    observations: list[Observation]

    def known(self, now: int, *, since: int = 0) -> Effective:
        told = tuple(each for each in self.observations if since <= each.at)
        return effective(self.rules, self.booked, Seen(observations=told, asked_at=now))


@st.composite
def scenes(draw: st.DrawFn) -> Scene:
    rules = draw(st.sampled_from(POLICIES))
    seen = draw(st.lists(st.tuples(st.integers(0, LENGTH), st.integers(0, 2500)), max_size=8))
    observations = [Observation(BEGIN + minute * MINUTE, Fraction(units)) for minute, units in seen]
    return Scene(rules, calendar(rules, *draw(WEDDINGS)), observations)


MINUTES = st.integers(0, LENGTH).map(lambda minute: BEGIN + minute * MINUTE)


def units(found: Effective, at: int) -> float:
    demand = found.calendar.demand
    return demand.units[demand.index(at)]


def booked_units(scene: Scene, at: int) -> float:
    return scene.booked.demand.units[scene.booked.demand.index(at)]


def stands(scene: Scene, now: int) -> Callable[[Observation, int], bool]:
    """Whether an observation stands at an instant, by the words of the decision record."""
    hold = rules_of(scene.rules).hold.total_seconds() * 1_000_000
    protected = protected_time(scene.rules, scene.booked, BEGIN, now)

    def judge(each: Observation, at: int) -> bool:
        if not each.at <= min(now, at) or each.units <= booked_units(scene, each.at):
            return False
        if at < each.at + hold:
            return True
        return any(a <= max(each.at + hold, each.at) and each.at < b and at < b
                   for a, b in protected)  # fmt: skip

    return judge


@given(scene=scenes(), now=MINUTES, at=MINUTES)
def test_demand_is_the_largest_of_the_booked_and_of_what_stands(
    scene: Scene, now: int, at: int
) -> None:
    judge = stands(scene, now)
    standing_units = [float(each.units) for each in scene.observations if judge(each, at)]
    expected = max([booked_units(scene, at), *standing_units])
    found = scene.known(now)
    demand = found.calendar.demand
    assert units(found, at) == expected
    needs = [-int(-units // 30) for units in standing_units]
    booked = scene.booked.demand
    assert demand.needed[demand.index(at)] == max([booked.needed[booked.index(at)], *needs])
    standing = found.facts.standing(at)
    assert (standing is not None) == (expected > booked_units(scene, at))
    if standing is not None:
        assert float(standing.observation.units) == expected
        assert standing.until > at


@given(scene=scenes(), minutes=st.tuples(MINUTES, MINUTES))
def test_inside_protected_time_nothing_that_was_raised_comes_down(
    scene: Scene, minutes: tuple[int, int]
) -> None:
    early, late = sorted(minutes)
    together = any(
        start <= early and late < end
        for start, end in protected_time(scene.rules, scene.booked, early, late)
    )
    before, after = scene.known(early), scene.known(late)
    standing = before.facts.standing(early)
    if together and standing is not None:
        assert units(after, late) >= float(standing.observation.units)


@given(scene=scenes(), now=MINUTES, at=MINUTES)
def test_it_is_never_below_the_bookings_and_more_seen_is_never_less(
    scene: Scene, now: int, at: int
) -> None:
    found = scene.known(now)
    fewer = Scene(scene.rules, scene.booked, scene.observations[1:]).known(now)
    assert units(found, at) >= units(fewer, at) >= booked_units(scene, at)
    starts = found.calendar.demand.starts
    assert starts == sorted(set(starts))


@given(scene=scenes(), now=MINUTES)
def test_what_lies_before_the_reach_makes_no_difference(scene: Scene, now: int) -> None:
    whole = scene.known(now)
    recent = scene.known(now, since=reach(scene.rules, scene.booked, now))
    for at in range(now, now + 24 * HOUR, 30 * MINUTE):
        assert units(whole, at) == units(recent, at)
        assert whole.facts.at(at).until == recent.facts.at(at).until


@given(scene=scenes(), now=MINUTES)
def test_the_order_in_which_it_was_seen_makes_no_difference(scene: Scene, now: int) -> None:
    turned = Scene(scene.rules, scene.booked, scene.observations[::-1])
    assert scene.known(now).calendar == turned.known(now).calendar


@given(scene=scenes(), now=MINUTES)
def test_a_fresh_observation_counts_at_once(scene: Scene, now: int) -> None:
    more = Scene(scene.rules, scene.booked, [*scene.observations, Observation(now, Fraction(3000))])
    demand = more.known(now).calendar.demand
    hold = rules_of(scene.rules).hold
    inside = any(a <= now < b for a, b in protected_time(scene.rules, scene.booked, now, now))
    if hold or inside:
        assert demand.needed[demand.index(now)] >= 100
