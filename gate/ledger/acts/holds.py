"""What people hold capacity at, as the pre-scaler reads it, and what it says back.

A hold stands on its target too, in an annotation. Where both are at hand the database's word on an
id wins: what is `Holds.ended` is dropped from the target, what is `Holds.standing` is put there,
and an id that the database does not know (set while it was away) is left to its own end.
"""

from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

import msgspec
import psycopg
from psycopg.rows import scalar_row

from gate.ledger.acts.emergencies import active_emergency
from gate.ledger.acts.floors import Kind, open_floors
from gate.store.queries import query

_CLOCKS_APART = timedelta(hours=1)
"""A target may be read by a clock that is so far behind; an end is told for that much longer."""


class StandingHold(msgspec.Struct, frozen=True, kw_only=True):
    """A floor that stands by somebody's word. ``target`` None: every labelled target.

    ``max`` None: the target's own, or `min` where that is more.
    """

    id: str
    cause: Literal["manual", "emergency"]
    target: tuple[str, str] | None
    min: int
    max: int | None
    until: datetime
    by: str
    reason: str

    def concerns(self, namespace: str, name: str) -> bool:
        """Whether it is about this target."""
        return self.target is None or self.target == (namespace, name)


class Holds(msgspec.Struct, frozen=True, kw_only=True):
    """All that the database says: which holds stand, and the ids of those that were ended early."""

    standing: tuple[StandingHold, ...] = ()
    ended: frozenset[str] = frozenset()


def open_holds(connection: psycopg.Connection, at: datetime) -> Holds:
    """What stands at an instant, as of one moment of the database. Raises psycopg's errors."""
    earlier = {"at": at - _CLOCKS_APART}
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        floors = open_floors(connection, at)
        emergency = active_emergency(connection, at)
        with connection.cursor(row_factory=scalar_row) as cursor:
            ended: list[UUID] = cursor.execute(
                query("hands", "released_floors"), earlier
            ).fetchall()
            ended += cursor.execute(query("hands", "ended_emergencies"), earlier).fetchall()
    standing = [
        StandingHold(
            id=str(floor.id),
            cause="manual",
            target=(floor.namespace, floor.name),
            min=floor.to_min,
            max=floor.to_max,
            until=floor.until,
            by=floor.by_actor,
            reason=floor.reason,
        )
        for floor in floors
    ]
    if emergency is not None:
        standing.append(
            StandingHold(
                id=str(emergency.id),
                cause="emergency",
                target=None,
                min=emergency.floor_replicas,
                max=None,
                until=emergency.until,
                by=emergency.by_actor,
                reason=emergency.reason,
            )
        )
    return Holds(standing=tuple(standing), ended=frozenset(map(str, ended)))


def floor_applied(
    connection: psycopg.Connection,
    at: datetime,
    identifier: str,
    *,
    kind: Kind,
    before: tuple[int, int],
    maximum: int,
) -> None:
    """Note that a manual floor stands on its target since `at`; the first time counts.

    ``before`` is the target's range (min, max) until then, ``maximum`` its maximum since. An id
    that is no manual floor of this database is passed over.
    """
    from_min, from_max = before
    connection.execute(
        query("hands", "floor_applied"),
        {
            "id": identifier,
            "at": at,
            "kind": kind,
            "from_min": from_min,
            "from_max": from_max,
            "to_max": maximum,
        },
    )


def floor_restored(connection: psycopg.Connection, at: datetime, identifier: str) -> None:
    """Note that a manual floor which has ended is off its target since `at`; likewise."""
    connection.execute(query("hands", "floor_restored"), {"id": identifier, "at": at})
