"""The plan in force, and the floor of one target that nobody may ask less than by hand."""

from collections.abc import Iterable
from datetime import datetime

import msgspec

from gate.cluster.scaling.values import Rungs, Target
from gate.cluster.scaling.wanting import rungs_of
from gate.core.decision import AppliedOverride, Level, Override, Request
from gate.core.instants import from_micros, micros
from gate.core.overrides import applicable
from gate.core.plan import AHEAD, HOLD, plan_at
from gate.core.policy import Action, Policy
from gate.core.problems import Problem
from gate.inputs import Compiled, read_inputs
from gate.service.scaling.inputs import read_stored
from gate.service.scaling.judging import Judged, judge
from gate.store import connect as store

_AHEAD, _HOLD = (from_micros(length) - from_micros(0) for length in (AHEAD, HOLD))


class InForce(msgspec.Struct, frozen=True, kw_only=True):
    """A floor in replicas, the plan's level (None: not known), and where the floor comes from."""

    min: int
    level: Level | None
    why: str


def floor_in_force(inputs: Compiled | None, target: Target | None, at: datetime) -> InForce | None:
    """The plan's rung for the target, else its own floor; None where neither is known.

    Without the target, at NORMAL, the policy's floor stands for the target's own.
    """
    if inputs is None:
        return None if target is None else _without_a_plan(target)
    level, capacity = level_at(inputs, at), inputs.policy.load.capacity
    why = f"the plan, level {level}"
    if level == Level.NORMAL:
        if target is not None:
            return InForce(min=target.own.min, level=level, why="the target's own")
        return InForce(min=capacity.floor, level=level, why=why)
    rungs = Rungs(capacity.floor, capacity.high, capacity.ceiling)
    if target is not None:
        rungs = rungs_of(target, capacity)
    rung = rungs.high if level == Level.HIGH else rungs.ceiling
    own = 0 if target is None else target.own.min
    return InForce(min=max(rung, own), level=level, why=why)


def _without_a_plan(target: Target) -> InForce:
    if target.raised is not None and target.raised.cause == "plan":
        return InForce(min=target.raised.min, level=None, why="what the plan raised it to")
    return InForce(min=target.own.min, level=None, why="the target's own")


class PlanFiles(msgspec.Struct, frozen=True, kw_only=True):
    """The files that tell the plan; what is not named comes from the database."""

    policy: str | None = None
    calendars: tuple[str, ...] = ()


Plan = PlanFiles | Compiled
"""Where the plan comes from: files, or what a server has compiled already."""


def plan_of(plan: Plan, where: store.Target | None, problems: list[Problem]) -> Compiled | None:
    """The plan in force as far as it is known; what is wrong with files joins `problems`.

    ``where`` None: no database is at hand.
    """
    if isinstance(plan, Compiled):
        return plan
    named = plan.policy is not None or bool(plan.calendars)
    if plan.policy is not None and plan.calendars:
        read = read_inputs(plan.policy, plan.calendars)
    elif where is not None:
        read = read_stored(where, plan.policy, plan.calendars)
    else:
        return None
    if isinstance(read, Compiled):
        return read
    if named:
        problems += read.problems
    return None


def files_of(plan: Plan, where: store.Target | None, problems: list[Problem]) -> Compiled | None:
    """The plan as far as files are named for it, or it is compiled; the rest is `later`'s.

    So what is wrong with a file is known before anything is done, and nobody waits for a large
    calendar to come from the database.
    """
    named = isinstance(plan, Compiled) or plan.policy is not None or bool(plan.calendars)
    return plan_of(plan, where, problems) if named else None


def later(
    known: Compiled | None, plan: Plan, where: store.Target | None, at: datetime
) -> Judged | None:
    """What the plan asks, read from the database now where `files_of` did not have it."""
    found = known or plan_of(plan, where, [])
    return None if found is None else judged_plan(found, at)


def judged_plan(inputs: Compiled, at: datetime) -> Judged:
    """What the plan asks at an instant, with its usual time ahead and afterwards."""
    return judge(inputs, at, ahead=_AHEAD, hold=_HOLD)


def level_at(inputs: Compiled, at: datetime) -> Level:
    """The plan's level at an instant."""
    demand = inputs.timeline.calendar.demand
    return plan_at(demand, inputs.policy.load.capacity, micros(at)).level


def allowing_override(
    overrides: Iterable[Override],
    policy: Policy,
    place: tuple[str, str],
    environment: str | None,
    at: datetime,
) -> AppliedOverride | None:
    """The override under which a person may ask for less than the floor in force, if any.

    It is one of ``scale-down`` whose scope names this target (namespace and name).
    """
    namespace, name = place
    request = Request(
        action=Action.SCALE_DOWN,
        invoker="human",
        environment=environment,
        namespace=namespace,
        service=name,
    )
    return applicable(overrides, policy.override, request, at)
