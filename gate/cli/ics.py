"""Locked time as an iCalendar document (RFC 5545), to subscribe to."""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta

from gate import __version__
from gate.cli.screen import cause_words
from gate.cli.targets import target_words
from gate.core.decision import Request
from gate.core.instants import format_instant
from gate.core.listing import LockedStretch
from gate.core.policy import Policy
from gate.core.problems import InputError
from gate.core.zones import zone

_WARNINGS = (timedelta(hours=24), timedelta(hours=2))
_NAMED_CAUSES = 8


def calendar_bytes(
    stretches: Sequence[LockedStretch], request: Request, policy: Policy, *, stamped: datetime
) -> bytes:
    """An event for each stretch, with alarms 24 h and 2 h ahead; ``stamped`` is their DTSTAMP.

    InputError where the `icalendar` library is not installed.
    """
    try:
        from icalendar import Alarm, Calendar, Event  # noqa: PLC0415  (an extra, and slow to load)
    except ImportError:
        raise InputError.of(
            "iCalendar output needs the icalendar library",
            mend="pip install 'saturday-gate[ical]'",
        ) from None
    title = f"Changes locked: {target_words(request)}"
    document = Calendar()
    document.add("prodid", f"-//Saturday Gate//gate {__version__}//EN")
    document.add("version", "2.0")
    document.add("method", "PUBLISH")
    document.add("x-wr-calname", f"{policy.name or 'Saturday Gate'}: locked for changes")
    for stretch in stretches:
        event = Event()
        event.add("uid", _uid(stretch, request, policy))
        event.add("dtstamp", stamped)
        event.add("dtstart", stretch.start)
        event.add("dtend", stretch.end)
        event.add("summary", title)
        event.add("description", _description(stretch, policy))
        event.add("categories", sorted({str(cause.code) for cause in stretch.causes}))
        event.add("transp", "TRANSPARENT")
        for ahead in _WARNINGS:
            alarm = Alarm()
            alarm.add("action", "DISPLAY")
            alarm.add("description", title)
            alarm.add("trigger", -ahead)
            event.add_component(alarm)
        document.add_component(event)
    data: bytes = document.to_ical()
    return data


def _uid(stretch: LockedStretch, request: Request, policy: Policy) -> str:
    """The same stretch of the same policy keeps its identity from one export to the next."""
    parts = (
        policy.name or "", target_words(request), format_instant(stretch.start),
        format_instant(stretch.end),
    )  # fmt: skip
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32] + "@saturday-gate"


def _description(stretch: LockedStretch, policy: Policy) -> str:
    home = zone(policy.timezone)
    lines = [cause_words(cause, home) for cause in stretch.causes[:_NAMED_CAUSES]]
    others = len(stretch.causes) - _NAMED_CAUSES
    if others > 0:
        lines.append(f"and {others} more")
    return "\n".join(lines)
