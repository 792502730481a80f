"""Recurrence rules whose meaning nobody disputes, round a date."""

from datetime import date, timedelta

from hypothesis import strategies as st

from tests.property.foci import near
from tests.twin.rules import WEEKDAYS, dates_by_definition


def _joined(items: list[str]) -> str:
    return ",".join(items)


def _weekdays(day: date) -> st.SearchStrategy[str]:
    near = [WEEKDAYS[(day.weekday() + i) % 7] for i in (0, 1, 5, 6, 3)]
    return st.lists(st.sampled_from(near), min_size=1, max_size=3, unique=True).map(_joined)


def _nth_weekdays(day: date, most: int) -> st.SearchStrategy[str]:
    numbers = (1, 2, 4, 5, -1, -2, (day.day + 6) // 7, -53, 53)
    nth = st.sampled_from([n for n in numbers if abs(n) <= most])
    one = st.tuples(nth, st.sampled_from(WEEKDAYS)).map(lambda pair: f"{pair[0]}{pair[1]}")
    return st.lists(one, min_size=1, max_size=3, unique=True).map(_joined)


def _positions() -> st.SearchStrategy[str]:
    return st.sampled_from(["1", "-1", "2", "1,-1", "3"]).map(lambda text: f";BYSETPOS={text}")


def _month_days(day: date) -> st.SearchStrategy[str]:
    number = st.sampled_from([day.day, 1, -1, 13, 28, 31, -2, -28])
    return st.lists(number.map(str), min_size=1, max_size=3, unique=True).map(_joined)


def _months(day: date) -> st.SearchStrategy[str]:
    number = st.sampled_from([day.month, day.month % 12 + 1, 2, 12])
    return st.lists(number.map(str), min_size=1, max_size=3, unique=True).map(_joined)


@st.composite
def _daily(draw: st.DrawFn, day: date) -> str:
    rule = "FREQ=DAILY"
    if draw(st.booleans()):
        rule += f";BYDAY={draw(_weekdays(day))}"
    if draw(st.booleans()):
        rule += f";BYMONTH={draw(_months(day))}"
    if draw(st.booleans()):
        rule += f";BYMONTHDAY={draw(_month_days(day))}"
    return rule


@st.composite
def _weekly(draw: st.DrawFn, day: date) -> str:
    rule = "FREQ=WEEKLY"
    if draw(st.integers(0, 3)):
        rule += f";BYDAY={draw(_weekdays(day))}"
    if draw(st.booleans()):
        rule += f";WKST={draw(st.sampled_from(WEEKDAYS))}"
    return rule


@st.composite
def _monthly(draw: st.DrawFn, day: date) -> str:
    rule = "FREQ=MONTHLY"
    match draw(st.integers(0, 4)):
        case 0:
            return rule
        case 1:
            return f"{rule};BYMONTHDAY={draw(_month_days(day))}"
        case 2:
            return f"{rule};BYDAY={draw(_nth_weekdays(day, 5))}"
        case 3:
            return f"{rule};BYDAY={draw(_weekdays(day))}{draw(_positions())}"
        case _:
            return f"{rule};BYDAY={draw(_weekdays(day))};BYMONTHDAY={draw(_month_days(day))}"


@st.composite
def _yearly(draw: st.DrawFn, day: date) -> str:
    rule = "FREQ=YEARLY"
    year_day = day.timetuple().tm_yday
    match draw(st.integers(0, 5)):
        case 0:
            return rule
        case 1:
            return f"{rule};BYMONTH={draw(_months(day))};BYMONTHDAY={draw(_month_days(day))}"
        case 2:
            return f"{rule};BYYEARDAY={draw(st.sampled_from([year_day, 1, -1, 366, -366, 60]))}"
        case 3:
            return f"{rule};BYDAY={draw(_nth_weekdays(day, 53))}"
        case 4:
            return f"{rule};BYMONTH={draw(_months(day))};BYDAY={draw(_nth_weekdays(day, 5))}"
        case _:
            week = draw(st.sampled_from([day.isocalendar().week, 1, 53, -1, 20]))
            return f"{rule};BYWEEKNO={week};BYDAY={draw(_weekdays(day))}"


@st.composite
def recurrences(draw: st.DrawFn, day: date) -> tuple[str, date | None]:
    """A rule and its ``since`` (None: the default), with at least one occurrence in 28 years."""
    kind = draw(st.sampled_from([_daily, _weekly, _weekly, _weekly, _monthly, _yearly]))
    rule = draw(kind(day))
    before = st.sampled_from([0, 1, 3, 7, 30, 365, 800])
    since: date | None = near(day, -draw(before))
    if day > date(2000, 1, 1) and day < date(2040, 1, 1) and draw(st.booleans()):
        since = None
    if "BYWEEKNO" not in rule and draw(st.booleans()):
        rule += f";INTERVAL={draw(st.sampled_from([1, 2, 3, 5]))}"
    match draw(st.integers(0, 5)):
        case 0 if since:
            rule += f";COUNT={draw(st.sampled_from([1, 2, 3, 10, 100]))}"
        case 1:
            until = near(day, draw(st.sampled_from([0, 0, 1, 6, 7, 30])))
            time = draw(st.sampled_from(["", "T000000", "T000000Z", "T235959Z"]))
            rule += f";UNTIL={until:%Y%m%d}{time}"
    first = since or date(2000, 1, 1)
    if not any(dates_by_definition(rule, first, first + timedelta(days=3300))):
        rule = f"FREQ=WEEKLY;BYDAY={WEEKDAYS[day.weekday()]}"
    return rule, since


@st.composite
def wild_rules(draw: st.DrawFn) -> str:
    """Any parts that RFC 5545 lets stand together, meaningful or not; DTSTART fills none in."""
    frequency = draw(st.sampled_from(["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]))
    weeks = frequency == "YEARLY" and draw(st.booleans())
    numbers = {
        "BYMONTH": (1, 2, 3, 6, 12),
        "BYWEEKNO": (1, 2, 20, 52, 53, -1, -53) if weeks else (),
        "BYYEARDAY": (1, 60, 100, 366, -1, -366) if frequency == "YEARLY" else (),
        "BYMONTHDAY": () if frequency == "WEEKLY" else (1, 5, 13, 29, 30, 31, -1, -31),
    }
    rule = f"FREQ={frequency}"
    for name, choices in numbers.items():
        if choices and draw(st.booleans()):
            some = st.lists(st.sampled_from(choices), min_size=1, max_size=5, unique=True)
            rule += f";{name}={_joined([str(number) for number in draw(some)])}"
    if draw(st.booleans()) or "BYWEEKNO" in rule:
        days = draw(st.lists(st.sampled_from(WEEKDAYS), min_size=1, max_size=3, unique=True))
        nth: tuple[str | int, ...] = ("",)
        if frequency in {"MONTHLY", "YEARLY"} and "BYWEEKNO" not in rule:
            nth = ("", 1, 2, 5, -1, -5)
        rule += f";BYDAY={_joined([f'{draw(st.sampled_from(nth))}{day}' for day in days])}"
    if draw(st.booleans()) and "BY" in rule:
        rule += draw(_positions())
    rule += draw(st.sampled_from(["", "", ";INTERVAL=2", ";INTERVAL=3"]))
    return rule + draw(st.sampled_from(["", "", ";WKST=SU", ";WKST=WE", ";COUNT=3"]))
