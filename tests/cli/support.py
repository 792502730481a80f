"""What the tests of the command line share: files, a compiled calendar."""

from collections.abc import Iterable
from datetime import date, datetime
from pathlib import Path

from gate.calendars import WeddingRow, calendar_from_rows
from gate.core.decide import Facts
from gate.core.decision import CalendarRef, ManualLock
from gate.core.document import read_policy
from gate.core.instants import parse_instant
from gate.core.policy import Policy
from gate.core.timeline import Timeline, compile_timeline

DATA = Path(__file__).parent / "data"
POLICY = str(DATA / "policy.yaml")
CALENDAR = str(DATA / "weddings.csv")
INPUTS = ("--policy", POLICY, "--calendar", CALENDAR)


def instant(text: str) -> datetime:
    """An instant from text."""
    return parse_instant(text)


def policy_of(text: str) -> Policy:
    """A policy from the text of its document, ``version`` and ``timezone`` given beforehand."""
    zone = "" if "timezone:" in text else "timezone: Europe/London\n"
    return read_policy(f"version: 1\n{zone}{text}".encode(), "policy.yaml")


def timeline_of(
    policy: Policy,
    weddings: Iterable[tuple[str, str, int]] = (),
    locks: Iterable[ManualLock] = (),
) -> tuple[Timeline, Facts]:
    """Compile British weddings of one day: (first date, zone, guests)."""
    rows = [
        WeddingRow(
            id=str(number),
            date=date.fromisoformat(day),
            timezone=zone,
            culture="british",
            guests=guests,
        )
        for number, (day, zone, guests) in enumerate(weddings)
    ]
    calendar = calendar_from_rows(rows, policy.load)
    facts = Facts(calendar=CalendarRef(sha256=None, weddings=calendar.weddings))
    return compile_timeline(policy, calendar, tuple(locks)), facts
