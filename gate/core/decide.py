"""The decision: may this change go out at this instant?

`decide` is pure and total: for every request and every instant from 1970 to 2199 it answers. What
could not be read (a policy, a calendar, the store) is not its matter: `undecided` words that.
"""

from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime

import msgspec
from msgspec import UNSET

from gate.core.decision import (
    AppliedOverride,
    CalendarRef,
    Decision,
    Effect,
    LearntFactor,
    LoadNow,
    Override,
    Phase,
    PolicyRef,
    Reason,
    Request,
    Verdict,
)
from gate.core.demand import required_replicas, shortfall
from gate.core.instants import from_micros, micros
from gate.core.learnt import CultureFactor, in_force
from gate.core.observed import ObservedFacts
from gate.core.overrides import applicable
from gate.core.policy import ByInvoker, Policy
from gate.core.timeline import HORIZON, Timeline, View
from gate.core.wording import lead_reason, locked_reason
from gate.core.zones import TZDATA_VERSION


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What a decision rests on beside the timeline: where the calendar came from, and overrides.

    ``observed`` names what of the timeline's demand was observed, None where load is not.
    ``learnt`` are the factors that it goes by where the policy uses learnt ones, in order of time.
    """

    calendar: CalendarRef
    overrides: tuple[Override, ...] = ()
    observed: ObservedFacts | None = None
    learnt: tuple[CultureFactor, ...] = ()


def decide(
    timeline: Timeline,
    facts: Facts,
    request: Request,
    at: datetime,
    *,
    id: str = "",  # noqa: A002  (the contract's name)
    recorded: bool = False,
) -> Decision:
    """Decide one request at one instant; ``id`` and ``recorded`` are the door's, passed through."""
    policy = timeline.policy
    instant = micros(at)
    view = timeline.view_at(request, instant)
    phase = view.phase(instant)
    cells = timeline.cells(request)
    lead_denied = _denies(cells.lead, request)
    locked_denied = _denies(cells.locked, request)
    denied = (phase is Phase.LOCKED and locked_denied) or (phase is Phase.LEAD and lead_denied)
    override = (
        applicable(facts.overrides, policy.override, request, at)
        if denied and facts.overrides
        else None
    )
    locked_from = locked_until = None
    reasons: tuple[Reason, ...] = ()
    if phase is not Phase.OPEN and (locked := view.locked_around(instant)) is not None:
        reasons = _reasons(timeline, view, instant, phase, locked[0])
        locked_from, locked_until = (_near(edge, instant) for edge in locked)
    change = view.next_change(instant, lead_denied=lead_denied, locked_denied=locked_denied)
    return Decision(
        id=id,
        recorded=recorded,
        at=at,
        verdict=Verdict.DENY if denied else Verdict.ALLOW,
        effect=_effect(policy, denied, override),
        phase=phase,
        level=timeline.level(instant),
        request=request,
        reasons=reasons,
        locked_from=locked_from,
        locked_until=locked_until,
        next_change=None if change is None else _near(change, instant),
        load=_load(timeline, facts, instant),
        override=override,
        policy=PolicyRef(name=policy.name, sha256=policy.sha256),
        calendar=facts.calendar,
        tzdata=TZDATA_VERSION,
    )


def undecided(
    policy: Policy | None,
    refs: tuple[PolicyRef, CalendarRef],
    request: Request,
    at: datetime,
    reasons: Sequence[Reason],
    *,
    id: str = "",  # noqa: A002  (the contract's name)
    recorded: bool = False,
) -> Decision:
    """The answer where something could not be read; ``policy`` is None where it is that.

    A policy that cannot be read counts as enforcing and as blocking what is undecided.
    """
    lenient = policy is not None and (policy.mode == "warn" or policy.on_undecided == "allow")
    return Decision(
        id=id,
        recorded=recorded,
        at=at,
        verdict=Verdict.UNDECIDED,
        effect=Effect.WARN if lenient else Effect.BLOCK,
        phase=None,
        level=None,
        request=request,
        reasons=tuple(reasons),
        locked_from=None,
        locked_until=None,
        next_change=None,
        load=None,
        override=None,
        policy=refs[0],
        calendar=refs[1],
        tzdata=TZDATA_VERSION,
    )


def _denies(cell: ByInvoker, request: Request) -> bool:
    return (cell.human if request.invoker == "human" else cell.automation) == "deny"


def _effect(policy: Policy, denied: bool, override: AppliedOverride | None) -> Effect:
    if not denied or override is not None:
        return Effect.ALLOW
    return Effect.WARN if policy.mode == "warn" else Effect.BLOCK


def _near(instant: int, at: int) -> datetime | None:
    """An instant, unless it lies beyond the horizon of a decision at ``at``."""
    return from_micros(instant) if abs(instant - at) <= HORIZON else None


def _reasons(
    timeline: Timeline, view: View, instant: int, phase: Phase, locked_from: int
) -> tuple[Reason, ...]:
    """One reason a cause, worded once for as long as nothing about the causes changes."""
    at = instant if phase is Phase.LOCKED else locked_from
    key = (phase, bisect_right(view.cause_edges, at))
    reasons = view.reasons.get(key)
    if reasons is None:
        word = locked_reason if phase is Phase.LOCKED else lead_reason
        level, home = timeline.level(at), timeline.policy.timezone
        reasons = view.reasons[key] = tuple(
            word(cause, level, home) for cause in view.causes(at, at + 1)
        )
    return reasons


def _load(timeline: Timeline, facts: Facts, instant: int) -> LoadNow:
    demand, capacity = timeline.calendar.demand, timeline.policy.load.capacity
    step = demand.index(instant)
    needed = demand.needed[step]
    return LoadNow(
        demand=demand.units[step],
        needed=needed,
        required_replicas=required_replicas(needed, capacity),
        shortfall=shortfall(needed, capacity),
        weddings_today=demand.standing[step],
        observed=UNSET if facts.observed is None else facts.observed.at(instant),
        learnt=_learnt(timeline.policy, facts, instant) if facts.learnt else UNSET,
    )


def _learnt(policy: Policy, facts: Facts, instant: int) -> tuple[LearntFactor, ...]:
    factors = in_force(facts.learnt, policy, from_micros(instant))
    return tuple(
        LearntFactor(culture=name, factor=float(factor)) for name, factor in factors.items()
    )
