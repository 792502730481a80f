"""Instants, local dates and durations as the contract writes them.

An instant is an aware `datetime` in UTC; inside compiled timelines it is an integer of
microseconds since 1970-01-01T00:00:00Z, so that a decision is a bisection over integers.
"""

import re
from datetime import UTC, date, datetime, timedelta

FIRST_YEAR = 1970
LAST_YEAR = 2199
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECOND = 1_000_000
HOUR = 3600 * SECOND
DAY = 24 * HOUR
EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
MAX_DURATION = timedelta(days=400)

_FIRST = datetime(FIRST_YEAR, 1, 1, tzinfo=UTC)
_AFTER_LAST = datetime(LAST_YEAR + 1, 1, 1, tzinfo=UTC)
_DAY_SECONDS = 86_400
_RFC3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt](?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
    r"(?:\.[0-9]{1,6})?(?P<offset>[Zz]|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])?"
)
_SECOND_60 = re.compile(r"[^T]*[Tt][0-9]{2}:[0-9]{2}:60")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_SHORT_DURATION = re.compile(r"([0-9]{1,12})([smhd])")
_ISO_DURATION = re.compile(
    r"P(?:([0-9]{1,12})W|(?=[0-9T])(?:([0-9]{1,12})D)?"
    r"(?:T(?=[0-9])(?:([0-9]{1,12})H)?(?:([0-9]{1,12})M)?(?:([0-9]{1,12})S)?)?)"
)
_SHORT_UNIT = {"s": 1, "m": 60, "h": 3600, "d": _DAY_SECONDS}


def parse_instant(text: str) -> datetime:
    """RFC 3339 text as an aware UTC `datetime`; ValueError says what is wrong, and the mend."""
    match = _RFC3339.fullmatch(text)
    if match is None:
        if _SECOND_60.match(text):
            raise ValueError(f"second 60 of {_quoted(text)} is not accepted; use second 59")
        raise ValueError(
            f"{_quoted(text)} is not an instant; write it as 2026-06-13T14:00:00Z"
            " or 2026-06-13T15:00:00+01:00"
        )
    if match["offset"] is None:
        raise ValueError(f"{text!r} has no offset; add Z or one such as +01:00")
    try:
        instant = datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{text!r} is no instant of the calendar ({error})") from None
    if not _FIRST <= instant < _AFTER_LAST:
        raise ValueError(f"{text!r} lies outside {FIRST_YEAR} to {LAST_YEAR}")
    return instant


def parse_date(text: str) -> date:
    """``YYYY-MM-DD`` within 1970 to 2199; ValueError says what is wrong."""
    if not _DATE.fullmatch(text):
        raise ValueError(f"{_quoted(text)} is not a date; write it as 2026-06-13")
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"{text!r} is no date of the calendar ({error})") from None
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise ValueError(f"{text!r} lies outside {FIRST_YEAR} to {LAST_YEAR}")
    return day


def parse_duration(text: str) -> timedelta:
    """One whole number with ``s m h d``, or ISO 8601 in whole weeks, or days to seconds.

    A day is 24 hours. ValueError where the text is none of these or exceeds 400 days.
    """
    seconds: int | None = None
    if short := _SHORT_DURATION.fullmatch(text):
        seconds = int(short[1]) * _SHORT_UNIT[short[2]]
    elif iso := _ISO_DURATION.fullmatch(text):
        weeks, days, hours, minutes, secs = (int(part or 0) for part in iso.groups())
        seconds = ((weeks * 7 + days) * 24 + hours) * 3600 + minutes * 60 + secs
    if seconds is None:
        raise ValueError(f"{_quoted(text)} is not a duration; write 0s, 45m, 2h, 1d or PT2H")
    if seconds > MAX_DURATION.total_seconds():
        raise ValueError(f"{text!r} is longer than {MAX_DURATION.days} days")
    return timedelta(seconds=seconds)


def micros(instant: datetime) -> int:
    """Microseconds since the epoch of an aware `datetime`."""
    since = instant - EPOCH
    return (since.days * _DAY_SECONDS + since.seconds) * SECOND + since.microseconds


def from_micros(value: int) -> datetime:
    """The inverse of `micros`."""
    return EPOCH + timedelta(microseconds=value)


def duration_micros(duration: timedelta) -> int:
    """A duration in microseconds, exactly."""
    return duration // timedelta(microseconds=1)


def format_instant(instant: datetime) -> str:
    """RFC 3339 in UTC with ``Z``; six fractional digits where there are microseconds, else none."""
    return instant.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def _quoted(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "…")
