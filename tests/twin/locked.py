"""Windows, the locked time ``L`` of a request, its phase and its verdict, as policy.md says."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Any

from tests.twin import document
from tests.twin.load import Load, Stretch
from tests.twin.rules import dates_of
from tests.twin.zones import DAY, readings

REACH = timedelta(hours=9600)
FIELDS = {
    "environments": "environment",
    "namespaces": "namespace",
    "services": "service",
    "repositories": "repository",
}
Request = Mapping[str, Any]


@dataclass(frozen=True)
class Occurrence:
    """One occurrence of a window: its own interval in each zone (``""`` where there is none)."""

    window: document.TwinWindow
    date: date | None
    intervals: Mapping[str, Stretch]

    def holding(self, t: datetime) -> dict[str, Stretch]:
        """The zones whose own interval holds the instant."""
        return {z: (start, end) for z, (start, end) in self.intervals.items() if start <= t < end}

    def overlapping(self, a: datetime, b: datetime) -> dict[str, Stretch]:
        """The zones whose own interval has an instant in ``[a, b)``."""
        return {
            z: (start, end)
            for z, (start, end) in self.intervals.items()
            if max(start, a) < min(end, b)
        }


@dataclass(frozen=True)
class Manual:
    """A manual lock; ``end`` None is for ever."""

    id: str
    start: datetime
    end: datetime | None
    scope: Mapping[str, list[str]]
    actions: tuple[str, ...]

    def overlaps(self, a: datetime, b: datetime) -> bool:
        """Whether it has an instant in ``[a, b)``."""
        return self.start < b and (self.end is None or self.end > max(a, self.start))

    def holds(self, t: datetime) -> bool:
        """Whether it is in force at the instant."""
        return self.start <= t and (self.end is None or t < self.end)


def in_scope(scope: Mapping[str, Sequence[str]], request: Request, *, known_only: bool) -> bool:
    """Whether a rule of that scope concerns the request; ``known_only`` for open windows."""
    for plural, globs in scope.items():
        value = request.get(FIELDS[plural])
        if value in (None, ""):
            if known_only:
                return False
        elif not any(fnmatchcase(value, glob) for glob in globs):
            return False
    return True


class Windows:
    """The occurrences of a policy's windows."""

    def __init__(self, policy: document.TwinPolicy, load: Load) -> None:
        self.policy = policy
        self.load = load
        self._dates: dict[str, tuple[date, list[date]]] = {}
        self._made: dict[tuple[str, date], Occurrence] = {}

    def near(self, window: document.TwinWindow, a: datetime, b: datetime) -> Iterator[Occurrence]:
        """The occurrences that may have to do with ``a … b``, by date; and others beside."""
        if "rrule" not in window.item:
            yield self._one_off(window)
            return
        first = a.date() - (document.window_days(window.item) + 2) * DAY
        last = b.date() + 2 * DAY
        dates = self._dates_until(window, last)
        for day in dates[bisect_left(dates, first) : bisect_right(dates, last)]:
            yield self._occurrence(window, day)

    def _dates_until(self, window: document.TwinWindow, last: date) -> list[date]:
        """The sorted dates of the rule, the excepted ones left out."""
        until, dates = self._dates.get(window.name, (date.min, list[date]()))
        if last > until:
            until = last + 3660 * DAY
            since = date.fromisoformat(str(window.item.get("since", "2000-01-01")))
            found = dates_of(window.item["rrule"], since, until)
            left_out = {date.fromisoformat(str(day)) for day in window.item.get("except", [])}
            dates = [day for day in found if day not in left_out]
            self._dates[window.name] = until, dates
        return dates

    def _occurrence(self, window: document.TwinWindow, day: date) -> Occurrence:
        if (window.name, day) not in self._made:
            item = window.item
            days = document.window_days(item)
            dates = {day + i * DAY for i in range(days)}
            start = document.local(day, document.clock(item.get("from", "00:00")))
            end = document.local(day + (days - 1) * DAY, document.clock(item.get("to", "24:00")))
            intervals = self._in_zones(self._zones(window, dates), start, end)
            self._made[window.name, day] = Occurrence(window, day, intervals)
        return self._made[window.name, day]

    def _zones(self, window: document.TwinWindow, dates: set[date]) -> set[str]:
        keys: set[str] = set()
        for zone in window.zones:
            match zone:
                case "home":
                    keys.add(self.policy.timezone)
                case "venues":
                    keys.update(w.zone for w in self.load.weddings if w.dates & dates)
                case _:
                    keys.add(zone)
        return keys

    def _in_zones(self, keys: set[str], start: datetime, end: datetime) -> dict[str, Stretch]:
        return {key: (readings(key, start)[0], readings(key, end)[1]) for key in keys}

    def _one_off(self, window: document.TwinWindow) -> Occurrence:
        start, end = window.item["start"], window.item["end"]
        if not document.is_local(start):
            return Occurrence(window, None, {"": (document.instant(start), document.instant(end))})
        first, last = datetime.fromisoformat(start), datetime.fromisoformat(end)
        keys = self._zones(window, set())
        return Occurrence(window, first.date(), self._in_zones(keys, first, last))


class View:
    """What one request sees between two instants: ``L``, phase, verdict, by testing instants."""

    def __init__(
        self,
        windows: Windows,
        stretches: Sequence[Stretch],
        locks: Sequence[Manual],
        request: Request,
        between: tuple[datetime, datetime],
    ) -> None:
        self.policy = windows.policy
        self.windows = windows
        self.request = request
        self.between = between
        of_kind = {"lock": False, "open": True}
        mine = [
            window
            for window in self.policy.windows
            if in_scope(window.scope, request, known_only=of_kind[window.kind])
        ]
        self.locking = [window for window in mine if window.kind == "lock"]
        self.opening = [window for window in mine if window.kind == "open"]
        level = in_scope(self.policy.lock_scope, request, known_only=False)
        self.stretches = list(stretches) if level else []
        self.manual = [
            lock
            for lock in locks
            if in_scope(lock.scope, request, known_only=False)
            and (not lock.actions or request["action"] in lock.actions)
        ]
        self._locked: dict[datetime, bool] = {}

    def occurrences_at(self, window: document.TwinWindow, t: datetime) -> list[Occurrence]:
        """The occurrences of a window that hold the instant in one of their zones."""
        return [occ for occ in self.windows.near(window, t, t) if occ.holding(t)]

    def in_open(self, t: datetime) -> bool:
        """Whether an open window that applies to the request holds the instant."""
        return any(self.occurrences_at(window, t) for window in self.opening)

    def locked(self, t: datetime) -> bool:
        """``t ∈ L``."""
        if t not in self._locked:
            manual = any(lock.holds(t) for lock in self.manual)
            level = any(start <= t < end for start, end in self.stretches)
            window = any(self.occurrences_at(window, t) for window in self.locking)
            self._locked[t] = manual or ((window or level) and not self.in_open(t))
        return self._locked[t]

    @cached_property
    def boundaries(self) -> list[datetime]:
        """Where ``L`` or an open window may start or end, the first instant looked at included."""
        a, b = self.between
        edges: set[datetime | None] = {a}
        for window in (*self.locking, *self.opening):
            for occurrence in self.windows.near(window, a, b):
                for stretch in occurrence.intervals.values():
                    edges.update(stretch)
        for stretch in self.stretches:
            edges.update(stretch)
        for lock in self.manual:
            edges.update((lock.start, lock.end))
        return sorted(edge for edge in edges if edge is not None and a <= edge <= b)

    def starts(self, t: datetime) -> bool:
        """Whether an interval of ``L`` starts at this boundary."""
        index = bisect_left(self.boundaries, t)
        return index > 0 and self.locked(t) and not self.locked(self.boundaries[index - 1])

    def next_start(self, t: datetime) -> datetime | None:
        """The start of the first interval of ``L`` that starts after the instant."""
        for edge in self.boundaries[bisect_right(self.boundaries, t) :]:
            if self.starts(edge):
                return edge
        return None

    def interval_start(self, t: datetime) -> datetime | None:
        """The start of the interval of ``L`` that holds the instant; None: before what we see."""
        for edge in reversed(self.boundaries[: bisect_right(self.boundaries, t)]):
            if self.starts(edge):
                return edge
        return None

    def interval_end(self, t: datetime) -> datetime | None:
        """The end of the interval of ``L`` that holds the instant; None: after what we see."""
        for edge in self.boundaries[bisect_right(self.boundaries, t) :]:
            if not self.locked(edge):
                return edge
        return None

    def phase(self, t: datetime) -> str:
        """``locked``, ``lead`` or ``open``."""
        if self.locked(t):
            return "locked"
        if self.in_open(t):
            return "open"
        start = self.next_start(t)
        return "lead" if start is not None and start <= t + self.policy.lead else "open"

    def verdict(self, t: datetime) -> str:
        """``allow`` or ``deny``."""
        phase = self.phase(t)
        if phase == "open":
            return "allow"
        return self.policy.cells[self.request["action"], phase, self.request["invoker"]]

    def next_change(self, at: datetime) -> datetime | None:
        """The first instant after ``at``, at most 9 600 h later, that has another verdict."""
        edges = {edge - back for edge in self.boundaries for back in (0 * DAY, self.policy.lead)}
        for edge in sorted(edge for edge in edges if at < edge <= at + REACH):
            if self.verdict(edge) != self.verdict(at):
                return edge
        return None
