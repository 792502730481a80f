"""From a policy's windows to intervals: occurrences, their zones and their instants."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import cached_property
from itertools import chain

import msgspec

from gate.core.instants import DAY, EPOCH, EPOCH_ORDINAL, SECOND, from_micros, micros
from gate.core.intervals import Interval, merged
from gate.core.policy import InstantSpan, LocalSpan, Recurring, Window
from gate.core.rrule import parse_rule
from gate.core.zones import Offsets, offsets

Presence = Mapping[str, Sequence[tuple[int, int]]]
"""Zone to the runs ``[first, after)`` of local dates (ordinals) with a wedding."""

_DAY_SECONDS = 86_400
# Local dates begin up to 14 hours before and end up to 12 hours after their UTC namesakes; a change
# of offset can add a day (Pacific/Apia skipped one).
_MARGIN_DAYS = 3


class ZoneInterval(msgspec.Struct, frozen=True):
    """What an occurrence locks in one zone; ``zone`` is None for a window between instants."""

    start: int
    end: int
    zone: str | None


class Occurrence(msgspec.Struct, frozen=True):
    """One occurrence of a window: a date and an interval for each of its zones."""

    date: date | None
    intervals: tuple[ZoneInterval, ...]
    start: int
    end: int


class Span(msgspec.Struct, frozen=True):
    """The stretch of time ``[start, end)`` (microseconds) that something was compiled for."""

    start: int
    end: int


class CompiledWindow:
    """The occurrences of one window that meet a span, in order of date."""

    def __init__(self, window: Window, occurrences: Iterable[Occurrence]) -> None:
        self.window = window
        self.occurrences = tuple(occurrences)
        # Occurrences begin in order of date to within the spread of the zones: a scan that starts
        # this much earlier meets every one that can hold an instant.
        self._starts = [occurrence.start for occurrence in self.occurrences]
        self._longest = max((o.end - o.start for o in self.occurrences), default=0)

    @cached_property
    def intervals(self) -> list[Interval]:
        """The union of all occurrences."""
        return merged((zone.start, zone.end) for zone in self._all())

    @cached_property
    def edges(self) -> set[int]:
        """Every instant at which a zone's interval starts or ends."""
        return set(chain.from_iterable((zone.start, zone.end) for zone in self._all()))

    def overlapping(self, start: int, end: int) -> Iterator[tuple[Occurrence, list[ZoneInterval]]]:
        """Occurrences with intervals that overlap ``[start, end)``, with those intervals."""
        first = bisect_left(self._starts, start - self._longest - _MARGIN_DAYS * DAY)
        for occurrence in self.occurrences[first:]:
            if occurrence.start >= end + _MARGIN_DAYS * DAY:
                break
            hits = [zone for zone in occurrence.intervals if zone.start < end and zone.end > start]
            if hits:
                yield occurrence, hits

    def _all(self) -> Iterator[ZoneInterval]:
        return chain.from_iterable(occurrence.intervals for occurrence in self.occurrences)


def compile_window(window: Window, home: str, presence: Presence, span: Span) -> CompiledWindow:
    """The occurrences of a window that meet a span, under a home zone and the weddings' dates."""
    when = window.when
    if isinstance(when, InstantSpan):
        start, end = micros(when.start), micros(when.end)
        found = [Occurrence(None, (ZoneInterval(start, end, None),), start, end)]
    elif isinstance(when, LocalSpan):
        zones = sorted({home if zone == "home" else zone for zone in window.zones})
        found = [_one_off(when, zones)]
    else:
        found = list(_recurring(window, when, home, presence, span))
    meeting = (o for o in found if o.start < span.end and o.end > span.start)
    return CompiledWindow(window, meeting)


def _one_off(when: LocalSpan, zones: Sequence[str]) -> Occurrence:
    start, end = _local_second(when.start), _local_second(when.end)
    years = when.start.year, when.end.year
    return _occurrence(
        when.start.date(), start, end, ((zone, offsets(zone, *years)) for zone in zones)
    )


def _recurring(
    window: Window, when: Recurring, home: str, presence: Presence, span: Span
) -> Iterator[Occurrence]:
    fixed = {home if zone == "home" else zone for zone in window.zones if zone != "venues"}
    venues = presence if "venues" in window.zones else {}
    margin = timedelta(days=_MARGIN_DAYS)
    first = from_micros(span.start).date() - timedelta(days=when.days) - margin
    last = from_micros(span.end).date() + margin
    years = first.year, (last + timedelta(days=when.days)).year
    tables = {zone: offsets(zone, *years) for zone in sorted(fixed | venues.keys())}
    excepted = set(when.except_dates)
    for day in parse_rule(when.rrule, when.since).dates(first, last):
        if day in excepted:
            continue
        ordinal = day.toordinal()
        midnight = (ordinal - EPOCH_ORDINAL) * _DAY_SECONDS
        start = midnight + when.from_minutes * 60
        end = midnight + (when.days - 1) * _DAY_SECONDS + when.to_minutes * 60
        zones = (
            (zone, table)
            for zone, table in tables.items()
            if zone in fixed or _present(venues[zone], ordinal, ordinal + when.days)
        )
        occurrence = _occurrence(day, start, end, zones)
        if occurrence.intervals:
            yield occurrence


def _occurrence(
    day: date, start: int, end: int, zones: Iterable[tuple[str, Offsets]]
) -> Occurrence:
    """Start by the earlier reading and end by the later one, in each zone."""
    intervals = tuple(
        ZoneInterval(table.readings(start)[0] * SECOND, table.readings(end)[1] * SECOND, zone)
        for zone, table in zones
    )
    return Occurrence(
        day,
        intervals,
        min((zone.start for zone in intervals), default=0),
        max((zone.end for zone in intervals), default=0),
    )


def _present(runs: Sequence[tuple[int, int]], first: int, after: int) -> bool:
    """Whether a run of dates meets ``[first, after)``; runs are sorted and disjoint."""
    index = bisect_left(runs, (after, 0))
    return index > 0 and runs[index - 1][1] > first


def _local_second(local: datetime) -> int:
    return (local - EPOCH.replace(tzinfo=None)) // timedelta(seconds=1)
