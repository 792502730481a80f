"""The dates of a recurrence rule, twice: by ``dateutil``, and by the words of RFC 5545.

The second is there to catch the first: where they differ, a test says so.
"""

from calendar import monthrange
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from functools import cache

from dateutil.rrule import rrulestr

WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


def parts_of(rule: str) -> dict[str, str]:
    """``FREQ=WEEKLY;BYDAY=SA`` → ``{"FREQ": "WEEKLY", "BYDAY": "SA"}``."""
    return dict(part.split("=", 1) for part in rule.split(";"))


def until_of(rule: str) -> date | None:
    """The date of UNTIL: whatever its time, only the date counts, and that day is included."""
    text = parts_of(rule).get("UNTIL")
    return date(int(text[:4]), int(text[4:6]), int(text[6:8])) if text else None


def dateutil_follows(rule: str) -> bool:
    """Whether ``dateutil`` reads the rule as the standard does.

    It counts the last week of the year before wrongly in some Januaries, joins weekdays with and
    without a number by AND, and cuts the first week at DTSTART before it takes positions.
    """
    parts = parts_of(rule)
    lengths = {len(day) > 2 for day in parts.get("BYDAY", "").split(",")}
    cut_week = parts["FREQ"] == "WEEKLY" and "BYSETPOS" in parts
    return "BYWEEKNO" not in parts and len(lengths) < 2 and not cut_week


def dates_of(rule: str, since: date, last: date) -> list[date]:
    """The rule's dates in ``since … last``."""
    if dateutil_follows(rule):
        return dates_by_dateutil(rule, since, last)
    return list(dates_by_definition(rule, since, last))


def dates_by_dateutil(rule: str, since: date, last: date) -> list[date]:
    """The rule's dates in ``since … last``, by ``dateutil``."""
    until = until_of(rule)
    kept = ";".join(part for part in rule.split(";") if not part.startswith("UNTIL="))
    stop = last if until is None else min(last, until)
    found: list[date] = []
    for moment in rrulestr(kept, dtstart=datetime(since.year, since.month, since.day)):  # noqa: DTZ001
        if moment.date() > stop:
            break
        found.append(moment.date())
    return found


def dates_by_definition(rule: str, since: date, last: date) -> Iterator[date]:
    """The rule's dates in ``since … last``, by the words of RFC 5545 alone."""
    parts = parts_of(rule)
    until = until_of(rule)
    stop = last if until is None else min(last, until)
    wanted = int(parts["COUNT"]) if "COUNT" in parts else None
    found = 0
    for period in _periods(parts, since):
        if period[0] > stop or found == wanted:
            return
        chosen = [day for day in period if _matches(parts, since, day)]
        for day in _at_positions(parts, chosen):
            if since <= day <= stop and found != wanted:
                found += 1
                yield day


def _periods(parts: dict[str, str], since: date) -> Iterator[list[date]]:
    """The days of every INTERVAL-th day, week, month or year, from the one that holds ``since``."""
    interval = int(parts.get("INTERVAL", "1"))
    number = 0
    while True:
        period = _period(parts, since, number * interval)
        if period is None:
            return
        yield period
        number += 1


def _period(parts: dict[str, str], since: date, steps: int) -> list[date] | None:
    match parts["FREQ"]:
        case "DAILY":
            return [since + timedelta(days=steps)]
        case "WEEKLY":
            week_start = WEEKDAYS.index(parts.get("WKST", "MO"))
            first = since - timedelta(days=(since.weekday() - week_start) % 7)
            return [first + timedelta(days=7 * steps + i) for i in range(7)]
        case "MONTHLY":
            year, month = divmod(since.year * 12 + since.month - 1 + steps, 12)
            return [date(year, month + 1, i) for i in range(1, monthrange(year, month + 1)[1] + 1)]
        case _:
            year = since.year + steps
            if year > 2300:
                return None
            first = date(year, 1, 1)
            return [first + timedelta(days=i) for i in range((date(year + 1, 1, 1) - first).days)]


def _at_positions(parts: dict[str, str], chosen: list[date]) -> list[date]:
    if "BYSETPOS" not in parts:
        return chosen
    positions = [int(text) for text in parts["BYSETPOS"].split(",")]
    indexes = {p - 1 if p > 0 else len(chosen) + p for p in positions}
    return [day for i, day in enumerate(chosen) if i in indexes]


def _matches(parts: dict[str, str], since: date, day: date) -> bool:
    """Every BY part holds; a part that the rule leaves open is taken from DTSTART."""
    tests: dict[str, Callable[[str], bool]] = {
        "BYMONTH": lambda text: day.month in _numbers(text),
        "BYMONTHDAY": lambda text: _is_nth(day, _month_of(day), _numbers(text)),
        "BYYEARDAY": lambda text: _is_nth(day, _year_of(day), _numbers(text)),
        "BYWEEKNO": lambda text: _in_week(parts, day, _numbers(text)),
        "BYDAY": lambda text: any(_is_day(parts, day, item) for item in text.split(",")),
    }
    implied = _implied(parts, since)
    return all(test(implied[name]) for name, test in tests.items() if name in implied)


def _implied(parts: dict[str, str], since: date) -> dict[str, str]:
    given = {name for name in ("BYWEEKNO", "BYYEARDAY", "BYMONTHDAY", "BYDAY") if name in parts}
    whole = dict(parts)
    match parts["FREQ"]:
        case "YEARLY" if not given:
            whole.setdefault("BYMONTH", str(since.month))
            whole["BYMONTHDAY"] = str(since.day)
        case "YEARLY" if given == {"BYWEEKNO"}:
            whole["BYDAY"] = WEEKDAYS[since.weekday()]
        case "MONTHLY" if not given:
            whole["BYMONTHDAY"] = str(since.day)
        case "WEEKLY" if not given:
            whole["BYDAY"] = WEEKDAYS[since.weekday()]
    return whole


def _numbers(text: str) -> list[int]:
    return [int(item) for item in text.split(",")]


def _month_of(day: date) -> list[date]:
    return [day.replace(day=i) for i in range(1, monthrange(day.year, day.month)[1] + 1)]


def _year_of(day: date) -> list[date]:
    return _days_of_year(day.year)


@cache
def _days_of_year(year: int) -> list[date]:
    first = date(year, 1, 1)
    return [first + timedelta(days=i) for i in range((date(year + 1, 1, 1) - first).days)]


def _is_nth(day: date, days: list[date], positions: list[int]) -> bool:
    """Whether the day is one of the n-th of the days, negative ones counted from the end."""
    from_start = days.index(day) + 1
    return from_start in positions or from_start - len(days) - 1 in positions


def _is_day(parts: dict[str, str], day: date, item: str) -> bool:
    if WEEKDAYS[day.weekday()] != item[-2:]:
        return False
    if len(item) == 2:
        return True
    in_month = parts["FREQ"] == "MONTHLY" or "BYMONTH" in parts
    around = _month_of(day) if in_month else _year_of(day)
    return _is_nth(day, [d for d in around if d.weekday() == day.weekday()], [int(item[:-2])])


def _in_week(parts: dict[str, str], day: date, weeks: list[int]) -> bool:
    """Week 1 is the first with at least four days in its year; weeks start on WKST."""
    week_start = WEEKDAYS.index(parts.get("WKST", "MO"))
    fourth = day + timedelta(days=3 - (day.weekday() - week_start) % 7)
    fourths = [d for d in _year_of(fourth) if d.weekday() == fourth.weekday()]
    return _is_nth(fourth, fourths, weeks)
