"""Floor changes in ``infrastructure_scaling_events``: planned, applied, desired, ready, restored.

What a row is about stands on the target itself, in the annotation of what the gate set last. So a
row has an id that any process can tell from the target: what a killed one did not write, or what a
database missed that was away for longer than writes are kept, the next one writes, once.
"""

import uuid
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec

from gate.cluster.scaling.holds import read_holds
from gate.cluster.scaling.values import HELD, RAISED, Hold, Raised, Step, Target
from gate.cluster.scaling.wanting import in_force
from gate.service.outbox import Outbox, Write

_FILE = "scaling"
_SPACE = uuid.UUID("6f0ac7d6-5b0e-5c55-9a0b-0a4f3f1f6f4e")
_SETTLE_SECONDS = 1.0
"""How long a plan may take to be written before it is carried out: the database is asked first,
and not waited for."""


class ScalingRecorder:
    """Writes through an outbox; nothing here waits for the database for longer than a second."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox

    def planned(self, steps: Iterable[Step], at: datetime) -> None:
        """Before the patches: what is about to be done."""
        del at
        rows = [row for each in steps if (row := _row(each)) is not None]
        if rows:
            self._outbox.put(*(Write(_FILE, "floor_planned", row) for row in rows))
            self._outbox.settle(_SETTLE_SECONDS)

    def applied(self, step: Step, at: datetime) -> None:
        """After the patch."""
        row = _row(step)
        if row is None:
            return
        # Once more: a conflict may have led to other values, and the outbox may have been full.
        writes = [
            Write(_FILE, "floor_planned", row),
            Write(_FILE, "floor_applied", {"id": row["id"], "at": at}),
        ]
        if step.after.min <= step.before.min:
            # There is nothing to wait for.
            writes.append(Write(_FILE, "floor_ready", {"id": row["id"], "at": at}))
        if step.released:
            writes.append(_restored(step.target, at, [row["id"]]))
        self._outbox.put(*writes)

    def found(self, target: Target, at: datetime) -> None:
        """A target as it was found: what an earlier process did to it, and may not have told."""
        if target.original is None:
            self._outbox.put(_restored(target, at, []))
            return
        raised = target.raised
        if raised is None:
            return
        hold = _hold(target.holds, raised.cause, raised.at)
        row = {
            **_place(target),
            "id": _raise_id(target, raised, hold),
            "cause": raised.cause,
            "level": None,
            "by": None if hold is None else hold.by,
            "until": None if hold is None else hold.until,
            "reason": "found on the target" if hold is None else hold.reason,
            "from_min": None,
            "from_max": None,
            "to_min": raised.min,
            "to_max": max(raised.min, raised.max),
            "at": raised.at,
        }
        if raised.cause == "manual" and hold is None:
            return
        self._outbox.put(
            Write(_FILE, "floor_planned", row),
            Write(_FILE, "floor_applied", {"id": row["id"], "at": raised.at}),
        )

    def without(self, targets: Iterable[Target], namespace: str | None, at: datetime) -> None:
        """Wait for nothing any more on targets that are gone; ``targets`` are all there are."""
        values = {"targets": [str(each) for each in targets], "namespace": namespace, "at": at}
        self._outbox.put(Write(_FILE, "floors_without_target", values))

    def desired(self, event: str, at: datetime) -> None:
        """The autoscaler, or its workload, wants the floor."""
        self._outbox.put(Write(_FILE, "floor_desired", {"id": event, "at": at}))

    def ready(self, event: str, at: datetime) -> None:
        """As many replicas as the floor are Ready."""
        self._outbox.put(Write(_FILE, "floor_ready", {"id": event, "at": at}))


def event_of(target: Target) -> str | None:
    """The id of the row about what stands on a target now; None where the gate raised nothing."""
    if target.original is None or target.raised is None:
        return None
    hold = _hold(target.holds, target.raised.cause, target.raised.at)
    return _raise_id(target, target.raised, hold)


def _row(step: Step) -> dict[str, Any] | None:
    """The row of a step; None where it moves nothing."""
    if step.patch is None or not step.changed:
        return None
    target, notes = step.target, step.patch["metadata"].get("annotations") or {}
    holds = read_holds(notes[HELD]) if notes.get(HELD) else target.holds
    hold = _hold(holds, step.cause, step.at)
    if notes.get(RAISED):
        raised = msgspec.json.decode(notes[RAISED], type=Raised)
        name, planned_at = _raise_id(target, raised, hold), raised.at
    else:
        name, planned_at = _release_id(target), step.at
    return {
        **_place(target),
        "id": name,
        "cause": "plan" if step.cause == "manual" and hold is None else step.cause,
        "level": step.level,
        "by": None if hold is None else hold.by,
        "until": None if hold is None else hold.until,
        "reason": step.reason,
        "from_min": step.before.min,
        "from_max": max(step.before.min, step.before.max),
        "to_min": step.after.min,
        "to_max": step.after.max,
        "at": planned_at,
    }


def _place(target: Target) -> dict[str, Any]:
    return {"namespace": target.namespace, "name": target.name, "kind": target.kind}


def _restored(target: Target, at: datetime, kept: list[str]) -> Write:
    place = {"namespace": target.namespace, "name": target.name}
    return Write(_FILE, "floors_restored", {**place, "at": at, "kept": kept})


def _hold(holds: Iterable[Hold], cause: str, at: datetime) -> Hold | None:
    """The hold that asks most, where a hold is the cause."""
    asking = [hold for hold in in_force(holds, at) if hold.cause == cause]
    return max(asking, key=lambda hold: hold.min, default=None)


def _raise_id(target: Target, raised: Raised, hold: Hold | None) -> str:
    """A manual floor has its row from the moment in which a person asked for it."""
    if raised.cause == "manual" and hold is not None:
        try:
            return str(uuid.UUID(hold.id))
        except ValueError:
            return str(uuid.uuid5(_SPACE, f"{target.uid}/{hold.id}"))
    return str(uuid.uuid5(_SPACE, f"{target.uid}/raise/{raised.at.isoformat()}"))


def _release_id(target: Target) -> str:
    since = "" if target.raised is None else target.raised.at.isoformat()
    return str(uuid.uuid5(_SPACE, f"{target.uid}/release/{since}"))
