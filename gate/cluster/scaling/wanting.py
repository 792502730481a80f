"""Which floor a target should have: the largest that the plan, the holds and the fallback ask."""

from collections.abc import Iterable
from datetime import datetime

from gate.cluster.scaling.values import Hold, Rungs, Target, Wish
from gate.core.decision import Level
from gate.core.policy import Capacity

DEFAULT_FALLBACK = 20
"""The fallback floor in replicas where no policy can be read."""


def wanted(
    target: Target,
    level: Level | None,
    capacity: Capacity | None,
    *,
    at: datetime,
    holds: tuple[Hold, ...] | None = None,
    fallback: bool = False,
    never_lower: bool = False,
    reason: str = "",
) -> Wish:
    """What a target should have at an instant.

    ``level`` is the plan's, None where it is not known. ``holds`` are those that should stand on
    the target (None: those that do); those over at ``at`` ask for nothing. With ``fallback``, the
    floor is at least the fallback's and what stands is not lowered, which ``never_lower`` says
    alone. Of equals, the earlier of plan, fallback, manual, emergency is the cause.
    """
    wishes = [_planned(target, level, capacity, reason)]
    if fallback or level is None:
        floor = capacity.fallback if capacity is not None else DEFAULT_FALLBACK
        why = reason or "the plan is not known"
        wishes.append(Wish(cause="fallback", level=level, min=floor, reason=why, never_lower=True))
    standing = target.holds if holds is None else holds
    wishes += [_held(hold, level) for hold in in_force(standing, at)]
    most = max(wishes, key=lambda wish: wish.min)
    ceilings = [wish.max for wish in wishes if wish.max is not None]
    return Wish(
        cause=most.cause,
        level=level,
        min=most.min,
        max=max(ceilings, default=None),
        reason=most.reason,
        never_lower=never_lower or any(wish.never_lower for wish in wishes),
        holds=holds,
    )


def in_force(holds: Iterable[Hold], at: datetime) -> tuple[Hold, ...]:
    """The holds that have not ended at an instant."""
    return tuple(hold for hold in holds if hold.until > at)


def rungs_of(target: Target, capacity: Capacity) -> Rungs:
    """The target's own rungs, else the policy's."""
    return target.rungs or Rungs(capacity.floor, capacity.high, capacity.ceiling)


def _planned(target: Target, level: Level | None, capacity: Capacity | None, reason: str) -> Wish:
    """NORMAL asks for nothing: then a target has its own values, also below the policy's floor."""
    asked = 0
    if capacity is not None and level is not None and level != Level.NORMAL:
        rungs = rungs_of(target, capacity)
        asked = rungs.high if level == Level.HIGH else rungs.ceiling
    return Wish(cause="plan", level=level, min=asked, reason=reason)


def _held(hold: Hold, level: Level | None) -> Wish:
    return Wish(cause=hold.cause, level=level, min=hold.min, max=hold.max, reason=hold.reason)
