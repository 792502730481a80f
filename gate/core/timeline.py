"""Policy, calendar and manual locks, compiled into what a decision looks up by bisection.

A policy's rules recur without end, so time is compiled in *stretches* of 400 days when first asked
for; everything that a decision may mention lies within 9 600 hours of its instant, and a stretch is
compiled with that margin. For each set of windows, locks and exceptions that a request meets, a
`View` holds the locked intervals and the phases.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import chain
from typing import TypeVar

from gate.core.causes import Cause, LevelCause, LockCause, WindowCause
from gate.core.decision import Level, ManualLock, Phase, Reason, Request
from gate.core.demand import Calendar, level_of
from gate.core.instants import HOUR, duration_micros, micros
from gate.core.intervals import Interval, clipped, merged, subtracted
from gate.core.policy import Cells, Policy
from gate.core.scopes import covers, exempts
from gate.core.windows import CompiledWindow, Span, compile_window

HORIZON = 9_600 * HOUR
"""How far from its instant a decision looks, in microseconds."""

_STRETCH = HORIZON
_FOREVER = 1 << 62
# Of each kind of result so many are kept; the kinds of requests and years asked for are few.
_MAX_VIEWS = 256
_MAX_SCOPES = 4096
_MAX_SPANS = 16

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


class View:
    """What a request of some scope and action meets within a span of time.

    ``locked`` is the contract's set L, ``excepted`` the open windows that apply; both are exact
    within the span and cut at its edges.
    """

    def __init__(
        self,
        span: Span,
        *,
        windows: Sequence[CompiledWindow],
        opens: Sequence[CompiledWindow],
        stretches: Sequence[Interval],
        locks: Sequence[ManualLock],
        timeline: "Timeline",
    ) -> None:
        self.span = span
        self._windows = windows
        self._stretches = stretches
        self._locks = locks
        self._timeline = timeline
        self.excepted = merged(chain.from_iterable(window.intervals for window in opens))
        excluded = chain(stretches, *(window.intervals for window in windows))
        manual = (_lock_interval(lock) for lock in locks)
        locked = merged(chain(subtracted(merged(excluded), self.excepted), manual))
        self.locked = clipped(locked, span.start, span.end)
        self._phase_starts, self._phases = self._compile_phases()
        self._changes: dict[tuple[bool, bool], list[int]] = {}
        self.reasons: dict[tuple[Phase, int], tuple[Reason, ...]] = {}

    def phase(self, instant: int) -> Phase:
        """The phase at an instant of the span (microseconds)."""
        return self._phases[bisect_right(self._phase_starts, instant) - 1]

    def locked_around(self, instant: int) -> Interval | None:
        """The locked interval that holds an instant, or else the next one."""
        index = bisect_right(self._locked_ends, instant)
        return self.locked[index] if index < len(self.locked) else None

    def next_change(self, instant: int, *, lead_denied: bool, locked_denied: bool) -> int | None:
        """The first later instant at which the verdict differs, under a cell of the table."""
        key = (lead_denied, locked_denied)
        changes = self._changes.get(key)
        if changes is None:
            changes = self._changes[key] = self._verdict_changes(lead_denied, locked_denied)
        index = bisect_right(changes, instant)
        return changes[index] if index < len(changes) else None

    def steady_until(self, instant: int) -> int:
        """Until when phase and causes stay what they are at an instant of the span."""
        index = bisect_right(self._phase_starts, instant)
        ends = [self._phase_starts[index] if index < len(self._phase_starts) else self.span.end]
        if self._phases[index - 1] is Phase.LOCKED:
            edges = self.cause_edges
            ends += edges[bisect_right(edges, instant) :][:1]
        return min(ends)

    def causes(self, start: int, end: int) -> list[Cause]:
        """Every cause that overlaps ``[start, end)``, unclipped, in the contract's order."""
        found: list[Cause] = []
        for window in self._windows:
            for occurrence, intervals in window.overlapping(start, end):
                found.append(WindowCause.of(window.window.name, occurrence, intervals))
        found.extend(
            LevelCause(start=a, end=b) for a, b in self._stretches if a < end and b > start
        )
        for lock in self._locks:
            a, b = _lock_interval(lock)
            if a < end and b > start:
                found.append(LockCause(start=a, end=None if b == _FOREVER else b, lock=lock))
        return found

    @cached_property
    def cause_edges(self) -> list[int]:
        """Instants between which neither the causes nor the level change, sorted."""
        edges: set[int] = set()
        for window in self._windows:
            edges |= window.edges
        edges.update(chain.from_iterable(self._stretches))
        edges.update(chain.from_iterable(map(_lock_interval, self._locks)))
        low, high = self.span.start, self.span.end
        level_starts = self._timeline.level_starts
        first, after = bisect_right(level_starts, low), bisect_right(level_starts, high)
        edges.update(level_starts[first:after])
        return sorted(edges)

    @cached_property
    def _locked_ends(self) -> list[int]:
        return [end for _, end in self.locked]

    def _compile_phases(self) -> tuple[list[int], list[Phase]]:
        lead = duration_micros(self._timeline.policy.lead)
        leads = merged((start - lead, start) for start, _ in self.locked)
        starts, phases = [self.span.start], [Phase.OPEN]
        excepted = subtracted(self.excepted, self.locked)
        for start, end, phase in self._layers(leads, excepted):
            if starts[-1] == start:
                phases[-1] = phase
            else:
                starts.append(start)
                phases.append(phase)
            starts.append(end)
            phases.append(Phase.OPEN)
        return starts, phases

    def _layers(
        self, leads: Sequence[Interval], excepted: Sequence[Interval]
    ) -> list[tuple[int, int, Phase]]:
        """Locked and lead intervals, disjoint and sorted; all else is open."""
        free = subtracted(subtracted(leads, self.locked), excepted)
        layers = [(a, b, Phase.LEAD) for a, b in clipped(free, self.span.start, self.span.end)]
        layers += [(a, b, Phase.LOCKED) for a, b in self.locked]
        return sorted(layers)

    def _verdict_changes(self, lead_denied: bool, locked_denied: bool) -> list[int]:
        denied = {Phase.OPEN: False, Phase.LEAD: lead_denied, Phase.LOCKED: locked_denied}
        changes, last = [], denied[self._phases[0]]
        for start, phase in zip(self._phase_starts[1:], self._phases[1:], strict=True):
            if denied[phase] != last:
                changes.append(start)
                last = not last
        return changes


class Timeline:
    """A policy compiled with a calendar and manual locks; see `compile_timeline`.

    Values only come in and go out: what is kept inside are results that would come out the same.
    """

    def __init__(self, policy: Policy, calendar: Calendar, locks: Sequence[ManualLock]) -> None:
        self.policy = policy
        self.calendar = calendar
        self.locks = tuple(sorted(locks, key=lambda lock: (lock.start, lock.id)))
        self.level_starts, self.levels = _levels(calendar, policy)
        self.stretches = _level_stretches(self.level_starts, self.levels, policy)
        self._windows: dict[Span, tuple[CompiledWindow, ...]] = {}
        self._meets: dict[tuple[str | None, ...], tuple[int, ...]] = {}
        self._views: dict[tuple[tuple[int, ...], Span], View] = {}

    def level(self, instant: int) -> Level:
        """The protection level at an instant."""
        return self.levels[bisect_right(self.level_starts, instant) - 1]

    def cells(self, request: Request) -> Cells:
        """The row of the action table for a request."""
        return self.policy.actions[request.action]

    def steady_until(self, request: Request, instant: int) -> int:
        """Until when phase, causes, level and load stay what they are at an instant (microseconds).

        Decisions until then differ in nothing but their instant, unless an override begins or ends,
        or what they tell of comes to lie within the horizon, or beyond it.
        """
        starts = self.calendar.demand.starts
        end = self.view_at(request, instant).steady_until(instant)
        return min([end, *starts[bisect_right(starts, instant) :][:1]])

    def view_at(self, request: Request, instant: int) -> View:
        """The view for decisions around an instant: exact for 9 600 hours to both sides of it."""
        number = instant // _STRETCH
        # A verdict 9 600 hours on may hang on a lock that begins one lead later.
        lead = duration_micros(self.policy.lead)
        start, end = number * _STRETCH - HORIZON - 1, (number + 2) * _STRETCH + lead + 1
        return self.view(request, Span(start, end))

    def view(self, request: Request, span: Span) -> View:
        """What the request meets within ``span``."""
        key = (self._met(request), span)
        view = self._views.get(key)
        if view is None:
            view = _keep(self._views, _MAX_VIEWS, key, self._compile_view(*key))
        return view

    def _met(self, request: Request) -> tuple[int, ...]:
        """The windows, the level lock (number -1) and the manual locks (from -2 down) it meets."""
        key = (
            request.environment, request.namespace, request.service, request.repository,
            request.action,
        )  # fmt: skip
        met = self._meets.get(key)
        if met is None:
            met = _keep(self._meets, _MAX_SCOPES, key, tuple(self._find_met(request)))
        return met

    def _find_met(self, request: Request) -> Iterator[int]:
        for number, window in enumerate(self.policy.windows):
            applies = covers if window.kind == "lock" else exempts
            if applies(window.scope, request):
                yield number
        if covers(self.policy.level_lock.scope, request):
            yield -1
        for number, lock in enumerate(self.locks):
            if covers(lock.scope, request) and (not lock.actions or request.action in lock.actions):
                yield -2 - number

    def _compile_view(self, met: tuple[int, ...], span: Span) -> View:
        compiled = self._compiled(span)
        windows = [compiled[number] for number in met if number >= 0]
        return View(
            span,
            windows=[window for window in windows if window.window.kind == "lock"],
            opens=[window for window in windows if window.window.kind == "open"],
            stretches=[s for s in self.stretches if s[0] < span.end and s[1] > span.start]
            if -1 in met
            else [],
            locks=[self.locks[-2 - number] for number in met if number <= -2],
            timeline=self,
        )

    def _compiled(self, span: Span) -> tuple[CompiledWindow, ...]:
        windows = self._windows.get(span)
        if windows is None:
            policy, presence = self.policy, self.calendar.presence
            compiled = tuple(
                compile_window(window, policy.timezone, presence, span) for window in policy.windows
            )
            windows = _keep(self._windows, _MAX_SPANS, span, compiled)
        return windows


def compile_timeline(
    policy: Policy, calendar: Calendar, locks: Sequence[ManualLock] = ()
) -> Timeline:
    """Compile once what many decisions look up. Pure; the result keeps what it works out."""
    return Timeline(policy, calendar, locks)


def _keep(kept: dict[_Key, _Value], most: int, key: _Key, value: _Value) -> _Value:
    if len(kept) >= most:
        kept.clear()
    kept[key] = value
    return value


def _lock_interval(lock: ManualLock) -> Interval:
    return micros(lock.start), _FOREVER if lock.end is None else micros(lock.end)


def _levels(calendar: Calendar, policy: Policy) -> tuple[list[int], list[Level]]:
    """The level as a step function: only the steps at which it changes."""
    starts: list[int] = []
    levels: list[Level] = []
    capacity, last = policy.load.capacity, None
    for start, needed in zip(calendar.demand.starts, calendar.demand.needed, strict=True):
        level = level_of(needed, capacity)
        if level is not last:
            starts.append(start)
            levels.append(level)
            last = level
    return starts, levels


def _level_stretches(
    starts: Sequence[int], levels: Sequence[Level], policy: Policy
) -> list[Interval]:
    """Where the level lock holds: its level reached, shorter gaps filled."""
    rule = policy.level_lock
    if rule.at == "never":
        return []
    locking = {Level.HIGH, Level.MAXIMUM} if rule.at == "HIGH" else {Level.MAXIMUM}
    # Demand ends with the last wedding, so every step but the last has an end.
    reached = [
        (start, end)
        for start, end, level in zip(starts, starts[1:], levels, strict=False)
        if level in locking
    ]
    return merged(reached, duration_micros(rule.join))
