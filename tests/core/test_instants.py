"""Instants, dates and durations as the contract writes them."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.core.instants import (
    duration_micros,
    format_instant,
    from_micros,
    micros,
    parse_date,
    parse_duration,
    parse_instant,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-06-13T12:00:00Z", datetime(2026, 6, 13, 12, tzinfo=UTC)),
        ("2026-06-13t12:00:00z", datetime(2026, 6, 13, 12, tzinfo=UTC)),
        ("2026-06-13T12:00:00.1Z", datetime(2026, 6, 13, 12, 0, 0, 100_000, tzinfo=UTC)),
        ("2026-06-13T12:00:00.000001Z", datetime(2026, 6, 13, 12, 0, 0, 1, tzinfo=UTC)),
        ("2026-06-13T05:30:00+05:30", datetime(2026, 6, 13, tzinfo=UTC)),
        ("2026-06-12T20:00:00-04:00", datetime(2026, 6, 13, tzinfo=UTC)),
        ("1970-01-01T01:00:00+01:00", datetime(1970, 1, 1, tzinfo=UTC)),
        ("2199-12-31T23:59:59.999999Z", datetime(2199, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)),
    ],
)
def test_an_instant_is_read(text: str, expected: datetime) -> None:
    assert parse_instant(text) == expected
    assert parse_instant(text).tzinfo is UTC


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("2026-06-13T12:00:00", "no offset"),
        ("2026-06-13T12:00:60Z", "second 60"),
        ("2026-06-13T12:00Z", "not an instant"),
        ("2026-06-13 12:00:00Z", "not an instant"),
        ("2026-06-13T24:00:00Z", "not an instant"),
        ("2026-06-13T12:00:00.1234567Z", "not an instant"),
        ("2026-06-13T12:00:00+0100", "not an instant"),
        ("2026-06-13T12:00:00+24:00", "not an instant"),
        ("2026-02-30T12:00:00Z", "no instant of the calendar"),
        ("0001-01-01T00:00:00+01:00", "no instant of the calendar"),
        ("1970-01-01T00:59:59+01:00", "outside 1970 to 2199"),
        ("2200-01-01T00:00:00Z", "outside 1970 to 2199"),
        ("２026-06-13T12:00:00Z", "not an instant"),
        ("tomorrow" * 40, "not an instant"),
    ],
)
def test_what_is_no_instant_is_refused_with_the_reason(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        parse_instant(text)


def test_dates() -> None:
    assert parse_date("2026-02-28") == date(2026, 2, 28)
    for text, says in [
        ("2026-02-29", "no date of the calendar"),
        ("2026-2-28", "not a date"),
        ("1969-12-31", "outside"),
        ("2200-01-01", "outside"),
    ]:
        with pytest.raises(ValueError, match=says):
            parse_date(text)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0s", 0), ("45m", 2700), ("2h", 7200), ("1d", 86_400), ("400d", 34_560_000),
        ("PT2H", 7200), ("P1D", 86_400), ("P2W", 1_209_600), ("P1DT1H1M1S", 90_061), ("PT0S", 0),
    ],
)  # fmt: skip
def test_durations(text: str, seconds: int) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "text",
    ["", "2", "h", "-1h", "1.5h", "2H", "P", "PT", "P1DT", "P1W1D", "pt2h", "P1Y", "1h30m",
     "401d", "P58W", "9601h", "١h", "1 h"],
)  # fmt: skip
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"not a duration|longer than 400 days"):
        parse_duration(text)


@given(st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(2199, 12, 31)))  # noqa: DTZ001
def test_microseconds_and_text_lose_nothing(naive: datetime) -> None:
    instant = naive.replace(tzinfo=UTC)
    assert from_micros(micros(instant)) == instant
    assert parse_instant(format_instant(instant)) == instant


def test_a_duration_in_microseconds_is_exact() -> None:
    assert duration_micros(timedelta(days=400, microseconds=1)) == 34_560_000_000_001
