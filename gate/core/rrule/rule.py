"""A recurrence rule over local dates, and the dates that it yields.

A year is a bit mask of its days (bit 0 is 1 January) and every BY part a mask, so that a rule is
the intersection of a few integers, whose cost does not depend on how rarely it matches: an
impossible rule is known as such in microseconds. `docs/decisions/0003-recurrence-rules.md` says why
this is not `dateutil.rrule`, which is the oracle of the tests.
"""

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from functools import cache, lru_cache
from itertools import groupby, islice
from typing import Literal, NamedTuple

import msgspec
from msgspec.structs import replace

Frequency = Literal["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]

_MOST_WEEKDAYS_OF_A_MONTH = 5


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

    def occurs_by(self, last: date) -> bool:
        """Whether there is an occurrence up to ``last``, inclusive."""
        high = min(last, self.until or last).toordinal()
        return next(_days(self, self.since.toordinal(), high), None) is not None

    def dates(self, first: date, last: date) -> list[date]:
        """The occurrence dates in ``first … last``, both inclusive, in order."""
        low = max(first, self.since).toordinal()
        high = min(last, self.until or last).toordinal()
        if self.count is not None:
            high = _last_counted(self, self.count, high)
        return [date.fromordinal(day) for day in _days(self, low, high)]


def _days(rule: Rule, low: int, high: int) -> Iterator[int]:
    """Ordinals of the occurrences in ``low … high`` in order; COUNT and UNTIL are not applied."""
    if rule.by_position and rule.frequency == "WEEKLY":
        yield from _positioned_weeks(rule, low, high)
        return
    for first, mask in _masked_years(rule, low, high):
        yield from (first + bit for bit in _bits(mask))


def _last_counted(rule: Rule, count: int, high: int) -> int:
    """The ordinal of the occurrence that COUNT ends with, or ``high`` where that comes later.

    Occurrences are counted a year at a time, not one by one.
    """
    since = rule.since.toordinal()
    if rule.by_position and rule.frequency == "WEEKLY":
        return next(islice(_days(rule, since, high), count - 1, count), high)
    left = count
    for first, mask in _masked_years(rule, since, high):
        last = _nth_bit(mask, left)
        if last:
            return first + last.bit_length() - 1
        left -= mask.bit_count()
    return high


def _masked_years(rule: Rule, low: int, high: int) -> Iterator[tuple[int, int]]:
    """The years that meet ``low … high``: ordinal of 1 January, mask of the days in the range."""
    if low > high:
        return
    for year in range(date.fromordinal(low).year, date.fromordinal(high).year + 1):
        first = date(year, 1, 1).toordinal()
        mask = _year_mask(rule, year)
        if first < low:
            mask = mask >> (low - first) << (low - first)
        if high - first < 366:
            mask &= (1 << (high - first + 1)) - 1
        yield first, mask


def _positioned_weeks(rule: Rule, low: int, high: int) -> Iterator[int]:
    """BYSETPOS picks from the days of each whole week, which may begin before ``low``."""
    plain = replace(rule, by_position=())
    candidates = _days(plain, max(low - 7, 1), min(high + 7, date.max.toordinal()))
    for _, group in groupby(candidates, key=lambda day: (day - 1 - rule.week_start) // 7):
        days = list(group)
        picked = {p - 1 if p > 0 else len(days) + p for p in rule.by_position}
        for index in sorted(picked):
            if 0 <= index < len(days) and low <= days[index] <= high:
                yield days[index]


def _year_mask(rule: Rule, year: int) -> int:
    """The days of a year that pass INTERVAL and every BY part (of weeks all but BYSETPOS)."""
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
    if rule.interval > 1 and rule.frequency != "YEARLY" and mask:
        mask &= _interval_mask(rule, year, masks)
    if rule.by_position and rule.frequency != "WEEKLY" and mask:
        return _positioned(rule, masks, mask)
    return mask


def _positioned(rule: Rule, masks: "_Masks", mask: int) -> int:
    """BYSETPOS picks from each period of a year: the year, its months or its days."""
    if rule.frequency == "DAILY":
        return mask if {1, -1} & set(rule.by_position) else 0
    periods = (masks.all,) if rule.frequency == "YEARLY" else masks.months
    return _union(
        _nth_bit(mask & period, position) for period in periods for position in rule.by_position
    )


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
    if abs(part.nth) > _MOST_WEEKDAYS_OF_A_MONTH:
        return 0
    months = rule.by_month or range(1, 13)
    return _union(_nth_bit(every & masks.months[month - 1], part.nth) for month in months)


def _nth_bit(mask: int, nth: int) -> int:
    """The ``nth`` set bit, from the last one where negative; 0 where there are not so many."""
    count = mask.bit_count()
    if not 1 <= abs(nth) <= count:
        return 0
    wanted = nth if nth > 0 else count + nth + 1
    low, high = 0, mask.bit_length()
    while low < high:
        middle = (low + high) // 2
        if (mask & ((1 << middle) - 1)).bit_count() < wanted:
            low = middle + 1
        else:
            high = middle
    return 1 << (low - 1)


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
