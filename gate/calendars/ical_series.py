"""Events that recur: their occurrences, by `recurring_ical_events`.

The library sees floating times only, on the wall clock of the series' own zone: so neither its zone
data nor the machine's zone has a say, and weddings recur on local dates.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple

from gate.calendars.ical_lines import Event, Property
from gate.calendars.ical_times import Moment, Unreadable, read_duration, read_moment
from gate.core.instants import LAST_YEAR
from gate.core.rrule import parse_rule

MOST_OCCURRENCES = 1000
ONE_DAY = timedelta(days=1)
"""How long an event without an end lasts that begins with a date (RFC 5545, 3.6.1)."""
RECURRING = ("RRULE", "RDATE", "RECURRENCE-ID", "EXRULE")

_LAST_DATE = date(LAST_YEAR, 12, 31)
_UNTIL = re.compile(r"UNTIL=([0-9]{8})(?:T([0-9]{6})(Z?))?")
_INDEX = "X-INDEX"


class Occurrence(NamedTuple):
    """``name`` tells it from others of the series; ``start`` and ``end`` are on the wall clock."""

    event: Event
    name: str
    start: datetime
    end: datetime | None


def occurrences(events: Sequence[Event], key: str) -> Iterator[Occurrence]:
    """The occurrences of the events of one UID, on the wall clock of zone ``key``.

    `Unreadable` where the series is endless, too long or not understood.
    """
    import icalendar  # noqa: PLC0415
    import recurring_ical_events  # type: ignore[import-untyped]  # noqa: PLC0415

    blocks = [_block(event, index, key) for index, event in enumerate(events)]
    text = "\r\n".join(["BEGIN:VCALENDAR", *blocks, "END:VCALENDAR", ""])
    prop = next(event.all(name)[0] for event in events for name in RECURRING if event.all(name))
    try:
        query = recurring_ical_events.of(icalendar.Calendar.from_ical(text))
        found = query.between((1969, 12, 31), (LAST_YEAR + 1, 1, 2))
        made = [_occurrence(component, events) for component in found]
    # What these libraries raise for a series that they do not understand is not documented.
    except Exception as error:
        raise Unreadable(
            prop, f"this series cannot be read ({error})", "write its dates as events of their own"
        ) from None
    if len(made) > MOST_OCCURRENCES:
        raise _too_many(prop)
    yield from made


def _occurrence(component: object, events: Sequence[Event]) -> Occurrence:
    get = component.get  # type: ignore[attr-defined]
    event = events[int(get(_INDEX))]
    start, recurrence = _naive(get("DTSTART").dt), _naive(get("RECURRENCE-ID").dt)
    end = None
    if event.first("DTEND") or event.first("DURATION"):
        end = _naive(get("DTEND").dt)
    elif not isinstance(get("DTSTART").dt, datetime):
        end = start + ONE_DAY
    first = event.first("RECURRENCE-ID")
    # A change of all that follow comes with the RECURRENCE-ID of the first of them.
    named = start if first is not None and _changes_all_that_follow(first) else recurrence
    return Occurrence(event, named.date().isoformat(), start, end)


def _changes_all_that_follow(prop: Property) -> bool:
    return prop.parameters.get("RANGE", "").upper() == "THISANDFUTURE"


def _naive(value: date | datetime) -> datetime:
    if isinstance(value, datetime):
        return value.replace(tzinfo=None)
    return datetime.combine(value, datetime.min.time())


def _block(event: Event, index: int, key: str) -> str:
    """The event with nothing but its times, all floating."""
    start = event.first("DTSTART")
    assert start is not None
    begin = read_moment(start)
    lines = ["BEGIN:VEVENT", "UID:series", f"{_INDEX}:{index}", _line(start, key)]
    for name in ("DTEND", "RECURRENCE-ID"):
        lines += [_line(prop, key) for prop in event.all(name)[:1]]
    for prop in event.all("DURATION")[:1]:
        read_duration(prop)
        lines.append(f"DURATION:{prop.value}")
    for name in ("RDATE", "EXDATE"):
        lines += [_line(prop, key) for prop in event.all(name)]
    for prop in event.all("RRULE"):
        lines.append(_rule(prop, begin, key))
    for prop in event.all("EXRULE"):
        raise Unreadable(prop, "is not accepted (RFC 5545 has no EXRULE)", "write EXDATE")
    return "\r\n".join([*lines, "END:VEVENT"])


def _line(prop: Property, key: str) -> str:
    parameters = ";RANGE=THISANDFUTURE" if _changes_all_that_follow(prop) else ""
    moments = [read_moment(prop, value) for value in prop.value.split(",")]
    if not moments[0].has_time:
        parameters += ";VALUE=DATE"
    return f"{prop.name}{parameters}:{','.join(_floating(moment, key) for moment in moments)}"


def _floating(moment: Moment, key: str) -> str:
    return f"{moment.wall(key):%Y%m%dT%H%M%S}" if moment.has_time else f"{moment.at:%Y%m%d}"


def _rule(prop: Property, begin: Moment, key: str) -> str:
    """The rule with a floating UNTIL; checked to be a rule of dates with an end."""
    since = begin.wall(key).date()
    try:
        rule = parse_rule(prop.value, since)
    except ValueError as error:
        raise Unreadable(prop, str(error), "correct the rule (RFC 5545, 3.3.10)") from None
    if rule.count is None and rule.until is None:
        raise Unreadable(prop, "recurs without end", "end it with COUNT or UNTIL")
    if len(rule.dates(since, min(_LAST_DATE, since + timedelta(days=36_525)))) > MOST_OCCURRENCES:
        raise _too_many(prop)

    def floating(match: re.Match[str]) -> str:
        day, time, utc = match.groups()
        until = read_moment(prop, f"{day}T{time or '235959'}{utc or ''}").wall(key)
        return f"UNTIL={until:%Y%m%dT%H%M%S}" if begin.has_time else f"UNTIL={until:%Y%m%d}"

    return f"RRULE:{_UNTIL.sub(floating, prop.value)}"


def _too_many(prop: Property) -> Unreadable:
    return Unreadable(
        prop, f"recurs more than {MOST_OCCURRENCES} times", "no wedding does; correct the rule"
    )
