"""What a run goes by: the plan's level around an instant, else the fallback."""

from datetime import datetime, timedelta

import msgspec

from gate.cluster.scaling.values import Hold, Target, Wish
from gate.cluster.scaling.wanting import wanted
from gate.core.decision import Level
from gate.core.instants import duration_micros, micros
from gate.core.plan import plan_at
from gate.core.policy import Capacity, LevelName
from gate.inputs import Compiled, Unreadable


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """The plan at an instant; ``level`` None where it is not known, ``capacity`` None likewise.

    ``fallback``: floors are at least the fallback's, and nothing is lowered; ``never_lower``: only
    the latter. ``shortfall`` is how many replicas the ceiling lacks. ``cache``: the policy's cache
    settings, by level.
    """

    at: datetime
    level: Level | None
    capacity: Capacity | None
    reason: str
    fallback: bool = False
    never_lower: bool = False
    shortfall: int = 0
    cache: dict[LevelName, dict[str, str]] = {}

    def wish(self, target: Target, holds: tuple[Hold, ...] | None = None) -> Wish:
        """What a target should have; ``holds`` as they should stand on it, None: as they do."""
        return wanted(
            target,
            self.level,
            self.capacity,
            at=self.at,
            holds=holds,
            fallback=self.fallback,
            never_lower=self.never_lower,
            reason=self.reason,
        )


def judge(
    inputs: Compiled | Unreadable, at: datetime, *, ahead: timedelta, hold: timedelta
) -> Judged:
    """The plan at ``at``, of what could be read; else the fallback, by the policy if that could.

    Where the policy observes load and its source has failed, both; while it has told nothing yet,
    what stands may rest on what was seen before this process began.
    """
    if isinstance(inputs, Unreadable):
        capacity = None if inputs.policy is None else inputs.policy.load.capacity
        reason = str(inputs.reasons[0].message)
        return Judged(at=at, level=None, capacity=capacity, reason=reason, fallback=True)
    capacity = inputs.policy.load.capacity
    plan = plan_at(
        inputs.timeline.calendar.demand,
        capacity,
        micros(at),
        ahead=duration_micros(ahead),
        hold=duration_micros(hold),
        observed=inputs.facts.observed,
    )
    observed = inputs.facts.observed
    failed = observed is not None and observed.failed
    return Judged(
        at=at,
        level=plan.level,
        capacity=capacity,
        reason=f"{plan.reason}; observed load has failed" if failed else plan.reason,
        fallback=failed,
        never_lower=observed is not None and observed.state == "missing",
        shortfall=plan.shortfall,
        cache=inputs.policy.load.cache,
    )
