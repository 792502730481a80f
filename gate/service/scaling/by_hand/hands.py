"""Floors by hand, for whichever door: stored, and put on the target where a cluster is at hand.

The database comes first: what is stored there is applied by the pre-scaler even if nothing else
happens any more. Without it the hold stands on the target alone, until its end.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec
import psycopg

from gate.cluster.scaling.values import Hold, Step, Target
from gate.cluster.scaling.wanting import in_force
from gate.core.decision import Override
from gate.core.policy import Scope
from gate.core.problems import InputError, Problem
from gate.inputs import Compiled
from gate.ledger.acts.entries import Act, check_act, load_locks
from gate.ledger.acts.floors import (
    Asked,
    check_floor,
    check_target,
    floors,
    open_floors,
    release_floors,
    set_floor,
)
from gate.ledger.acts.holds import (
    Holds,
    StandingHold,
    floor_applied,
    floor_restored,
    hold_of_floor,
    open_holds,
)
from gate.service.clock import utc_now
from gate.service.scaling.by_hand.at_hand import Clock, Hands, HoldsOf, without_the_plan
from gate.service.scaling.by_hand.in_force import (
    Plan,
    PlanFiles,
    allowing_override,
    files_of,
    floor_in_force,
    later,
    plan_of,
)
from gate.service.scaling.by_hand.manual import Bounds, Event, Released, event_of, event_of_hold

if TYPE_CHECKING:
    from gate.service.scaling.run import Run


def set_by_hand(
    hands: Hands,
    act: Act,
    identifier: UUID,
    asked: Asked,
    *,
    plan: Plan = PlanFiles(),  # noqa: B008 - frozen
    environment: str | None = None,
    clock: Clock = utc_now,
) -> Event:
    """Hold a target at a larger floor until an instant.

    Raises `InputError` with all that is wrong, a floor below the one in force included (unless an
    override of ``scale-down`` for it is valid), and `StoreUnavailable` where neither the database
    nor a cluster can be reached. ``hands`` say what was left undone.
    """
    problems = check_floor(act, asked)
    stored = hands.with_store(load_locks)
    inputs = plan_of(plan, hands.ask_store(), problems)
    if not problems:
        hands.need_one()
    target = _target(hands, asked.target, problems)
    overrides = stored[1] if stored is not None else ()
    allowed = _allowed(inputs, target, asked, overrides, environment, act.now, problems)
    if problems:
        raise InputError(problems)
    made = hands.with_store(
        lambda connection: set_floor(connection, act, identifier, asked, allowed_by=allowed)
    )
    hands.need_one()
    floor = None if made is None else made[0]
    hold = _again(target, asked, act, identifier) if floor is None else hold_of_floor(floor)
    event = event_of_hold(asked.target, hold) if floor is None else event_of(floor, act.now)
    if inputs is None and target is None:
        event = msgspec.structs.replace(event, note="the floor in force is not known here")
    if not hands.has_cluster:
        return event
    new = StandingHold(target=asked.parts, hold=hold)
    holds_of = _with(hands, new, act.now)
    run = hands.run(without_the_plan(act.now), holds_of, clock, asked.parts)
    return event if run is None else _applied(hands, event, run, clock())


def release_by_hand(
    hands: Hands,
    act: Act,
    target: str,
    *,
    reason: str = "",
    plan: Plan = PlanFiles(),  # noqa: B008 - frozen
    clock: Clock = utc_now,
) -> Released:
    """End every manual floor of a target: it is back at the plan, or at its own values.

    Where the plan is not known here, the target is not lowered: the pre-scaler does that. None to
    end is no error. Raises as `set_by_hand` does; an unknown target is an error only where nothing
    was released.
    """
    problems = check_target(target) + check_act(act, reason or "-", Scope())
    inputs = files_of(plan, hands.ask_store(), problems)
    if problems:
        raise InputError(problems)
    ended = hands.with_store(lambda c: release_floors(c, act, target, reason=reason))
    hands.need_one()
    events = tuple(event_of(floor, act.now) for floor in ended or ())
    done = Released(target=target, released=events, applied=False, min=None, max=None)
    if not hands.has_cluster:
        return done
    planned = later(inputs, plan, hands.ask_store(), act.now)
    judged = planned or without_the_plan(act.now)
    run = hands.run(judged, _without_manual(hands, act.now), clock, _place(target))
    if run is None:
        return done
    return _freed(hands, done, run, clock(), plan_known=planned is not None)


def held_by_hand(hands: Hands, at: datetime, *, everything: bool = False) -> list[Event]:
    """The manual floors that stand (`everything`: the newest that have ended, too), newest first.

    With a cluster at hand also those of which only their targets know.
    """
    stored = hands.with_store(
        lambda connection: floors(connection) if everything else open_floors(connection, at)[::-1]
    )
    hands.need_one()
    events = [event_of(floor, at) for floor in stored or ()]
    known = {event.id for event in events}
    for target in hands.targets() or ():
        events += [
            msgspec.structs.replace(
                event_of_hold(str(target), hold), before=target.own, applied=True
            )
            for hold in in_force(target.holds, at)
            if hold.cause == "manual" and hold.id not in known
        ]
    return events


def _place(target: str) -> tuple[str, str]:
    namespace, _, name = target.partition("/")
    return namespace, name


def _target(hands: Hands, name: str, problems: list[Problem]) -> Target | None:
    """The target as it stands, None where no cluster tells; one that is not there is a problem."""
    if check_target(name):
        return None
    found = hands.targets(*_place(name))
    if found:
        return found[0]
    if found is not None and (problem := hands.missing(*_place(name))) is not None:
        problems.append(problem)
    return None


def _allowed(
    inputs: Compiled | None,
    target: Target | None,
    asked: Asked,
    overrides: Iterable[Override],
    environment: str | None,
    at: datetime,
    problems: list[Problem],
) -> UUID | None:
    """The override that allows a floor below the one in force; without one, that is a problem."""
    floor = floor_in_force(inputs, target, at)
    if floor is None or asked.min >= floor.min:
        return None
    if inputs is not None:
        found = allowing_override(overrides, inputs.policy, asked.parts, environment, at)
        if found is not None:
            return UUID(found.id)
    problems.append(
        Problem(
            field="min",
            message=f"{asked.min} lies below the floor in force, {floor.min} ({floor.why})",
            mend=f"give at least {floor.min}, or have an override of scale-down for it",
        )
    )
    return None


def _again(target: Target | None, asked: Asked, act: Act, identifier: UUID) -> Hold:
    """The hold to put on the target: the one that stands there already, in the same words."""
    hold = Hold(
        id=str(identifier),
        cause="manual",
        min=asked.min,
        max=asked.max,
        until=asked.until,
        by=act.by,
        reason=asked.reason,
    )
    for there in target.holds if target is not None else ():
        if msgspec.structs.replace(hold, id=there.id) == there:
            return there
    return hold


def _with(hands: Hands, new: StandingHold, at: datetime) -> HoldsOf:
    stored = hands.with_store(lambda connection: open_holds(connection, at))
    holds = stored if stored is not None else Holds(standing=(new,))
    return lambda target: holds.on(target.namespace, target.name, target.holds, at)


def _without_manual(hands: Hands, at: datetime) -> HoldsOf:
    """Without the manual floors that stood when the target was first read.

    Where somebody sets another one meanwhile, the target is read and judged once more; that stays.
    """
    stored = hands.with_store(lambda connection: open_holds(connection, at)) or Holds()
    first: dict[tuple[str, str, str], frozenset[str]] = {}

    def holds_of(target: Target) -> tuple[Hold, ...]:
        manual = (hold.id for hold in target.holds if hold.cause == "manual")
        ended = first.setdefault(target.key, frozenset(manual))
        there = (hold for hold in target.holds if hold.id not in ended)
        return stored.on(target.namespace, target.name, there, at)

    return holds_of


def _applied(hands: Hands, event: Event, run: "Run", at: datetime) -> Event:
    """The event after the run, and the note of it in the database."""
    step = _chief(run.steps)
    if step is None:
        return msgspec.structs.replace(event, error="; ".join(run.troubles) or "it is gone")
    if step.error is not None:
        return msgspec.structs.replace(event, error=step.error, note=step.note)
    if event.recorded:
        hands.with_store(
            lambda connection: floor_applied(
                connection,
                at,
                event.id,
                kind=step.target.kind,
                before=(step.before.min, step.before.max),
                maximum=step.after.max,
            )
        )
    return msgspec.structs.replace(
        event,
        before=event.before or step.before,
        after=Bounds(event.after.min, event.after.max or step.after.max),
        status="applied",
        applied=True,
        note=_remark(step),
    )


def _freed(hands: Hands, done: Released, run: "Run", at: datetime, *, plan_known: bool) -> Released:
    step = _chief(run.steps)
    if step is None:
        if run.troubles:
            return msgspec.structs.replace(done, error="; ".join(run.troubles))
        problem = None if done.released else hands.missing(*_place(done.target))
        if problem is not None:
            raise InputError(problem)
        return msgspec.structs.replace(done, note="the cluster has no such target")
    if step.error is not None:
        return msgspec.structs.replace(done, error=step.error, note=step.note)
    gone = [hold for hold in step.target.holds if hold.cause == "manual"]
    if gone:
        hands.with_store(lambda connection: _note_restored(connection, gone, at))
    known = {event.id for event in done.released}
    unknown = (event_of_hold(done.target, hold) for hold in gone if hold.id not in known)
    also = (msgspec.structs.replace(event, status="released") for event in unknown)
    note = _remark(step)
    if not plan_known and step.target.original is not None and not step.released:
        note = "; ".join(filter(None, (note, "lowered by the next pre-scaling: no plan is known")))
    return msgspec.structs.replace(
        done,
        released=(*done.released, *also),
        applied=True,
        min=step.after.min,
        max=step.after.max,
        note=note,
    )


def _note_restored(connection: psycopg.Connection, holds: Sequence[Hold], at: datetime) -> None:
    for hold in holds:
        floor_restored(connection, at, hold.id)


def _chief(steps: Sequence[Step]) -> Step | None:
    """The step that tells of the target: one with an error, where an HPA and a ScaledObject share
    the name."""
    return min(steps, key=lambda step: step.error is None, default=None)


def _remark(step: Step) -> str | None:
    kept = None if step.kept is None else f"kept: {step.kept}"
    return "; ".join(filter(None, (kept, step.note))) or None
