"""Policies, calendars and decisions in a few words, for the tests of the core."""

from datetime import date
from typing import Any

from gate.core.decide import Facts, decide
from gate.core.decision import CalendarRef, Decision, ManualLock, Override, Request
from gate.core.demand import Calendar, DemandBuilder
from gate.core.document import read_policy
from gate.core.instants import micros, parse_instant
from gate.core.policy import Action, Policy
from gate.core.timeline import Timeline, compile_timeline

NO_WINDOWS = "windows: []\nlevel_lock: {at: never}\n"


def policy(text: str = "", zone: str = "Europe/London") -> Policy:
    """A policy of this home zone with further lines of YAML."""
    return read_policy(f"version: 1\ntimezone: {zone}\n{text}".encode(), "policy.yaml")


def calendar(rules: Policy, *weddings: tuple[str, str, str, int]) -> Calendar:
    """Weddings as (date, zone, culture, guests), for their culture's days."""
    builder = DemandBuilder(rules.load)
    for day, zone, culture, guests in weddings:
        first = date.fromisoformat(day).toordinal()
        weight = guests * builder.unit(culture, None, None)
        days = rules.load.cultures[culture].days
        builder.stream(zone, None, None, culture).add(first, days, weight)
    return builder.build()


def timeline(
    text: str = "", *weddings: tuple[str, str, str, int], locks: tuple[ManualLock, ...] = ()
) -> Timeline:
    """A policy in London with further lines, compiled with weddings and manual locks."""
    rules = policy(text)
    return compile_timeline(rules, calendar(rules, *weddings), locks)


def request(action: str = "deploy", invoker: Any = "automation", **fields: str) -> Request:
    """A request; by default an automated deploy that names nothing."""
    return Request(action=Action(action), invoker=invoker, **fields)


def ask(
    line: Timeline,
    at: str,
    what: Request | None = None,
    overrides: tuple[Override, ...] = (),
) -> Decision:
    """The decision at an instant."""
    facts = Facts(
        calendar=CalendarRef(sha256=None, weddings=line.calendar.weddings), overrides=overrides
    )
    return decide(line, facts, what or request(), parse_instant(at))


def us(text: str) -> int:
    """An instant in microseconds."""
    return micros(parse_instant(text))
