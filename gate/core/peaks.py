"""The peak of a range, and when its demand is beyond the ceiling."""

from datetime import datetime

import msgspec

from gate.core.decision import Level
from gate.core.demand import Demand, level_of, shortfall
from gate.core.instants import from_micros
from gate.core.plan import AHEAD, HOLD, largest_needed
from gate.core.policy import Capacity


class Beyond(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch ``[start, end)`` in which more is needed than the ceiling; ``short`` at most."""

    start: datetime
    end: datetime
    short: int


class Peak(msgspec.Struct, frozen=True, kw_only=True):
    """The most that the plan has to cover: from ``at`` on, ``needed`` replicas.

    ``shortfall`` of these lie beyond the ceiling; ``beyond`` tells when, by the demand itself.
    """

    at: datetime
    needed: int
    level: Level
    shortfall: int
    beyond: tuple[Beyond, ...]


def peak(
    demand: Demand,
    capacity: Capacity,
    start: int,
    end: int,
    *,
    ahead: int = AHEAD,
    hold: int = HOLD,
) -> Peak:
    """The peak of ``[start, end)`` (microseconds), the earliest of equals.

    ``at`` is when the plan's floor for it stands: ``ahead`` of the load, or ``start``.
    """
    steps = largest_needed(demand, start, end, ahead=ahead, hold=hold)
    at, needed = max(steps, key=lambda step: (step[1], -step[0]))
    return Peak(
        at=from_micros(at),
        needed=needed,
        level=level_of(needed, capacity),
        shortfall=shortfall(needed, capacity),
        beyond=tuple(_beyond(demand, capacity, start, end)),
    )


def _beyond(demand: Demand, capacity: Capacity, start: int, end: int) -> list[Beyond]:
    found: list[Beyond] = []
    index = demand.index(start)
    while index < len(demand.starts) and demand.starts[index] < end:
        begins = max(demand.starts[index], start)
        after = demand.starts[index + 1] if index + 1 < len(demand.starts) else end
        ends = min(after, end)
        short = shortfall(demand.needed[index], capacity)
        if short and found and found[-1].end == from_micros(begins):
            last = found.pop()
            found.append(
                Beyond(start=last.start, end=from_micros(ends), short=max(short, last.short))
            )
        elif short:
            found.append(Beyond(start=from_micros(begins), end=from_micros(ends), short=short))
        index += 1
    return found
