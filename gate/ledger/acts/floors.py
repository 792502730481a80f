"""Manual floors: a named person's larger floor of one target, until an instant.

Several may stand on a target; the largest counts, so nobody's floor ends because somebody else asks
for another. Each is an event of the table of scaling events, from before any cluster has seen it.
"""

import re
from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec
import psycopg
from psycopg.rows import class_row

from gate.cluster.scaling.values import MOST_REPLICAS, Kind
from gate.core.policy import Scope
from gate.core.problems import InputError, Problem
from gate.ledger.acts.entries import Act, check_act, instant, record_act
from gate.store.queries import query

MOST_ON_A_TARGET = 20
"""Open floors of one target: they stand in an annotation of it, which has to stay small."""
_NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_NAME = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(\.{_LABEL})*")

Status = Literal["waiting", "applied", "released", "expired"]


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """The floor that somebody asks for: ``NAMESPACE/NAME``, replicas, and until when.

    ``max`` None: the target's own, or `min` where that is more.
    """

    target: str
    min: int
    max: int | None
    until: datetime
    reason: str

    @property
    def parts(self) -> tuple[str, str]:
        """Namespace and name."""
        namespace, _, name = self.target.partition("/")
        return namespace, name


class Floor(msgspec.Struct, frozen=True, kw_only=True):
    """A manual floor as stored.

    ``kind``, ``to_max`` None: no cluster has been asked yet. ``asked_max`` None: as large as it
    must be.
    """

    id: UUID
    namespace: str
    name: str
    kind: Kind | None
    by_actor: str
    reason: str
    from_min: int | None
    from_max: int | None
    to_min: int
    to_max: int | None
    asked_max: int | None
    planned_at: datetime
    until: datetime
    applied_at: datetime | None
    restored_at: datetime | None
    released_at: datetime | None
    released_by: str | None
    release_reason: str | None
    allowed_by: UUID | None

    @property
    def target(self) -> str:
        """``NAMESPACE/NAME``."""
        return f"{self.namespace}/{self.name}"

    def status(self, at: datetime) -> Status:
        """What has become of it at an instant."""
        if self.released_at is not None:
            return "released"
        if self.until <= at:
            return "expired"
        return "waiting" if self.applied_at is None else "applied"


def check_floor(act: Act, asked: Asked) -> list[Problem]:
    """What is wrong with a floor whatever stands on the target, all of it."""
    problems = check_target(asked.target)
    problems += check_act(act, asked.reason, Scope())
    if not 1 <= asked.min <= MOST_REPLICAS:
        mend = f"1 to {MOST_REPLICAS} replicas"
        problems.append(Problem(field="min", message=f"{asked.min} is no floor", mend=mend))
    if asked.max is not None and asked.max < asked.min:
        problems.append(
            Problem(
                field="max",
                message=f"{asked.max} lies below min, {asked.min}",
                mend="leave it out, or give at least min",
            )
        )
    elif asked.max is not None and asked.max > MOST_REPLICAS:
        mend = f"at most {MOST_REPLICAS} replicas"
        problems.append(Problem(field="max", message=f"{asked.max} is too many", mend=mend))
    if asked.until <= act.now:
        mend = f"an instant after {instant(act.now)}"
        problems.append(Problem(field="until", message="lies in the past", mend=mend))
    return problems


def check_target(target: str) -> list[Problem]:
    """What is wrong with ``NAMESPACE/NAME``."""
    namespace, _, name = target.partition("/")
    if _NAMESPACE.fullmatch(namespace) and _NAME.fullmatch(name):
        return []
    return [
        Problem(
            field="target",
            message=f"{target!r} names no target",
            mend="write NAMESPACE/NAME of an autoscaler, such as shop/checkout",
        )
    ]


def set_floor(
    connection: psycopg.Connection,
    act: Act,
    identifier: UUID,
    asked: Asked,
    *,
    allowed_by: UUID | None = None,
) -> tuple[Floor, bool]:
    """Store a floor with its ledger row; and whether it is new.

    The same floor asked for again by the same person is the one that stands, so a command that was
    killed may be repeated. ``allowed_by`` is the override that let it lie below the floor in force.
    Raises `InputError`.
    """
    if problems := check_floor(act, asked):
        raise InputError(problems)
    namespace, name = asked.parts
    place = {"namespace": namespace, "name": name}
    with connection.transaction():
        # Two people, or one command twice, at the same time.
        connection.execute(query("hands", "lock_target"), place)
        standing = open_floors(connection, act.now, target=asked.target)
        for floor in standing:
            if _is(floor, asked, act.by):
                return floor, False
        if len(standing) >= MOST_ON_A_TARGET:
            raise InputError.of(
                f"{asked.target} has {len(standing)} manual floors already",
                field="target",
                mend="release some: gate scale release",
            )
        parameters: dict[str, object] = {
            **place,
            "id": identifier,
            "kind": None,
            "by": act.by,
            "reason": asked.reason,
            "from_min": None,
            "from_max": None,
            "to_min": asked.min,
            "to_max": asked.max,
            "at": act.now,
            "until": asked.until,
            "allowed_by": allowed_by,
        }
        floor = _one(connection, "insert_floor", parameters)
        details = {
            "target": asked.target,
            "min": asked.min,
            "max": asked.max,
            "until": instant(asked.until),
            "reason": asked.reason,
        }
        if allowed_by is not None:
            details["override"] = str(allowed_by)
        record_act(
            connection,
            act,
            kind="scaling",
            action="set",
            subject=str(identifier),
            details=details,
        )
    return floor, True


def _is(floor: Floor, asked: Asked, by: str) -> bool:
    return (floor.by_actor, floor.to_min, floor.asked_max, floor.until, floor.reason) == (
        by,
        asked.min,
        asked.max,
        asked.until,
        asked.reason,
    )


def release_floors(
    connection: psycopg.Connection, act: Act, target: str, *, reason: str = ""
) -> list[Floor]:
    """End every manual floor that stands on a target, each with its ledger row; which they were.

    None is no error: a release may be repeated. Raises `InputError` for a target that is none.
    """
    problems = check_target(target) + check_act(act, reason or "-", Scope())
    if problems:
        raise InputError(problems)
    namespace, name = target.split("/")
    released = []
    with connection.transaction():
        connection.execute(query("hands", "lock_target"), {"namespace": namespace, "name": name})
        for floor in open_floors(connection, act.now, target=target):
            parameters = {"id": floor.id, "at": act.now, "by": act.by, "reason": reason or None}
            released.append(_one(connection, "release_floor", parameters))
            record_act(
                connection,
                act,
                kind="scaling",
                action="release",
                subject=str(floor.id),
                details={"target": target, "set_by": floor.by_actor, "reason": reason or None},
            )
    return released


def open_floors(
    connection: psycopg.Connection, at: datetime, *, target: str | None = None
) -> list[Floor]:
    """The manual floors that stand at an instant, oldest first; of one target, or of all."""
    namespace, name = target.split("/") if target else (None, None)
    parameters = {"at": at, "namespace": namespace, "name": name}
    with connection.cursor(row_factory=class_row(Floor)) as cursor:
        return cursor.execute(query("hands", "open_floors"), parameters).fetchall()


def floors(connection: psycopg.Connection, *, limit: int = 100) -> list[Floor]:
    """The newest manual floors, ended ones too, newest first."""
    with connection.cursor(row_factory=class_row(Floor)) as cursor:
        return cursor.execute(query("hands", "floors"), {"limit": limit}).fetchall()


def _one(connection: psycopg.Connection, name: str, parameters: dict[str, object]) -> Floor:
    with connection.cursor(row_factory=class_row(Floor)) as cursor:
        row = cursor.execute(query("hands", name), parameters).fetchone()
    assert row is not None
    return row
