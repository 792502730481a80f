"""What ways to provide replicas cost, and how long each would have been too few.

Demand and every way to meet it are step functions, so replica-hours and hours short are sums over
their steps, exact to the microsecond: nothing is sampled. The yardstick is the *booked* load, which
the plan knows beforehand and an autoscaler has to find out; what the bookings do not say is not
seen here.
"""

from collections.abc import Iterable, Iterator
from fractions import Fraction
from itertools import chain
from typing import Literal

import msgspec

from gate.core.demand import Demand, required_replicas
from gate.core.instants import HOUR, SECOND, micros
from gate.core.plan import AHEAD, HOLD, largest_needed, plan_changes
from gate.core.policy import Capacity

Way = Literal["static-maximum", "static-floor", "reactive-hpa", "rungs", "continuous"]
Steps = Iterable[tuple[int, int]]
"""(instant in microseconds, number from it on), in order of time, the first at the start."""


class Reaction(msgspec.Struct, frozen=True, kw_only=True):
    """How a HorizontalPodAutoscaler follows a load that it is not told of (microseconds).

    At ``t`` it has Ready, between floor and ceiling,

        max over u in [t - delay - stabilization, t - delay] of ceil(needed(u) * 100 / target)

    ``delay``: from a change of the load until the Pods for it are Ready, or too many are gone: the
    metrics' age, the controller's sync period (15 s), scheduling, image, start-up.
    ``stabilization``: for so long the highest of the past recommendations stands; 300 s are the
    controller's default (--horizontal-pod-autoscaler-downscale-stabilization), as Kubernetes'
    documentation on horizontal Pod autoscaling has it. ``target``: the load of a replica, in per
    cent of what it carries, at which the autoscaler is told to hold it; below 100 is headroom.

    Not modelled, each of which makes an HPA slower: its tolerance of 10 %, and that it at most
    doubles, or adds four, every 15 s.
    """

    delay: int = 120 * SECOND
    stabilization: int = 300 * SECOND
    target: int = 100


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """One way to provide replicas, over a range.

    ``replica_micros``: replicas times microseconds provided. ``short_micros``: how long more were
    needed than provided, ``short_replica_micros`` the same times how many were missing, and
    ``worst_short`` the most that were missing at once.
    """

    way: Way
    replica_micros: int
    short_micros: int
    short_replica_micros: int
    worst_short: int

    @property
    def replica_hours(self) -> Fraction:
        """Replica-hours provided."""
        return Fraction(self.replica_micros, HOUR)

    @property
    def short_hours(self) -> Fraction:
        """Hours in which more was needed."""
        return Fraction(self.short_micros, HOUR)

    @property
    def short_replica_hours(self) -> Fraction:
        """Replica-hours that were missing."""
        return Fraction(self.short_replica_micros, HOUR)


def costs(
    demand: Demand,
    capacity: Capacity,
    start: int,
    end: int,
    *,
    ahead: int = AHEAD,
    hold: int = HOLD,
    reaction: Reaction | None = None,
) -> tuple[Cost, ...]:
    """Every way over ``[start, end)``, which is not empty (all microseconds).

    Replicas of a plan count as Ready from the instant at which it wants them.
    """
    reaction = reaction or Reaction()

    def planned(continuous: bool) -> Steps:
        changes = plan_changes(
            demand, capacity, start, end, ahead=ahead, hold=hold, continuous=continuous
        )
        return ((micros(change.at), change.min) for change in changes)

    ways: dict[Way, Steps] = {
        "static-maximum": [(start, capacity.ceiling)],
        "static-floor": [(start, capacity.floor)],
        "reactive-hpa": reactive(demand, capacity, start, end, reaction),
        "rungs": planned(continuous=False),
        "continuous": planned(continuous=True),
    }
    needed = list(_needed(demand, start, end))
    return tuple(cost(way, needed, provided, end) for way, provided in ways.items())


def reactive(
    demand: Demand, capacity: Capacity, start: int, end: int, reaction: Reaction
) -> Iterator[tuple[int, int]]:
    """What a `Reaction` has Ready, from ``start`` until ``end``."""
    followed = largest_needed(
        demand,
        start,
        end,
        ahead=-reaction.delay,
        hold=reaction.delay + reaction.stabilization,
    )
    for instant, needed in followed:
        yield instant, required_replicas(-(-needed * 100 // reaction.target), capacity)


def cost(way: Way, needed: Steps, provided: Steps, end: int) -> Cost:
    """The integral of one way until ``end``; both functions begin at the same instant."""
    replica = short = short_replica = worst = 0
    for length, wanted, there in _together(needed, provided, end):
        missing = max(0, wanted - there)
        replica += there * length
        short += length if missing else 0
        short_replica += missing * length
        worst = max(worst, missing)
    return Cost(
        way=way,
        replica_micros=replica,
        short_micros=short,
        short_replica_micros=short_replica,
        worst_short=worst,
    )


def _needed(demand: Demand, start: int, end: int) -> Iterator[tuple[int, int]]:
    index = demand.index(start)
    yield start, demand.needed[index]
    for later in range(index + 1, len(demand.starts)):
        if demand.starts[later] >= end:
            break
        yield demand.starts[later], demand.needed[later]


def _together(first: Steps, second: Steps, end: int) -> Iterator[tuple[int, int, int]]:
    """(length, value of the first, of the second) of each stretch on which neither changes."""
    changes = sorted(
        chain(((at, 0, value) for at, value in first), ((at, 1, value) for at, value in second))
    )
    values = [changes[0][2], changes[1][2]]
    since = changes[0][0]
    for at, which, value in changes[2:]:
        # Where both change at one instant, what stands between never was.
        if at > since:
            yield at - since, values[0], values[1]
        since, values[which] = at, value
    yield end - since, values[0], values[1]
