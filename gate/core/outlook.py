"""The next days of a request as values: a row a local day, a cell an hour of its wall clock.

A day on which the clock is changed has 23 or 25 hours (or others: Lord Howe changes by half an
hour); its cells are what the wall clock there shows, in the order in which it shows it.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from enum import StrEnum

import msgspec

from gate.core.causes import LockCause, WindowCause
from gate.core.decide import Facts, decide
from gate.core.decision import Decision, Level, Phase, Request
from gate.core.demand import Demand, level_of
from gate.core.instants import (
    EPOCH_ORDINAL,
    SECOND,
    duration_micros,
    from_micros,
    micros,
)
from gate.core.listing import LockedStretch, locked_stretches
from gate.core.policy import Capacity
from gate.core.timeline import Timeline, View
from gate.core.windows import Span
from gate.core.zones import offsets, zone

_DAY_SECONDS = 86_400
_HOUR_SECONDS = 3600
_HOURS = 24


class State(StrEnum):
    """What a cell shows: the strictest that holds within its hour."""

    OPEN = "open"
    EXCEPTED = "open-window"
    LEAD = "lead"
    LEVEL = "level"
    WINDOW = "window"
    MANUAL = "manual-lock"


LOCKED = (State.WINDOW, State.LEVEL, State.MANUAL)
"""The states in which changes are locked; what is allowed all the same, the policy says."""
MEANINGS = {
    State.OPEN: "open",
    State.EXCEPTED: "excepted",
    State.LEAD: "too near a lock",
    State.WINDOW: "window",
    State.LEVEL: "load",
    State.MANUAL: "by hand",
}
"""The states in words, as a legend has them."""


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """One hour of a local day, ``[start, end)``; ``hour`` is the wall clock's, 0 to 23.

    ``needed``, ``demand`` and ``level`` are the largest within the hour.
    """

    start: datetime
    end: datetime
    hour: int
    state: State
    level: Level
    demand: float
    needed: int


class Day(msgspec.Struct, frozen=True, kw_only=True):
    """A local date and its hours in order; none on a date that the zone skipped."""

    date: date
    cells: tuple[Cell, ...]


class Outlook(msgspec.Struct, frozen=True, kw_only=True):
    """The answer at an instant and what the days from it on bring.

    ``days`` are local dates of ``timezone``; ``locked`` runs from the instant to their end.
    """

    decision: Decision
    timezone: str
    locked: tuple[LockedStretch, ...]
    days: tuple[Day, ...]


def look_ahead(
    timeline: Timeline, facts: Facts, request: Request, at: datetime, days: int, *, name: str = ""
) -> Outlook:
    """The answer at an instant, its local day and those after, ``days`` in all.

    ``name`` is the decision's id.
    """
    shown = days_ahead(timeline, request, at, days)
    # The last date may be one that the zone skipped; the first holds the instant.
    end = next(day.cells[-1].end for day in reversed(shown) if day.cells)
    return Outlook(
        decision=decide(timeline, facts, request, at, id=name),
        timezone=timeline.policy.timezone,
        locked=tuple(locked_stretches(timeline, request, micros(at), micros(end))),
        days=tuple(shown),
    )


def days_ahead(timeline: Timeline, request: Request, at: datetime, days: int) -> list[Day]:
    """The local date of ``at`` in the home zone, and those after it, ``days`` in all."""
    policy = timeline.policy
    first = at.astimezone(zone(policy.timezone)).date()
    dates = [first + timedelta(days=number) for number in range(days)]
    hours = {day: list(local_hours(policy.timezone, day)) for day in dates}
    edges = [edge for day in hours.values() for start, end, _ in day for edge in (start, end)]
    lead = duration_micros(policy.lead)
    start, end = min(edges, default=micros(at)), max(edges, default=micros(at) + 1)
    view = timeline.view(request, Span(start, end + lead + 1))
    painter = _Painter(view, timeline, lead)
    return [
        Day(date=day, cells=tuple(painter.cell(*hour) for hour in cells))
        for day, cells in hours.items()
    ]


def local_hours(key: str, day: date) -> Iterator[tuple[int, int, int]]:
    """(start, end, hour) of each hour that a wall clock shows on a date, in microseconds."""
    table = offsets(key, day.year - 1, day.year + 1)
    midnight = (day.toordinal() - EPOCH_ORDINAL) * _DAY_SECONDS
    for piece, offset in enumerate(table.offsets):
        last = piece + 1 == len(table.offsets)
        after = midnight + _DAY_SECONDS if last else table.starts[piece + 1] + offset
        low = max(midnight, table.starts[piece] + offset)
        high = min(midnight + _DAY_SECONDS, after)
        while low < high:
            hour = (low - midnight) // _HOUR_SECONDS
            until = min(midnight + (hour + 1) * _HOUR_SECONDS, high)
            yield (low - offset) * SECOND, (until - offset) * SECOND, hour
            low = until


class _Painter:
    """Works out cells; between two of ``edges`` the phase stays the same."""

    def __init__(self, view: View, timeline: Timeline, lead: int) -> None:
        self._view = view
        self._demand: Demand = timeline.calendar.demand
        self._capacity: Capacity = timeline.policy.load.capacity
        starts = [start for start, _ in view.locked]
        ends = [end for _, end in view.locked]
        exceptions = [edge for interval in view.excepted for edge in interval]
        self._edges = sorted({*starts, *ends, *(s - lead for s in starts), *exceptions})

    def cell(self, start: int, end: int, hour: int) -> Cell:
        low, high = self._demand.index(start), self._demand.index(end - 1)
        needed = max(self._demand.needed[low : high + 1])
        return Cell(
            start=from_micros(start),
            end=from_micros(end),
            hour=hour,
            state=self._state(start, end),
            level=level_of(needed, self._capacity),
            demand=max(self._demand.units[low : high + 1]),
            needed=needed,
        )

    def _state(self, start: int, end: int) -> State:
        inner = self._edges[bisect_left(self._edges, start) : bisect_left(self._edges, end)]
        phases = {self._view.phase(instant) for instant in (start, *inner)}
        if Phase.LOCKED in phases:
            return self._locked_state(start, end)
        if Phase.LEAD in phases:
            return State.LEAD
        excepted = any(a < end and b > start for a, b in self._view.excepted)
        return State.EXCEPTED if excepted else State.OPEN

    def _locked_state(self, start: int, end: int) -> State:
        causes = self._view.causes(start, end)
        if any(isinstance(cause, LockCause) for cause in causes):
            return State.MANUAL
        named = any(isinstance(cause, WindowCause) for cause in causes)
        return State.WINDOW if named else State.LEVEL


def gaps(cells: Sequence[Cell]) -> Iterator[int]:
    """How many whole hours the wall clock skips before each cell."""
    shown = 0
    for cell in cells:
        yield max(cell.hour - shown, 0)
        shown = cell.hour + 1


def clock_note(day: Day) -> str | None:
    """That a date is longer or shorter than others, and why; None of an ordinary one."""
    length = sum((cell.end - cell.start for cell in day.cells), timedelta())
    hours = length / timedelta(hours=1)
    if not day.cells or hours == _HOURS:
        return None
    turned = "forward" if hours < _HOURS else "back"
    return f"{day.date:%a %d %b} has {hours:g} hours: the clock goes {turned}"


def cause_names(stretch: LockedStretch) -> Sequence[str]:
    """What locks a stretch, each once: names of windows, ``load``, ``by hand``."""
    names = {"level": MEANINGS[State.LEVEL], "manual-lock": MEANINGS[State.MANUAL]}
    return list(dict.fromkeys(names.get(c.code, str(c.window)) for c in stretch.causes))
