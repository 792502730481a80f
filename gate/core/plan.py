"""Load over time, and the replica plan that follows it."""

from collections import deque
from collections.abc import Iterator
from datetime import datetime
from itertools import groupby

import msgspec

from gate.core.decision import Level
from gate.core.demand import Demand, level_of, required_replicas, rung_of, shortfall
from gate.core.instants import HOUR, format_instant, from_micros
from gate.core.observed import ObservedFacts, Standing
from gate.core.policy import Capacity

AHEAD, HOLD = HOUR // 2, HOUR
"""How long before a load its replicas stand ready, and how long after it they are kept, where
nobody says otherwise (microseconds)."""


class LoadSample(msgspec.Struct, frozen=True, kw_only=True):
    """Load at one instant: ``demand`` in units, the rest in replicas and weddings standing."""

    at: datetime
    demand: float
    needed: int
    required_replicas: int
    shortfall: int
    level: Level
    weddings: int


class PlanChange(msgspec.Struct, frozen=True, kw_only=True):
    """A change of the floor: ``min`` from ``at`` on, ``max`` the ceiling, and why."""

    at: datetime
    min: int
    max: int
    level: Level
    shortfall: int
    reason: str


def load_samples(
    demand: Demand, capacity: Capacity, start: int, end: int, step: int
) -> Iterator[LoadSample]:
    """The load at ``start``, ``start + step``, … before ``end`` (all microseconds)."""
    for instant in range(start, end, step):
        index = demand.index(instant)
        needed = demand.needed[index]
        yield LoadSample(
            at=from_micros(instant),
            demand=demand.units[index],
            needed=needed,
            required_replicas=required_replicas(needed, capacity),
            shortfall=shortfall(needed, capacity),
            level=level_of(needed, capacity),
            weddings=demand.standing[index],
        )


def plan_changes(
    demand: Demand,
    capacity: Capacity,
    start: int,
    end: int,
    *,
    ahead: int,
    hold: int,
    continuous: bool = False,
    observed: ObservedFacts | None = None,
) -> Iterator[PlanChange]:
    """The floor at ``start`` and its changes before ``end`` (all microseconds).

    The floor in force at t is the rung (``continuous``: the required replicas) of the largest
    demand in ``[t - hold, t + ahead]``, both ends included; demand outside the range counts.
    ``observed`` is what of the demand was observed, for the reasons to name.
    """

    def state(needed: int) -> tuple[int, Level, int]:
        floor = required_replicas(needed, capacity) if continuous else rung_of(needed, capacity)
        return floor, level_of(needed, capacity), shortfall(needed, capacity)

    largest = largest_needed(demand, start, end, ahead=ahead, hold=hold)
    for (floor, level, short), same in groupby(largest, key=lambda step: state(step[1])):
        steps = list(same)
        yield PlanChange(
            at=from_micros(steps[0][0]),
            min=floor,
            max=capacity.ceiling,
            level=level,
            shortfall=short,
            reason=_reason(
                max(needed for _, needed in steps),
                capacity,
                _entered(demand, observed, steps, ahead=ahead, hold=hold),
            ),
        )


def plan_at(
    demand: Demand,
    capacity: Capacity,
    at: int,
    *,
    ahead: int = AHEAD,
    hold: int = HOLD,
    continuous: bool = False,
    observed: ObservedFacts | None = None,
) -> PlanChange:
    """The plan in force at an instant (microseconds, as ``ahead`` and ``hold``).

    Its ``min`` is the floor in force; its ``at`` is the instant asked about, not that from which
    the floor has stood.
    """
    return next(
        plan_changes(
            demand, capacity, at, at + 1,
            ahead=ahead, hold=hold, continuous=continuous, observed=observed,
        )
    )  # fmt: skip


def largest_needed(
    demand: Demand, start: int, end: int, *, ahead: int, hold: int
) -> Iterator[tuple[int, int]]:
    """(instant, largest number needed in ``[instant - hold, instant + ahead]``) from ``start`` on.

    An entry stands at ``start`` and wherever the number may change before ``end`` (microseconds).
    ``ahead`` may be negative, down to ``-hold``: only what lies so far back then counts.
    """
    # The step [s, e) of demand is within reach of t exactly for t in [s - ahead, e + hold).
    # Candidates wait in a queue of falling need, each with the instant at which it goes out of
    # reach.
    starts, needs = demand.starts, demand.needed
    first = max(demand.index(start - hold), 0)
    queue: deque[tuple[int, int]] = deque()
    events: set[int] = {start}
    for index in range(first, len(starts)):
        if starts[index] - ahead >= end:
            break
        events.add(max(starts[index] - ahead, start))
        if index + 1 < len(starts) and start < starts[index + 1] + hold < end:
            events.add(starts[index + 1] + hold)
    index = first
    for instant in sorted(events):
        while index < len(starts) and starts[index] - ahead <= instant:
            gone = starts[index + 1] + hold if index + 1 < len(starts) else end
            while queue and queue[-1][0] <= needs[index]:
                queue.pop()
            queue.append((needs[index], gone))
            index += 1
        while queue[0][1] <= instant:
            queue.popleft()
        yield instant, queue[0][0]


def _entered(
    demand: Demand,
    observed: ObservedFacts | None,
    steps: list[tuple[int, int]],
    *,
    ahead: int,
    hold: int,
) -> Standing | None:
    """The observation that the largest need within reach of these steps is due to, if one is."""
    if observed is None or not observed.starts:
        return None
    instant, needed = max(steps, key=lambda step: step[1])
    first = max(demand.index(instant - hold), 0)
    for index in range(first, demand.index(instant + ahead) + 1):
        # What holds within reach, not what held before it in the same step.
        standing = observed.standing(max(demand.starts[index], instant - hold))
        if demand.needed[index] == needed and standing is not None:
            return standing
    return None


def _reason(peak: int, capacity: Capacity, entered: Standing | None) -> str:
    """Why a floor stands: the peak of what the load needs while it does."""
    load = "booked load"
    if entered is not None:
        load = f"load observed at {format_instant(from_micros(entered.observation.at))}"
    if peak <= capacity.floor:
        return f"{load} fits the floor"
    text = f"{load} needs up to {peak} replicas"
    return text if peak <= capacity.ceiling else f"{text}, beyond the ceiling"
