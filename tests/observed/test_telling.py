"""What people are told of observed load."""

import pytest

from gate.core.decide import Facts, decide
from gate.core.decision import CalendarRef
from gate.core.instants import from_micros
from gate.core.observed import effective
from gate.core.timeline import compile_timeline
from gate.github.action.summary import Told, summary
from tests.core.build import NO_WINDOWS, calendar, policy, request
from tests.observed.build import MINUTE, observing, seen, us

TUESDAY = us("2026-02-10T12:00:00Z")


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ([(TUESDAY - MINUTE, 1000.0)], "replicas needed: 34; observed at 2026-02-10T11:59:00Z"),
        ([], "replicas needed: 0; observed load is failed, the bookings stand"),
    ],
)
def test_the_actions_summary_names_it(told: list[tuple[int, float]], said: str) -> None:
    rules = observing(NO_WINDOWS)
    found = effective(rules, calendar(rules), seen(TUESDAY, *told))
    facts = Facts(calendar=CalendarRef(sha256=None, weddings=0), observed=found.facts)
    timeline = compile_timeline(rules, found.calendar)
    decision = decide(timeline, facts, request(), from_micros(TUESDAY))
    assert said in summary(Told(decision=decision, policy=rules, has_record=False), [])


def test_the_actions_summary_is_silent_where_the_policy_observes_nothing() -> None:
    rules = policy(NO_WINDOWS)
    facts = Facts(calendar=CalendarRef(sha256=None, weddings=0))
    timeline = compile_timeline(rules, calendar(rules))
    decision = decide(timeline, facts, request(), from_micros(TUESDAY))
    assert "observed" not in summary(Told(decision=decision, policy=rules, has_record=False), [])
