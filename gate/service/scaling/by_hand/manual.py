"""Manual floors as every door tells them."""

from datetime import datetime

import msgspec

from gate.cluster.scaling.values import Hold, Range
from gate.ledger.acts.floors import Floor


class Bounds(msgspec.Struct, frozen=True):
    """A floor and its ceiling, in replicas; ``max`` None: the target's own, not asked yet."""

    min: int
    max: int | None


class Event(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    rename={"before": "from", "after": "to"},
):
    """A manual floor as every door tells it.

    ``before`` None: no cluster has been asked. ``applied``: it stands on its target. ``recorded``
    False: the target alone knows of it. ``override`` let it lie below the floor in force; ``error``
    says why it is not applied though the cluster is there.
    """

    id: str
    target: str
    before: Range | None
    after: Bounds
    until: datetime
    reason: str
    by: str
    status: str
    applied: bool
    recorded: bool = True
    override: str | None = None
    error: str | None = None
    note: str | None = None


class Released(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a release ended: the floors, and whether the target is free of them (``applied``).

    ``min`` and ``max`` are where the target then stands, None where no cluster has been asked.
    """

    target: str
    released: tuple[Event, ...]
    applied: bool
    min: int | None
    max: int | None
    error: str | None = None
    note: str | None = None


def event_of(floor: Floor, at: datetime) -> Event:
    """A stored floor as every door tells it."""
    known = floor.from_min is not None and floor.from_max is not None
    return Event(
        id=str(floor.id),
        target=floor.target,
        before=Range(floor.from_min or 0, floor.from_max or 0) if known else None,
        after=Bounds(floor.to_min, floor.to_max),
        until=floor.until,
        reason=floor.reason,
        by=floor.by_actor,
        status=floor.status(at),
        applied=floor.applied_at is not None,
        override=None if floor.allowed_by is None else str(floor.allowed_by),
    )


def event_of_hold(target: str, hold: Hold) -> Event:
    """A floor of which the database does not know."""
    return Event(
        id=hold.id,
        target=target,
        before=None,
        after=Bounds(hold.min, hold.max),
        until=hold.until,
        reason=hold.reason,
        by=hold.by,
        status="applied",
        applied=False,
        recorded=False,
    )
