"""What observed load raises, how long that stands, and how the decision names it."""

import msgspec
import pytest

from gate.core.decide import Facts, decide
from gate.core.decision import CalendarRef, Decision
from gate.core.instants import from_micros, parse_instant
from gate.core.observed import Effective, Seen, effective, reach
from gate.core.plan import plan_at
from gate.core.policy import Policy
from gate.core.timeline import compile_timeline
from tests.core.build import NO_WINDOWS, calendar, request
from tests.observed.build import MINUTE, observing, seen, us

TUESDAY = us("2026-02-10T12:00:00Z")
SATURDAY = us("2026-02-14T12:00:00Z")
SATURDAY_ENDS = us("2026-02-15T00:00:00Z")


def needed(found: Effective, at: int) -> int:
    demand = found.calendar.demand
    return demand.needed[demand.index(at)]


def decision(rules: Policy, found: Effective, at: int) -> Decision:
    facts = Facts(calendar=CalendarRef(sha256=None, weddings=0), observed=found.facts)
    return decide(compile_timeline(rules, found.calendar), facts, request(), from_micros(at))


def test_an_observation_above_the_bookings_raises_level_and_floor_at_once() -> None:
    rules = observing(NO_WINDOWS)
    found = effective(rules, calendar(rules), seen(TUESDAY, (TUESDAY, 1000.5)))
    assert needed(found, TUESDAY - 1) == 0
    assert needed(found, TUESDAY) == 34
    assert plan_at(found.calendar.demand, rules.load.capacity, TUESDAY).min == 35
    answer = decision(rules, found, TUESDAY)
    assert (answer.level, answer.load.needed if answer.load else None) == ("HIGH", 34)


def test_a_raised_level_locks() -> None:
    rules = observing("windows: []\nlevel_lock: {at: HIGH}\n")
    found = effective(rules, calendar(rules), seen(TUESDAY, (TUESDAY, 1000)))
    answer = decision(rules, found, TUESDAY)
    assert (answer.verdict, [reason.code for reason in answer.reasons]) == ("deny", ["level"])
    assert answer.locked_from == from_micros(TUESDAY)
    assert answer.next_change == from_micros(TUESDAY + 60 * MINUTE)


def test_below_the_bookings_nothing_changes() -> None:
    rules = observing(NO_WINDOWS)
    booked = calendar(rules, ("2026-02-10", "Europe/London", "indian", 6000))
    now = us("2026-02-10T14:00:00Z")
    found = effective(rules, booked, seen(now, (now, 19.9)))
    assert found.calendar.demand is booked.demand
    answer = decision(rules, found, now)
    assert answer.load is not None
    assert msgspec.to_builtins(answer.load.observed) == {
        "source": "prometheus", "state": "fresh", "at": "2026-02-10T14:00:00Z", "demand": 19.9,
        "until": None,
    }  # fmt: skip
    assert answer.load.demand == 20


def test_outside_of_windows_what_was_raised_stands_for_the_hold() -> None:
    rules = observing(NO_WINDOWS)
    now = TUESDAY + 90 * MINUTE
    found = effective(rules, calendar(rules), seen(now, (TUESDAY, 900), (TUESDAY + MINUTE, 3)))
    assert needed(found, TUESDAY + 60 * MINUTE - 1) == 30
    assert needed(found, TUESDAY + 60 * MINUTE) == 1
    assert needed(found, TUESDAY + 61 * MINUTE) == 0


@pytest.mark.parametrize("began", [SATURDAY, us("2026-02-13T23:30:00Z")])
def test_inside_a_window_it_stands_until_the_window_ends(began: int) -> None:
    rules = observing("level_lock: {at: never}\n")
    now = SATURDAY + 300 * MINUTE
    found = effective(rules, calendar(rules), seen(now, (began, 900), (now, 3)))
    assert needed(found, now) == needed(found, SATURDAY_ENDS - 1) == 30
    assert needed(found, SATURDAY_ENDS) == 0
    answer = decision(rules, found, now)
    assert answer.load is not None
    assert msgspec.to_builtins(answer.load.observed) == {
        "source": "prometheus", "state": "fresh", "until": "2026-02-15T00:00:00Z",
        "at": msgspec.to_builtins(from_micros(began)), "demand": 900.0,
    }  # fmt: skip


def test_on_a_peak_of_the_bookings_it_stands_until_that_ends() -> None:
    rules = observing("windows: []\n")
    booked = calendar(rules, ("2026-02-10", "Europe/London", "other", 60_000))
    peak = us("2026-02-10T12:00:00Z"), us("2026-02-10T23:00:00Z")
    assert needed(effective(rules, booked, seen(TUESDAY)), peak[1]) == 6
    assert needed(effective(rules, booked, seen(TUESDAY)), peak[1] - 1) == 11
    found = effective(rules, booked, seen(peak[0], (peak[0], 600)))
    assert needed(found, peak[1] - 1) == 20
    assert needed(found, peak[1]) == 6


def test_a_window_without_end_lets_go_after_a_week() -> None:
    rules = observing(
        "windows: [{name: always, rrule: FREQ=DAILY}]\nlevel_lock: {at: never}\n"
    )  # fmt: skip
    found = effective(rules, calendar(rules), seen(TUESDAY, (TUESDAY, 900)))
    week = 7 * 24 * 60 * MINUTE
    assert needed(found, TUESDAY + week - 1) == 30
    assert needed(found, TUESDAY + week) == 0
    assert reach(rules, calendar(rules), TUESDAY) == TUESDAY - week


@pytest.mark.parametrize(
    ("latest", "since", "state"),
    [
        (0, None, "fresh"),
        (5, None, "fresh"),
        (6, None, "stale"),
        (15, 1, "stale"),
        (16, None, "failed"),
        (16, 2, "stale"),
        (99, 16, "failed"),
        (None, 15, "missing"),
        (None, 16, "failed"),
        (None, None, "failed"),
    ],
)
def test_a_source_that_says_nothing_is_named(
    latest: int | None, since: int | None, state: str
) -> None:
    rules = observing(NO_WINDOWS)
    told = [] if latest is None else [(TUESDAY - latest * MINUTE, 1.0)]
    began = None if since is None else TUESDAY - since * MINUTE
    found = effective(rules, calendar(rules), seen(TUESDAY, *told, since=began))
    assert (found.facts.state, found.facts.failed) == (state, state == "failed")
    load = decision(rules, found, TUESDAY).load
    assert load is not None
    assert load.observed is not msgspec.UNSET
    assert (load.observed.state, load.observed.at is None) == (state, latest is None)


def test_what_lies_after_the_instant_asked_about_does_not_count() -> None:
    rules = observing(NO_WINDOWS)
    found = effective(rules, calendar(rules), seen(TUESDAY, (TUESDAY + 1, 900)))
    assert (needed(found, TUESDAY + 1), found.facts.state) == (0, "failed")


def test_a_decision_says_nothing_of_observed_load_where_the_policy_has_none() -> None:
    rules = observing(NO_WINDOWS)
    facts = Facts(calendar=CalendarRef(sha256=None, weddings=0))
    line = compile_timeline(rules, calendar(rules))
    answer = decide(line, facts, request(), parse_instant("2026-02-10T12:00:00Z"))
    assert answer.load is not None
    assert list(msgspec.to_builtins(answer.load)) == [
        "demand", "needed", "required_replicas", "shortfall", "weddings_today",
    ]  # fmt: skip


def test_what_was_seen_is_a_value() -> None:
    assert Seen(observations=(), asked_at=1) == Seen(observations=(), asked_at=1)
