"""Dates, times, durations and zones as iCalendar writes them, on the wall clock of one zone."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from gate.calendars.ical_lines import Property
from gate.calendars.row import OneOf, shown
from gate.core.instants import FIRST_YEAR, LAST_YEAR
from gate.core.zones import zone, zone_keys

_MOMENT = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})(?:T([0-9]{2})([0-9]{2})([0-9]{2})(Z?))?")
_DURATION = re.compile(
    r"\+?P(?:([0-9]{1,4})W|(?=[0-9T])(?:([0-9]{1,4})D)?"
    r"(?:T(?=[0-9])(?:([0-9]{1,6})H)?(?:([0-9]{1,6})M)?(?:([0-9]{1,6})S)?)?)"
)


class Unreadable(Exception):  # noqa: N818  (it is a value that cannot be read)
    """A property whose value cannot be read."""

    def __init__(self, prop: Property, message: str, mend: str | OneOf) -> None:
        super().__init__(message)
        self.prop = prop
        self.message = message
        self.mend = mend


class Moment(NamedTuple):
    """A date (``at`` is its midnight) or a date with a time, as written.

    ``zone`` is an IANA key, ``UTC`` for a time with ``Z``, None where it floats.
    """

    at: datetime
    has_time: bool
    zone: str | None
    ends_in_z: bool

    def wall(self, key: str) -> datetime:
        """What the clock of a zone shows; a floating moment is taken as it stands."""
        if self.zone is None or self.zone == key:
            return self.at
        instant = self.at.replace(tzinfo=zone(self.zone)).astimezone(UTC)
        return instant.astimezone(zone(key)).replace(tzinfo=None)


def read_moment(prop: Property, value: str | None = None) -> Moment:
    """A DATE or DATE-TIME (``value`` is one of several); `Unreadable` where it is none."""
    text = prop.value if value is None else value
    match = _MOMENT.fullmatch(text)
    mend = f"write {prop.name};TZID=Europe/London:20260613T140000"
    if match is None:
        raise Unreadable(prop, f"{shown(text)} is no date or time", mend)
    *parts, utc = match.groups()
    try:
        at = datetime(*(int(part or 0) for part in parts))  # type: ignore[arg-type]  # noqa: DTZ001
    except ValueError as error:
        raise Unreadable(prop, f"{shown(text)} does not exist: {error}", mend) from None
    if not FIRST_YEAR <= at.year <= LAST_YEAR:
        raise Unreadable(
            prop, f"{shown(text)} lies outside {FIRST_YEAR} to {LAST_YEAR}", "correct the year"
        )
    if utc:
        return Moment(at, True, "UTC", True)
    written = prop.parameters.get("TZID")
    has_time = parts[3] is not None
    return Moment(at, has_time, zone_key(prop, written) if written and has_time else None, False)


def zone_key(prop: Property, written: str) -> str:
    """The IANA key that a zone's name stands for; `Unreadable` where it stands for none.

    Names are IANA keys, keys behind a vendor's prefix, or Windows names by Unicode's table.
    """
    from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON  # noqa: PLC0415

    parts = written.strip("/").split("/")
    for start in range(min(len(parts), 8)):
        key = "/".join(parts[start:])
        # A prefix is only taken off where a path is left: "UTC" at the end of one is no zone.
        if key in zone_keys() and (start == 0 or "/" in key):
            return key
    key = WINDOWS_TO_OLSON.get(written, "")
    if key in zone_keys():
        return key
    mend = OneOf(written, zone_keys(), "write an IANA key such as Europe/London")
    raise Unreadable(prop, f"{shown(written)} is no known time zone", mend)


def read_duration(prop: Property) -> timedelta:
    """A DURATION that is not negative."""
    match = _DURATION.fullmatch(prop.value)
    if match is None:
        raise Unreadable(prop, f"{shown(prop.value)} is no duration", "write for example PT9H")
    weeks, days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)


def days_between(start: datetime, end: datetime) -> int:
    """How many local dates ``[start, end)`` touches."""
    last: date = (end - timedelta(microseconds=1)).date()
    return (last - start.date()).days + 1
