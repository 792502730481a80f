"""Recurrence rules: RFC 5545's restrictions, and agreement with `dateutil` on random rules."""

from datetime import date, datetime, time

import pytest
from dateutil.rrule import rrulestr
from hypothesis import assume, given
from hypothesis import strategies as st

from gate.core.rrule import parse_rule

SINCE = date(2000, 1, 1)
DAYS = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"]


def signed(high: int) -> st.SearchStrategy[int]:
    return st.one_of(st.integers(1, high), st.integers(-high, -1))


def joined(items: st.SearchStrategy[object], most: int = 3) -> st.SearchStrategy[str]:
    return st.lists(items, min_size=1, max_size=most, unique=True).map(
        lambda x: ",".join(map(str, x))
    )


@st.composite
def rules(draw: st.DrawFn) -> str:
    frequency = draw(st.sampled_from(["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]))
    parts = [f"FREQ={frequency}"]

    def maybe(name: str, values: st.SearchStrategy[object], allowed: bool = True) -> bool:
        if allowed and draw(st.integers(0, 2)) == 0:
            parts.append(f"{name}={draw(values)}")
            return True
        return False

    yearly, monthly = frequency == "YEARLY", frequency == "MONTHLY"
    maybe("INTERVAL", st.integers(1, 15))
    maybe("BYMONTH", joined(st.integers(1, 12)))
    maybe("BYMONTHDAY", joined(signed(31)), frequency != "WEEKLY")
    maybe("BYYEARDAY", joined(signed(366)), yearly)
    # dateutil numbers the first days of January wrongly in some years, so no week 52 or 53 here;
    # test_week_numbers_are_iso_8601 has those.
    weeks = maybe("BYWEEKNO", joined(st.integers(2, 51)), yearly)
    numbered = (monthly or yearly) and not weeks and draw(st.booleans())
    day = st.sampled_from(DAYS)
    entry = st.tuples(signed(4), day).map(lambda x: f"{x[0]}{x[1]}") if numbered else day
    maybe("BYDAY", joined(entry))
    # In a week that DTSTART cuts, dateutil counts positions from DTSTART, RFC 5545 from its start.
    if any(part.startswith("BY") for part in parts) and frequency != "WEEKLY":
        maybe("BYSETPOS", joined(signed(3)))
    maybe("WKST", day)
    ending = draw(st.sampled_from(["", "COUNT", "UNTIL"]))
    if ending == "COUNT":
        parts.append(f"COUNT={draw(st.integers(1, 60))}")
    elif ending == "UNTIL":
        parts.append(f"UNTIL=20{draw(st.integers(2, 12)):02}0315")
    return ";".join(parts)


@given(rule=rules(), since=st.dates(date(1999, 1, 1), date(2001, 12, 31)))
def test_agrees_with_dateutil(rule: str, since: date) -> None:
    first, last = date(2000, 6, 1), date(2012, 12, 31)
    try:
        mine = parse_rule(rule, since).dates(first, last)
    except ValueError:
        assume(False)
    peer = []
    for moment in rrulestr(rule, dtstart=datetime.combine(since, time())):
        if moment.date() > last:
            break
        if moment.date() >= first:
            peer.append(moment.date())
    assert mine == peer


def test_week_numbers_are_iso_8601() -> None:
    rule = parse_rule("FREQ=YEARLY;BYWEEKNO=53;BYDAY=SA", SINCE)
    expected = [
        day
        for day in map(date.fromordinal, range(SINCE.toordinal(), date(2030, 1, 1).toordinal()))
        if day.isocalendar()[1:] == (53, 6)
    ]
    assert rule.dates(SINCE, date(2029, 12, 31)) == expected


def test_a_plain_and_a_numbered_weekday_are_a_union() -> None:
    rule = parse_rule("FREQ=MONTHLY;BYDAY=MO,1SA", SINCE)
    assert rule.dates(date(2026, 6, 1), date(2026, 6, 9)) == [
        date(2026, 6, 1), date(2026, 6, 6), date(2026, 6, 8),
    ]  # fmt: skip


def test_positions_count_from_the_start_of_the_first_week() -> None:
    rule = parse_rule("FREQ=WEEKLY;BYDAY=MO,SA;BYSETPOS=1", SINCE)
    assert rule.dates(SINCE, date(2000, 1, 10)) == [date(2000, 1, 3), date(2000, 1, 10)]


def test_daily_positions() -> None:
    rule = parse_rule("FREQ=DAILY;BYDAY=SA;BYSETPOS=1", SINCE)
    assert rule.dates(SINCE, date(2000, 1, 8)) == [date(2000, 1, 1), date(2000, 1, 8)]


def test_since_is_an_occurrence_only_where_the_rule_yields_it() -> None:
    assert parse_rule("FREQ=WEEKLY;BYDAY=SU;COUNT=1", SINCE).dates(SINCE, date(2001, 1, 1)) == [
        date(2000, 1, 2)
    ]


def test_until_counts_by_its_date_and_inclusively() -> None:
    for until in ("20000108", "20000108T000000", "20000108T000000Z"):
        rule = parse_rule(f"FREQ=WEEKLY;BYDAY=SA;UNTIL={until}", SINCE)
        assert rule.dates(SINCE, date(2001, 1, 1)) == [date(2000, 1, 1), date(2000, 1, 8)]


def test_an_empty_range_has_no_dates() -> None:
    assert parse_rule("FREQ=DAILY", SINCE).dates(date(1999, 1, 1), date(1999, 12, 31)) == []


def test_an_interval_beyond_every_year_is_one_occurrence() -> None:
    rule = parse_rule(f"FREQ=DAILY;INTERVAL={10**30}", SINCE)
    assert rule.dates(SINCE, date(2199, 12, 31)) == [SINCE]


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ("", "not a part"), ("FREQ", "not a part"), ("FREQ=", "not a part"),
        ("BYDAY=SA", "FREQ is missing"), ("FREQ=HOURLY", "FREQ is DAILY"),
        ("FREQ=SECONDLY", "FREQ is DAILY"), ("RRULE:FREQ=DAILY", "not a part"),
        ("freq=weekly", "not a part"), ("FREQ=WEEKLY;BYDAY=sa", "BYDAY"),
        ("FREQ=DAILY;FREQ=DAILY", "twice"), ("FREQ=DAILY;", "not a part"),
        ("FREQ=DAILY;BYHOUR=3", "BYHOUR"), ("FREQ=DAILY;BYEASTER=0", "not a part"),
        ("FREQ=DAILY;BYWEEKDAY=SA", "not a part"), ("FREQ=DAILY;X-A=1", "not a part"),
        ("FREQ=DAILY;COUNT=3;UNTIL=20260101", "exclude"), ("FREQ=DAILY;COUNT=0", "COUNT"),
        ("FREQ=DAILY;INTERVAL=0", "INTERVAL"), ("FREQ=DAILY;INTERVAL=-1", "INTERVAL"),
        ("FREQ=DAILY;INTERVAL=+1", "INTERVAL"), ("FREQ=WEEKLY;BYMONTHDAY=1", "BYMONTHDAY"),
        ("FREQ=MONTHLY;BYYEARDAY=1", "BYYEARDAY"), ("FREQ=MONTHLY;BYWEEKNO=1", "BYWEEKNO"),
        ("FREQ=DAILY;BYSETPOS=1", "BYSETPOS"), ("FREQ=WEEKLY;BYDAY=1SA", "numbered"),
        ("FREQ=YEARLY;BYWEEKNO=1;BYDAY=1SA", "BYWEEKNO"), ("FREQ=MONTHLY;BYDAY=54SA", "BYDAY"),
        ("FREQ=MONTHLY;BYDAY=0SA", "BYDAY"), ("FREQ=YEARLY;BYMONTH=13", "BYMONTH"),
        ("FREQ=YEARLY;BYMONTH=-1", "BYMONTH"), ("FREQ=MONTHLY;BYMONTHDAY=0", "BYMONTHDAY"),
        ("FREQ=MONTHLY;BYMONTHDAY=32", "BYMONTHDAY"), ("FREQ=DAILY;WKST=XX", "WKST"),
        ("FREQ=DAILY;UNTIL=2026", "UNTIL"), ("FREQ=DAILY;UNTIL=20260230", "UNTIL"),
        ("FREQ=DAILY;UNTIL=20260201T250000", "UNTIL"),
    ],
)  # fmt: skip
def test_what_rfc_5545_does_not_know_is_refused(rule: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        parse_rule(rule, SINCE)


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=MONTHLY;BYDAY=MO;BYSETPOS=6", "FREQ=DAILY;INTERVAL=14;BYDAY=MO",
        "FREQ=DAILY;UNTIL=19990101", "FREQ=YEARLY;INTERVAL=4;BYMONTH=2;BYMONTHDAY=29;COUNT=1",
    ],
)  # fmt: skip
def test_a_rule_without_an_occurrence_in_28_years_is_refused(rule: str) -> None:
    with pytest.raises(ValueError, match="no occurrence within 28 years"):
        parse_rule(rule, date(2001, 1, 2))


def test_a_month_has_no_sixth_weekday_but_a_year_has() -> None:
    with pytest.raises(ValueError, match="no occurrence"):
        parse_rule("FREQ=MONTHLY;BYDAY=6SA", SINCE)
    assert parse_rule("FREQ=YEARLY;BYDAY=6SA", SINCE).dates(SINCE, date(2000, 12, 31)) == [
        date(2000, 2, 5)
    ]


def test_count_ends_a_rule_of_positions_in_weeks() -> None:
    rule = parse_rule("FREQ=WEEKLY;BYDAY=MO,SA;BYSETPOS=1;COUNT=2", SINCE)
    assert rule.dates(SINCE, date(2001, 1, 1)) == [date(2000, 1, 3), date(2000, 1, 10)]
    assert rule.dates(SINCE, date(2000, 1, 5)) == [date(2000, 1, 3)]
