"""The emergency, for whichever door: floors up, deploys locked, people told; and all of it undone.

Nothing here waits for what is not needed: floors go up by the emergency alone, whatever the plan
and its calendar say, and also where the database is away. What could not be done is told, and is
made up for when the same is asked again.
"""

import time
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Literal

import msgspec
import psycopg
from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from gate.cluster.scaling.values import Hold, Target
from gate.cluster.scaling.wanting import in_force
from gate.core.decision import Level
from gate.core.document import read_policy
from gate.core.policy import Policy, Scope
from gate.core.problems import InputError
from gate.ledger.acts.emergencies import (
    DEFAULT_LENGTH,
    Change,
    Emergency,
    Ids,
    activate_emergency,
    active_emergency,
    check_emergency,
    deactivate_emergency,
    lock_of,
    stands_longer,
)
from gate.ledger.acts.entries import Act, check_act
from gate.ledger.acts.holds import Holds, hold_of, open_holds
from gate.ledger.acts.policies import active_policy
from gate.service.clock import utc_now
from gate.service.scaling.by_hand.at_hand import Clock, Hands, HoldsOf, without_the_plan
from gate.service.scaling.by_hand.in_force import Plan, PlanFiles, files_of, later

if TYPE_CHECKING:
    from gate.service.scaling.run import Run

_LOCKS_FOLLOW_SECONDS = (1.0, 2.0)
"""A lock's end reaches every door within a second; then what it forbade is tried again."""
DEFAULT_FLOOR = 100
"""The floor in replicas where no policy can be read: that of a policy which names none."""


class Reached(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The targets of a cluster: how many carry the label, how many stand as they should now, and
    of each other why it does not. ``waiting`` for the pre-scaler to lower them are so many."""

    labelled: int
    done: int
    waiting: int = 0
    failed: tuple[str, ...] = ()


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """An emergency as every door tells it; where there is none, ``active`` alone is told.

    ``lock_id`` None: the database was away, so there is no lock, and ``recorded`` is False.
    ``locked``: whether its lock holds. ``targets`` is missing where no cluster was asked.
    """

    active: bool
    id: str | UnsetType = UNSET
    lock_id: str | UnsetType | None = UNSET
    until: datetime | UnsetType = UNSET
    change: Change | Literal["deactivated"] | UnsetType = UNSET
    by: str | UnsetType = UNSET
    reason: str | UnsetType = UNSET
    floor: int | UnsetType = UNSET
    level: Level | UnsetType = UNSET
    locked: bool | UnsetType = UNSET
    recorded: bool | UnsetType = UNSET
    targets: Reached | UnsetType = UNSET


def activate(
    hands: Hands,
    act: Act,
    ids: Ids,
    *,
    reason: str,
    until: datetime | None = None,
    level: Level = Level.MAXIMUM,
    policy: Policy | None = None,
    clock: Clock = utc_now,
) -> Told:
    """Begin an emergency, extend the one that is active, or see that it stands.

    ``policy`` says how high floors go; None: the database's does. Raises `InputError`, and
    `StoreUnavailable` where neither a database nor a cluster can be reached; ``hands`` say what was
    left undone.
    """
    if problems := check_emergency(act, reason, until):
        raise InputError(problems)

    def store(connection: psycopg.Connection) -> tuple[Emergency, Change, bool]:
        floor = _floor(policy or _stored_policy(connection))
        emergency, change = activate_emergency(
            connection, act, ids, reason=reason, until=until, floor=floor, level=level
        )
        return emergency, change, lock_of(connection, emergency).in_force(act.now)

    stored = hands.with_store(store)
    hands.need_one()
    if stored is not None:
        told, hold = _told(*stored), hold_of(stored[0])
    else:
        standing = next(iter(_held(hands, act.now)), None)
        hands.need_one()
        hold, change = _unrecorded(standing, act, ids, reason, until, _floor(policy))
        told = replace(_told_of(hold), change=change)
    run = hands.run(without_the_plan(act.now), _holds_of(hands, hold, act.now), clock)
    if stored is None:
        hands.need_one()
    return replace(told, targets=_reached(run))


def deactivate(
    hands: Hands,
    act: Act,
    *,
    reason: str = "",
    plan: Plan = PlanFiles(),  # noqa: B008 - frozen
    clock: Clock = utc_now,
    wait: Callable[[float], object] = time.sleep,
) -> Told:
    """End what the emergency began: its lock, and its hold on every target.

    Targets go back to the plan, to what other holds ask, or to their own values; where the plan is
    not known here they are not lowered, which the pre-scaler then does. None being active is no
    error. Raises as `activate` does.
    """
    problems = check_act(act, reason or "-", Scope())
    inputs = files_of(plan, hands.ask_store(), problems)
    if problems:
        raise InputError(problems)
    ended = hands.with_store(lambda c: (deactivate_emergency(c, act, reason=reason),))
    hands.need_one()
    held = _held(hands, act.now)
    if ended is None:
        hands.need_one()
    emergency = None if ended is None else ended[0]
    if emergency is None and not held:
        return Told(active=False)
    run = planned = None
    if held:
        planned = later(inputs, plan, hands.ask_store(), act.now)
        judged = planned or without_the_plan(act.now)
        run = hands.run(judged, _holds_of(hands, None, act.now), clock)
        for seconds in _LOCKS_FOLLOW_SECONDS if emergency is not None else ():
            if run is None or run.as_planned:
                break
            # The webhook may have refused what the lock that has just ended forbade.
            wait(seconds)
            run = hands.run(judged, _holds_of(hands, None, act.now), clock)
    told = _told_of(held[0]) if emergency is None else _told(emergency, UNSET, locked=False)
    told = replace(told, active=False, change="deactivated", recorded=ended is not None)
    return replace(told, targets=_reached(run, lowered=planned is not None))


def status(hands: Hands, at: datetime) -> Told:
    """Whether an emergency stands, as the database has it, else as the targets tell.

    Raises `StoreUnavailable` as `activate` does.
    """

    def read(connection: psycopg.Connection) -> tuple[Emergency, bool] | None:
        found = active_emergency(connection, at)
        return None if found is None else (found, lock_of(connection, found).in_force(at))

    stored = hands.with_store(read)
    hands.need_one()
    targets = hands.targets()
    if stored is None and targets is None:
        hands.need_one()
    held = [hold for target in targets or () for hold in _emergencies(target, at)]
    if stored is not None:
        told = _told(stored[0], UNSET, locked=stored[1])
    else:
        told = _told_of(held[0]) if held else Told(active=False)
    if targets is None:
        return told
    return replace(told, targets=Reached(labelled=len(targets), done=len(held)))


def _stored_policy(connection: psycopg.Connection) -> Policy | None:
    stored = active_policy(connection)
    try:
        return None if stored is None else read_policy(stored.document, "the database's policy")
    except InputError:
        # Of a later release, perhaps: no reason to leave the floors where they are.
        return None


def _floor(policy: Policy | None) -> int:
    return DEFAULT_FLOOR if policy is None else policy.load.capacity.emergency


def _unrecorded(
    standing: Hold | None,
    act: Act,
    ids: Ids,
    reason: str,
    until: datetime | None,
    floor: int,
) -> tuple[Hold, Change]:
    """The hold without a database: the one that stands on targets already, or a new one."""
    if standing is None:
        end = act.now + DEFAULT_LENGTH if until is None else until
        new = Hold(
            id=str(ids.emergency),
            cause="emergency",
            min=floor,
            until=end,
            by=act.by,
            reason=reason,
        )
        return new, "activated"
    if until is None or until == standing.until:
        return standing, "unchanged"
    if until < standing.until:
        raise stands_longer(standing.until)
    return replace(standing, until=until), "extended"


def _holds_of(hands: Hands, hold: Hold | None, at: datetime) -> HoldsOf:
    """What a target should have, its emergency being this one, or none."""
    holds = hands.with_store(lambda connection: open_holds(connection, at)) or Holds()
    ours = () if hold is None else (hold,)

    def holds_of(target: Target) -> tuple[Hold, ...]:
        there = (each for each in target.holds if each.cause != "emergency")
        return holds.on(target.namespace, target.name, (*there, *ours), at)

    return holds_of


def _held(hands: Hands, at: datetime) -> list[Hold]:
    """The emergency's holds on targets, the one that ends last first."""
    held = [hold for target in hands.targets() or () for hold in _emergencies(target, at)]
    return sorted(held, key=lambda hold: hold.until, reverse=True)


def _emergencies(target: Target, at: datetime) -> list[Hold]:
    return [hold for hold in in_force(target.holds, at) if hold.cause == "emergency"]


def _reached(run: "Run | None", *, lowered: bool = True) -> Reached | UnsetType:
    if run is None:
        return UNSET
    raised = [step for step in run.steps if step.target.original is not None and not step.released]
    failed = [f"{step.target}: {step.error}" for step in run.steps if step.error is not None]
    return Reached(
        labelled=len(run.steps),
        done=len(run.steps) - len(failed),
        waiting=0 if lowered else len(raised),
        failed=(*failed, *run.troubles),
    )


def _told(emergency: Emergency, change: Change | UnsetType, locked: bool) -> Told:
    return Told(
        active=True,
        id=str(emergency.id),
        lock_id=str(emergency.lock_id),
        until=emergency.until,
        change=change,
        by=emergency.by_actor,
        reason=emergency.reason,
        floor=emergency.floor_replicas,
        level=emergency.level,
        locked=locked,
        recorded=True,
    )


def _told_of(hold: Hold) -> Told:
    """An emergency of which only targets know."""
    return Told(
        active=True,
        id=hold.id,
        lock_id=None,
        until=hold.until,
        by=hold.by,
        reason=hold.reason,
        floor=hold.min,
        locked=False,
        recorded=False,
    )
