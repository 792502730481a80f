"""Policies that lock now, soon, or not at all, and a calendar for them."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

CALENDAR = """\
id,date,timezone,culture,guests
w-1,2027-06-12,Europe/London,british,150
"""
DAY = timedelta(days=1)
Inputs = Callable[[str], list[str]]


def policy(start: datetime, end: datetime) -> str:
    """A policy with one window between two instants."""
    return f"""\
version: 1
name: tests
timezone: Europe/London
lead: 2h
windows:
  - name: freeze
    start: "{start:%Y-%m-%dT%H:%M:%SZ}"
    end: "{end:%Y-%m-%dT%H:%M:%SZ}"
"""


def write_inputs(folder: Path) -> Inputs:
    """Write them; the result gives the options for ``locked``, ``lead`` or ``open``."""
    now = datetime.now(UTC)
    calendar = folder / "weddings.csv"
    calendar.write_text(CALENDAR)
    spans = {
        "locked": (now - DAY, now + DAY),
        "lead": (now + timedelta(hours=1), now + DAY),
        "open": (now + 300 * DAY, now + 301 * DAY),
    }
    for name, (start, end) in spans.items():
        (folder / f"{name}.yaml").write_text(policy(start, end))

    def options(name: str) -> list[str]:
        return ["--policy", str(folder / f"{name}.yaml"), "--calendar", str(calendar)]

    return options
