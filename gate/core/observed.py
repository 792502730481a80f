"""Observed load beside the bookings: it may raise the demand at once, and never lowers it.

The demand that holds is a function of the bookings and of the observations, whoever has seen them:

    demand(t) = max(booked(t), every observation that stands at t)

An observation enters where it lies above what is booked at its own instant; what it raised then
stands for the policy's ``hold`` and, inside *protected time*, until that ends. Protected time is
what the lock windows cover in any zone, and the peaks of the bookings (level HIGH or more, gaps
shorter than the level lock's ``join`` filled). So inside a window, or on a peak, nothing that was
raised comes down, for `LONGEST_HOLD` at most. All instants are microseconds.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from fractions import Fraction
from heapq import heappop, heappush
from itertools import chain, pairwise
from typing import Literal

import msgspec

from gate.core.decision import Level, ObservedLoad, ObservedState
from gate.core.demand import Calendar, Demand, level_of
from gate.core.instants import duration_micros, from_micros
from gate.core.intervals import Interval, merged
from gate.core.policy import LONGEST_HOLD, Capacity, CsvSource, ObservedRules, Policy
from gate.core.windows import Span, compile_window

_LONGEST = duration_micros(LONGEST_HOLD)
LARGEST_UNITS = 10**15
"""No observation beyond this is taken: it is a defect of the source, not load."""


class Observation(msgspec.Struct, frozen=True):
    """Load that was seen at an instant, in units of demand."""

    at: int
    units: Fraction


class Standing(msgspec.Struct, frozen=True):
    """An observation that entered, and until when what it raised stands."""

    observation: Observation
    until: int


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What a source has told, as of ``asked_at``.

    ``observations`` lie in any order and may hold those after ``asked_at``, which do not count.
    ``since`` is when asking began, None where nobody knows; ``trouble`` is what went wrong last.
    """

    observations: tuple[Observation, ...]
    asked_at: int
    since: int | None = None
    trouble: str | None = None


class ObservedFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What of a demand was observed, for decisions and plans to name.

    From ``starts[i]`` on ``entered[i]`` is what the demand is due to, None: to the bookings.
    """

    source: Literal["prometheus", "csv"]
    state: ObservedState
    latest: Observation | None
    trouble: str | None = None
    starts: tuple[int, ...] = ()
    entered: tuple[Standing | None, ...] = ()

    @property
    def failed(self) -> bool:
        """Whether the source has told nothing for so long that the metrics count as gone."""
        return self.state == "failed"

    def standing(self, instant: int) -> Standing | None:
        """The observation that the demand at an instant is due to; None: the bookings."""
        index = bisect_right(self.starts, instant) - 1
        return self.entered[index] if index >= 0 else None

    def at(self, instant: int) -> ObservedLoad:
        """How a decision at an instant names it."""
        standing = self.standing(instant)
        named = self.latest if standing is None else standing.observation
        return ObservedLoad(
            source=self.source,
            state=self.state,
            at=None if named is None else from_micros(named.at),
            demand=None if named is None else float(named.units),
            until=None if standing is None else from_micros(standing.until),
        )


class Effective(msgspec.Struct, frozen=True, kw_only=True):
    """A calendar whose demand is the larger of booked and observed, and what of it was observed."""

    calendar: Calendar
    facts: ObservedFacts


def effective(policy: Policy, booked: Calendar, seen: Seen) -> Effective:
    """The demand that holds by the bookings and by what was seen.

    The policy observes load. Whatever was seen before `reach` makes no difference from
    ``seen.asked_at`` on.
    """
    rules = policy.load.observed
    assert rules is not None
    known = [each for each in seen.observations if each.at <= seen.asked_at]
    standing = _standing(policy, rules, booked, known)
    demand, starts, entered = _raised(booked.demand, standing, policy.load.capacity)
    latest = max(known, key=lambda each: each.at, default=None)
    return Effective(
        calendar=msgspec.structs.replace(booked, demand=demand),
        facts=ObservedFacts(
            source="csv" if isinstance(rules.source, CsvSource) else "prometheus",
            state=state_of(rules, None if latest is None else latest.at, seen),
            latest=latest,
            trouble=seen.trouble,
            starts=tuple(starts),
            entered=tuple(entered),
        ),
    )


def state_of(rules: ObservedRules, latest: int | None, seen: Seen) -> ObservedState:
    """How a source stands when asked, by the instant of its latest observation.

    It has *failed* where it told nothing for ``fails_after``. A source that was asked for less
    long than that and has told nothing yet is *missing*; who asks once cannot wait for it.
    """
    if latest is not None and seen.asked_at - latest <= duration_micros(rules.max_age):
        return "fresh"
    told = [each for each in (latest, seen.since) if each is not None]
    if not told or seen.asked_at - max(told) > duration_micros(rules.fails_after):
        return "failed"
    return "missing" if latest is None else "stale"


def reach(policy: Policy, booked: Calendar, now: int) -> int:
    """Since when observations still make a difference at ``now`` or later."""
    rules = policy.load.observed
    assert rules is not None
    hold = duration_micros(rules.hold)
    protected = protected_time(policy, booked, now, now)
    inside = [start for start, end in protected if start <= now < end]
    return max(now - _LONGEST, min([now, *inside]) - hold)


def protected_time(policy: Policy, booked: Calendar, first: int, last: int) -> list[Interval]:
    """Stretches in which nothing raised comes down, as far as they concern who is in [first, last].

    Whole where they begin or end within `LONGEST_HOLD` of that.
    """
    span = Span(first - _LONGEST - 1, last + _LONGEST + 1)
    locks = (
        compile_window(window, policy.timezone, booked.presence, span).intervals
        for window in policy.windows
        if window.kind == "lock"
    )
    return merged(chain(_peaks(policy, booked.demand, span), *locks))


def _peaks(policy: Policy, demand: Demand, span: Span) -> list[Interval]:
    join = duration_micros(policy.level_lock.join)
    first = max(demand.index(span.start - join), 0)
    after = demand.index(span.end + join) + 2
    busy = (
        (start, end)
        for (start, end), needed in zip(
            pairwise(demand.starts[first:after]), demand.needed[first:after], strict=False
        )
        if level_of(needed, policy.load.capacity) is not Level.NORMAL
    )
    return merged(busy, join)


def _standing(
    policy: Policy, rules: ObservedRules, booked: Calendar, known: Iterable[Observation]
) -> list[Standing]:
    """Those that lie above what is booked, in order of time, without those that change nothing."""
    units, index = booked.demand.units, booked.demand.index
    above = sorted(
        (each for each in known if each.units > Fraction(units[index(each.at)])),
        key=lambda each: (each.at, each.units),
    )
    if not above:
        return []
    found: list[Standing] = []
    hold = duration_micros(rules.hold)
    protected = protected_time(policy, booked, above[0].at, above[-1].at)
    for observation in above:
        until = _until(observation.at, hold, protected)
        if (
            found
            and found[-1].until >= until
            and (found[-1].observation.units >= observation.units)
        ):
            continue
        found.append(Standing(observation, until))
    return found


def _until(at: int, hold: int, protected: Sequence[Interval]) -> int:
    """Until when an observation at ``at`` stands: no end of it lies inside protected time."""
    held = at + hold
    ends = [end for start, end in protected if start <= max(held, at) and end > at]
    return min(max([held, *ends]), at + _LONGEST)


def _raised(
    booked: Demand, standing: Sequence[Standing], capacity: Capacity
) -> tuple[Demand, list[int], list[Standing | None]]:
    """The larger of booked and standing at every instant, and where which observation is it."""
    starts: list[int] = []
    entered: list[Standing | None] = []
    pieces = _largest(standing)
    if not pieces:
        return booked, starts, entered
    edges = [edge for edge, _ in pieces]
    begin = bisect_left(booked.starts, edges[0])
    after = bisect_right(booked.starts, edges[-1])
    made = _cut(booked, 0, begin)
    for instant in sorted({*edges, *booked.starts[begin:after]}):
        step = booked.index(instant)
        units, needed = booked.units[step], booked.needed[step]
        one = pieces[bisect_right(edges, instant) - 1][1]
        if one is not None and float(one.observation.units) <= units:
            one = None
        if one is not None:
            units = float(one.observation.units)
            needed = max(needed, -int(-one.observation.units // capacity.units_per_replica))
        made.starts.append(instant)
        made.units.append(units)
        made.needed.append(needed)
        made.standing.append(booked.standing[step])
        if not entered or entered[-1] is not one:
            starts.append(instant)
            entered.append(one)
    append_steps(made, booked, after, len(booked.starts))
    return made, starts, entered


def _cut(demand: Demand, begin: int, after: int) -> Demand:
    made = Demand([], [], [], [])
    append_steps(made, demand, begin, after)
    return made


def append_steps(made: Demand, demand: Demand, begin: int, after: int) -> None:
    """Append the steps [begin, after) of a demand to another that ends before them."""
    made.starts.extend(demand.starts[begin:after])
    made.units.extend(demand.units[begin:after])
    made.needed.extend(demand.needed[begin:after])
    made.standing.extend(demand.standing[begin:after])


def _largest(standing: Sequence[Standing]) -> list[tuple[int, Standing | None]]:
    """From which instant on which of them is the largest; None from where none stands."""
    edges = sorted({edge for each in standing for edge in (each.observation.at, each.until)})
    ordered = sorted(standing, key=lambda each: each.observation.at)
    queue: list[tuple[Fraction, int, int]] = []
    pieces: list[tuple[int, Standing | None]] = []
    following = 0
    for edge in edges:
        while following < len(ordered) and ordered[following].observation.at <= edge:
            each = ordered[following]
            heappush(queue, (-each.observation.units, -each.until, following))
            following += 1
        while queue and ordered[queue[0][2]].until <= edge:
            heappop(queue)
        largest = ordered[queue[0][2]] if queue else None
        if not pieces or pieces[-1][1] is not largest:
            pieces.append((edge, largest))
    return pieces
