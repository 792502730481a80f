"""RFC 5545 recurrence rules over local dates.

A year is a bit mask of its days (bit 0 is 1 January) and every BY part a mask, so that a rule is
the intersection of a few integers, whose cost does not depend on how rarely it matches: an
impossible rule is known as such in microseconds. `docs/decisions/0003-recurrence-rules.md` says why
this is not `dateutil.rrule`, which is the oracle of the tests.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from functools import cache, lru_cache
from itertools import groupby, islice
from operator import itemgetter
from typing import Literal, NamedTuple

import msgspec
from msgspec.structs import replace

Frequency = Literal["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]

_WEEKDAYS = {"MO": 0, "TU": 1, "WE": 2, "TH": 3, "FR": 4, "SA": 5, "SU": 6}
_BYDAY = re.compile(r"([+-]?[0-9]{1,2})?(MO|TU|WE|TH|FR|SA|SU)")
_UNTIL = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})(T([01][0-9]|2[0-3])[0-5][0-9][0-5][0-9]Z?)?")
_SEARCH_YEARS = 28
# Beyond this many periods no second occurrence lies within the years that a policy may name.
_MAX_INTERVAL = 100_000
# part: (lowest, highest, may be negative)
_NUMBER_LISTS = {
    "BYMONTH": (1, 12, False),
    "BYMONTHDAY": (1, 31, True),
    "BYYEARDAY": (1, 366, True),
    "BYWEEKNO": (1, 53, True),
    "BYSETPOS": (1, 366, True),
}
_KNOWN = frozenset({"FREQ", "UNTIL", "COUNT", "INTERVAL", "BYDAY", "WKST", *_NUMBER_LISTS})


class WeekdayPart(NamedTuple):
    """One entry of BYDAY: the ``nth`` (0: every one) weekday (0 = Monday) of its period."""

    nth: int
    weekday: int


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """A checked rule with its start; missing day parts are filled in from ``since``."""

    frequency: Frequency
    since: date
    interval: int
    count: int | None
    until: date | None
    week_start: int
    by_day: tuple[WeekdayPart, ...]
    by_month: tuple[int, ...]
    by_month_day: tuple[int, ...]
    by_year_day: tuple[int, ...]
    by_week_number: tuple[int, ...]
    by_position: tuple[int, ...]

    def dates(self, first: date, last: date) -> list[date]:
        """The occurrence dates in ``first … last``, both inclusive, in order."""
        low = max(first, self.since).toordinal()
        high = min(last, self.until or last).toordinal()
        if self.count is None:
            return [date.fromordinal(day) for day in _days(self, low, high)]
        counted = _counted(self)[: self.count]
        return [date.fromordinal(day) for day in counted if low <= day <= high]


def parse_rule(text: str, since: date) -> Rule:
    """Read and check a rule whose DTSTART is ``since``.

    ValueError, with a message for the author, where it is not a date rule of RFC 5545, or where it
    has no occurrence within 28 years of ``since``.
    """
    parts = _split(text)
    _check_combinations(parts)
    rule = _with_defaults(_read(parts, since))
    horizon = date(min(since.year + _SEARCH_YEARS, 9998), since.month, min(since.day, 28))
    last = min(horizon, rule.until or horizon).toordinal()
    if next(_days(rule, since.toordinal(), last), None) is None:
        raise ValueError(f"{text!r} has no occurrence within {_SEARCH_YEARS} years of {since}")
    return rule


def _split(text: str) -> dict[str, str]:
    parts: dict[str, str] = {}
    for part in text.split(";"):
        name, equals, value = part.partition("=")
        if name in {"BYHOUR", "BYMINUTE", "BYSECOND"}:
            raise ValueError(f"{name} is not accepted: a rule yields dates; use `from` and `to`")
        if name not in _KNOWN or not equals or not value:
            raise ValueError(
                f"{part[:40]!r} is not a part of a recurrence rule;"
                " write upper case such as FREQ=WEEKLY;BYDAY=SA"
            )
        if name in parts:
            raise ValueError(f"{name} stands twice")
        parts[name] = value
    if "FREQ" not in parts:
        raise ValueError("FREQ is missing; write for example FREQ=WEEKLY;BYDAY=SA")
    if parts["FREQ"] not in {"DAILY", "WEEKLY", "MONTHLY", "YEARLY"}:
        raise ValueError("FREQ is DAILY, WEEKLY, MONTHLY or YEARLY here: a rule yields dates")
    return parts


def _check_combinations(parts: dict[str, str]) -> None:
    frequency = parts["FREQ"]
    if "COUNT" in parts and "UNTIL" in parts:
        raise ValueError("COUNT and UNTIL exclude each other; keep one")
    forbidden = {
        "BYMONTHDAY": {"WEEKLY"},
        "BYYEARDAY": {"DAILY", "WEEKLY", "MONTHLY"},
        "BYWEEKNO": {"DAILY", "WEEKLY", "MONTHLY"},
    }
    for name, frequencies in forbidden.items():
        if name in parts and frequency in frequencies:
            raise ValueError(f"{name} does not go with FREQ={frequency} (RFC 5545, 3.3.10)")
    if "BYSETPOS" in parts and not any(
        name.startswith("BY") and name != "BYSETPOS" for name in parts
    ):
        raise ValueError("BYSETPOS needs another BY part to choose from")
    if any(char.isdigit() for char in parts.get("BYDAY", "")):
        if frequency not in {"MONTHLY", "YEARLY"}:
            raise ValueError(f"a numbered BYDAY does not go with FREQ={frequency}")
        if frequency == "YEARLY" and "BYWEEKNO" in parts:
            raise ValueError("a numbered BYDAY does not go with BYWEEKNO")


def _read(parts: dict[str, str], since: date) -> Rule:
    lists = {name: _numbers(name, parts.get(name)) for name in _NUMBER_LISTS}
    week_start = parts.get("WKST", "MO")
    if week_start not in _WEEKDAYS:
        raise ValueError(f"WKST={week_start[:20]!r} is no weekday; write MO to SU")
    return Rule(
        frequency=parts["FREQ"],  # type: ignore[arg-type]  # checked by _split
        since=since,
        interval=min(_positive("INTERVAL", parts.get("INTERVAL", "1")), _MAX_INTERVAL),
        count=_positive("COUNT", parts["COUNT"]) if "COUNT" in parts else None,
        until=_until(parts["UNTIL"]) if "UNTIL" in parts else None,
        week_start=_WEEKDAYS[week_start],
        by_day=_by_day(parts.get("BYDAY")),
        by_month=lists["BYMONTH"],
        by_month_day=lists["BYMONTHDAY"],
        by_year_day=lists["BYYEARDAY"],
        by_week_number=lists["BYWEEKNO"],
        by_position=lists["BYSETPOS"],
    )


def _with_defaults(rule: Rule) -> Rule:
    """What the rule leaves open is taken from DTSTART (RFC 5545, 3.3.10)."""
    if rule.by_week_number or rule.by_year_day or rule.by_month_day or rule.by_day:
        return rule
    if rule.frequency == "WEEKLY":
        return replace(rule, by_day=(WeekdayPart(0, rule.since.weekday()),))
    if rule.frequency == "MONTHLY":
        return replace(rule, by_month_day=(rule.since.day,))
    if rule.frequency == "YEARLY":
        months = rule.by_month or (rule.since.month,)
        return replace(rule, by_month=months, by_month_day=(rule.since.day,))
    return rule


def _positive(name: str, text: str) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > 40 or int(text) < 1:
        raise ValueError(f"{name} is a whole number of 1 or more")
    return int(text)


def _numbers(name: str, text: str | None) -> tuple[int, ...]:
    if text is None:
        return ()
    low, high, signed = _NUMBER_LISTS[name]
    pattern = re.compile(r"[+-]?[0-9]{1,3}" if signed else r"[0-9]{1,2}")
    values = set()
    for item in text.split(","):
        if not pattern.fullmatch(item) or not low <= abs(int(item)) <= high:
            signs = f" or -{high} to -{low}" if signed else ""
            raise ValueError(f"{item[:20]!r} in {name} is not one of {low} to {high}{signs}")
        values.add(int(item))
    return tuple(sorted(values))


def _by_day(text: str | None) -> tuple[WeekdayPart, ...]:
    entries = []
    for item in text.split(",") if text is not None else ():
        match = _BYDAY.fullmatch(item)
        if match is None or (match[1] and not 1 <= abs(int(match[1])) <= 53):
            raise ValueError(f"{item[:20]!r} in BYDAY is not a weekday such as SA, 1SA or -1SA")
        entries.append(WeekdayPart(int(match[1] or 0), _WEEKDAYS[match[2]]))
    return tuple(sorted(set(entries)))


def _until(text: str) -> date:
    match = _UNTIL.fullmatch(text)
    try:
        if match is not None:
            return date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError:
        pass
    raise ValueError(f"UNTIL={text[:20]!r} is no date; write UNTIL=20271231")


# --- expansion --------------------------------------------------------------------------------


def _days(rule: Rule, low: int, high: int) -> Iterator[int]:
    """Ordinals of the occurrences in ``low … high`` in order; COUNT and UNTIL are not applied."""
    if rule.by_position:
        yield from _positioned(rule, low, high)
        return
    if low > high:
        return
    for year in range(date.fromordinal(low).year, date.fromordinal(high).year + 1):
        first = date(year, 1, 1).toordinal()
        mask = _year_mask(rule, year)
        if first < low:
            mask = mask >> (low - first) << (low - first)
        if high - first < 366:
            mask &= (1 << (high - first + 1)) - 1
        yield from (first + bit for bit in _bits(mask))


def _positioned(rule: Rule, low: int, high: int) -> Iterator[int]:
    """BYSETPOS picks from the days of each whole period, also of those that begin before `low`."""
    plain = replace(rule, by_position=())
    margin = {"DAILY": 0, "WEEKLY": 7, "MONTHLY": 31, "YEARLY": 366}[rule.frequency]
    candidates = _days(plain, max(low - margin, 1), min(high + margin, date.max.toordinal()))
    keyed = ((_period(rule, day), day) for day in candidates)
    for _, group in groupby(keyed, key=itemgetter(0)):
        days = [day for _, day in group]
        picked = {position - 1 if position > 0 else len(days) + position
                  for position in rule.by_position}  # fmt: skip
        for index in sorted(picked):
            if 0 <= index < len(days) and low <= days[index] <= high:
                yield days[index]


def _period(rule: Rule, day: int) -> int:
    """The number of the rule's period (day, week, month, year) that holds an ordinal."""
    if rule.frequency == "DAILY":
        return day
    if rule.frequency == "WEEKLY":
        return (day - 1 - rule.week_start) // 7
    when = date.fromordinal(day)
    return when.year * 12 + when.month - 1 if rule.frequency == "MONTHLY" else when.year


@lru_cache(maxsize=256)
def _counted(rule: Rule) -> list[int]:
    """The first COUNT occurrences that a policy's years can hold."""
    last = date(2202, 12, 31).toordinal()
    assert rule.count is not None
    return list(islice(_days(rule, rule.since.toordinal(), last), rule.count))


def _year_mask(rule: Rule, year: int) -> int:
    """The days of a year that pass INTERVAL and every BY part but BYSETPOS."""
    if rule.frequency == "YEARLY" and (year - rule.since.year) % rule.interval:
        return 0
    masks = _masks(_is_leap(year), date(year, 1, 1).weekday())
    mask = masks.all
    if rule.by_month:
        mask &= _union(masks.months[month - 1] for month in rule.by_month)
    if rule.by_month_day:
        mask &= _union(_month_day(masks, number) for number in rule.by_month_day)
    if rule.by_year_day:
        mask &= _union(_year_day(masks.length, number) for number in rule.by_year_day)
    if rule.by_week_number:
        mask &= _week_numbers(year, rule.week_start, rule.by_week_number)
    if rule.by_day and mask:
        mask &= _union(_weekday(rule, masks, part) for part in rule.by_day)
    return mask & _interval_mask(rule, year, masks) if rule.interval > 1 and mask else mask


class _Masks(NamedTuple):
    length: int
    all: int
    weekdays: tuple[int, ...]
    months: tuple[int, ...]
    month_days: tuple[int, ...]
    month_days_from_end: tuple[int, ...]


@cache
def _masks(leap: bool, first_weekday: int) -> _Masks:
    """The masks of one of the fourteen kinds of year."""
    weekdays, months, days, days_from_end = [0] * 7, [0] * 12, [0] * 31, [0] * 31
    lengths = (31, 29 if leap else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
    day = 0
    for month, length in enumerate(lengths):
        for index in range(length):
            bit = 1 << day
            weekdays[(first_weekday + day) % 7] |= bit
            months[month] |= bit
            days[index] |= bit
            days_from_end[length - 1 - index] |= bit
            day += 1
    return _Masks(
        day, (1 << day) - 1, tuple(weekdays), tuple(months), tuple(days), tuple(days_from_end)
    )


def _month_day(masks: _Masks, number: int) -> int:
    return masks.month_days[number - 1] if number > 0 else masks.month_days_from_end[-number - 1]


def _year_day(length: int, number: int) -> int:
    index = number - 1 if number > 0 else length + number
    return 1 << index if 0 <= index < length else 0


def _weekday(rule: Rule, masks: _Masks, part: WeekdayPart) -> int:
    every = masks.weekdays[part.weekday]
    if part.nth == 0:
        return every
    if rule.frequency == "YEARLY" and not rule.by_month:
        return _nth_bit(every, part.nth)
    months = rule.by_month or range(1, 13)
    return _union(_nth_bit(every & masks.months[month - 1], part.nth) for month in months)


def _nth_bit(mask: int, nth: int) -> int:
    bits = list(_bits(mask))
    index = nth - 1 if nth > 0 else len(bits) + nth
    return 1 << bits[index] if 0 <= index < len(bits) else 0


def _week_numbers(year: int, week_start: int, numbers: tuple[int, ...]) -> int:
    weeks = _weeks(year, week_start)
    return _union(weeks.get(number, 0) for number in numbers)


@lru_cache(maxsize=2048)
def _weeks(year: int, week_start: int) -> dict[int, int]:
    """Week number, also as counted from the end (-1 is the last), to its days within a year.

    Week 1 has at least four days in its year, so a week belongs to the year of its fourth day.
    """
    first = date(year, 1, 1)
    length = 366 if _is_leap(year) else 365
    weeks: dict[int, int] = {}
    for index in range(-((first.weekday() - week_start) % 7), length, 7):
        fourth = first + timedelta(days=index + 3)
        days = ((0x7F << index) if index >= 0 else (0x7F >> -index)) & ((1 << length) - 1)
        number = (fourth.timetuple().tm_yday - 1) // 7 + 1
        from_end = (date(fourth.year, 12, 31) - fourth).days // 7 + 1
        weeks[number] = weeks.get(number, 0) | days
        weeks[-from_end] = weeks.get(-from_end, 0) | days
    return weeks


def _interval_mask(rule: Rule, year: int, masks: _Masks) -> int:
    first = date(year, 1, 1).toordinal()
    if rule.frequency == "MONTHLY":
        base = rule.since.year * 12 + rule.since.month - 1
        return _union(
            masks.months[month]
            for month in range(12)
            if (year * 12 + month - base) % rule.interval == 0
        )
    if rule.frequency == "YEARLY":
        return masks.all
    unit = 1 if rule.frequency == "DAILY" else 7
    start = rule.since.toordinal()
    if rule.frequency == "WEEKLY":
        start -= (rule.since.weekday() - rule.week_start) % 7
    step = unit * rule.interval
    phase = (first - start) % step
    # A week that began up to six days before the year reaches into it: hence the shift by `phase`.
    return _comb(unit, step) >> phase if phase < unit else (_comb(unit, step) << (step - phase))


@lru_cache(maxsize=4096)
def _comb(width: int, step: int) -> int:
    """Blocks of ``width`` set bits every ``step`` bits, over more than two years."""
    return _union(((1 << width) - 1) << at for at in range(0, 740, step))


def _bits(mask: int) -> Iterator[int]:
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


def _union(masks: Iterable[int]) -> int:
    result = 0
    for mask in masks:
        result |= mask
    return result


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
