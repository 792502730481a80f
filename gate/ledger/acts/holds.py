"""What people hold capacity at, as the pre-scaler reads it, and what it says back.

A hold stands on its target too, in an annotation. Where both are at hand the database's word on an
id wins: what is `Holds.ended` is dropped from the target, what is `Holds.standing` is put there,
and an id that the database does not know (set while it was away) is left to its own end.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
import psycopg
from psycopg.rows import scalar_row

from gate.cluster.scaling.values import Hold, Kind
from gate.ledger.acts.emergencies import Emergency, active_emergency
from gate.ledger.acts.floors import Floor, open_floors
from gate.store.queries import query

_CLOCKS_APART = timedelta(hours=1)
"""A target may be read by a clock that is so far behind; an end is told for that much longer."""


class StandingHold(msgspec.Struct, frozen=True, kw_only=True):
    """A hold that stands, and on which target (namespace, name); None: on every labelled one."""

    target: tuple[str, str] | None
    hold: Hold

    def concerns(self, namespace: str, name: str) -> bool:
        """Whether it is about this target."""
        return self.target is None or self.target == (namespace, name)


class Holds(msgspec.Struct, frozen=True, kw_only=True):
    """All that the database says: which holds stand, and the ids of those that were ended early."""

    standing: tuple[StandingHold, ...] = ()
    ended: frozenset[str] = frozenset()

    def on(
        self, namespace: str, name: str, there: Iterable[Hold], at: datetime
    ) -> tuple[Hold, ...]:
        """The holds that a target should have at an instant, where `there` are those it has."""
        known = {
            each.hold.id: each.hold for each in self.standing if each.concerns(namespace, name)
        }
        kept = (hold for hold in there if hold.id not in known and hold.id not in self.ended)
        return tuple(hold for hold in (*known.values(), *kept) if hold.until > at)


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
        StandingHold(target=(floor.namespace, floor.name), hold=hold_of_floor(floor))
        for floor in floors
    ]
    if emergency is not None:
        standing.append(StandingHold(target=None, hold=hold_of(emergency)))
    return Holds(standing=tuple(standing), ended=frozenset(map(str, ended)))


def hold_of_floor(floor: Floor) -> Hold:
    """The hold that a manual floor puts on its target."""
    return Hold(
        id=str(floor.id),
        cause="manual",
        min=floor.to_min,
        max=floor.asked_max,
        until=floor.until,
        by=floor.by_actor,
        reason=floor.reason,
    )


def hold_of(emergency: Emergency) -> Hold:
    """The hold that an emergency puts on every target."""
    return Hold(
        id=str(emergency.id),
        cause="emergency",
        min=emergency.floor_replicas,
        until=emergency.until,
        by=emergency.by_actor,
        reason=emergency.reason,
    )


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
