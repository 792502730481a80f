"""The emergency: every target at its emergency floor, deploys locked, people told; by one word.

There is at most one at a time. It is stored in one transaction with its lock, its ledger rows and
its notices: what has begun has begun whole. It runs out by itself, its lock with it.
"""

from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

import msgspec
import psycopg
from psycopg.rows import class_row

from gate.core.decision import Level
from gate.core.policy import Scope
from gate.core.problems import InputError, Problem
from gate.ledger.acts.entries import Act, Entry, check_act, instant, record_act
from gate.ledger.acts.locks import extend_lock, release_lock, set_lock
from gate.store.queries import query

DEFAULT_LENGTH = timedelta(hours=4)
"""How long an emergency lasts where nobody says: a shift's length. An end that is forgotten must
come by itself, and not while the guests are still there."""
ESCALATE_AFTER = timedelta(minutes=1)
"""When the alert goes to the next step, unless somebody has acknowledged it."""

Change = Literal["activated", "extended", "unchanged"]


class Emergency(msgspec.Struct, frozen=True, kw_only=True):
    """An emergency as stored; it is active until the earlier of ``until`` and ``ended_at``."""

    id: UUID
    lock_id: UUID
    by_actor: str
    reason: str
    level: Level
    floor_replicas: int
    activated_at: datetime
    until: datetime
    ended_at: datetime | None
    ended_by: str | None
    end_reason: str | None


class Ids(msgspec.Struct, frozen=True, kw_only=True):
    """The ids that a new emergency and its lock are to have."""

    emergency: UUID
    lock: UUID


def activate_emergency(
    connection: psycopg.Connection,
    act: Act,
    ids: Ids,
    *,
    reason: str,
    until: datetime | None,
    floor: int,
    level: Level = Level.MAXIMUM,
) -> tuple[Emergency, Change]:
    """Begin an emergency until an instant (None: `DEFAULT_LENGTH` from now); or see that it stands.

    Where one is active a later end extends it and its lock, and all else leaves it as it is.
    ``floor`` is the policy's ``capacity.emergency``. Raises `InputError`, also for an end that
    lies before that of the active one.
    """
    if problems := check_emergency(act, reason, until):
        raise InputError(problems)
    with connection.transaction():
        connection.execute(query("hands", "lock_emergencies"))
        connection.execute(query("hands", "end_those_that_ran_out"), {"at": act.now})
        active = active_emergency(connection, act.now)
        if active is None:
            end = act.now + DEFAULT_LENGTH if until is None else until
            return _begin(connection, act, ids, reason, end, floor, level), "activated"
        if until is None or until == active.until:
            return active, "unchanged"
        if until < active.until:
            raise stands_longer(active.until)
        return _extend(connection, act, active, until), "extended"


def check_emergency(act: Act, reason: str, until: datetime | None) -> list[Problem]:
    """What is wrong with an emergency, whatever stands."""
    problems = check_act(act, reason, Scope())
    if until is not None and until <= act.now:
        mend = f"an instant after {instant(act.now)}"
        problems.append(Problem(field="until", message="lies in the past", mend=mend))
    return problems


def stands_longer(until: datetime) -> InputError:
    """An emergency is not shortened."""
    return InputError.of(
        f"the emergency stands until {instant(until)} already",
        field="until",
        mend="end it with gate emergency deactivate, or give a later instant",
    )


def deactivate_emergency(
    connection: psycopg.Connection, act: Act, *, reason: str = ""
) -> Emergency | None:
    """End the active emergency and the lock that it began; None where there is none.

    A lock that somebody has released before stays as it is. Raises `InputError`.
    """
    if problems := check_act(act, reason or "-", Scope()):
        raise InputError(problems)
    with connection.transaction():
        connection.execute(query("hands", "lock_emergencies"))
        active = active_emergency(connection, act.now)
        if active is None:
            return None
        parameters = {"id": active.id, "at": act.now, "by": act.by, "reason": reason or None}
        ended = _one(connection, "end_emergency", parameters)
        assert ended is not None
        lock = lock_of(connection, ended)
        if lock.end is None or lock.end > act.now:
            release_lock(connection, act, str(lock.id))
        connection.execute(
            query("hands", "acknowledge_alert"), {"id": ended.id, "at": act.now, "by": act.by}
        )
        _record(connection, act, ended, "deactivate", reason)
        body = (
            f"{act.by} has ended the emergency of {ended.by_actor}: {reason or 'no reason given'}"
        )
        _notice(connection, act, ended, "deactivate", "info", "The emergency is over", body)
    return ended


def active_emergency(connection: psycopg.Connection, at: datetime) -> Emergency | None:
    """The emergency that stands at an instant."""
    return _one(connection, "active_emergency", {"at": at})


def lock_of(connection: psycopg.Connection, emergency: Emergency) -> Entry:
    """The lock that an emergency began, as it is now."""
    with connection.cursor(row_factory=class_row(Entry)) as cursor:
        row = cursor.execute(
            query("hands", "lock_of_emergency"), {"id": emergency.lock_id}
        ).fetchone()
    assert row is not None
    return row


def _begin(
    connection: psycopg.Connection,
    act: Act,
    ids: Ids,
    reason: str,
    until: datetime,
    floor: int,
    level: Level,
) -> Emergency:
    # Of every action: what mends (a rollback, more replicas) the policy's table allows in a lock.
    set_lock(connection, act, ids.lock, reason=f"emergency: {reason}", end=until)
    parameters = {
        "id": ids.emergency,
        "lock_id": ids.lock,
        "by": act.by,
        "reason": reason,
        "level": str(level),
        "floor": floor,
        "at": act.now,
        "until": until,
    }
    begun = _one(connection, "insert_emergency", parameters)
    assert begun is not None
    _record(connection, act, begun, "activate", reason)
    subject = f"Emergency until {instant(until)}"
    body = (
        f"{act.by}: {reason}\nEvery target is raised to {floor} replicas, and deploys are locked,"
        f" until {instant(until)}. gate emergency deactivate ends both."
    )
    connection.execute(
        query("hands", "alert"),
        {
            "id": begun.id,
            "subject": subject,
            "body": body,
            "at": act.now,
            "escalate_at": act.now + ESCALATE_AFTER,
        },
    )
    _notice(connection, act, begun, "activate", "critical", subject, body)
    return begun


def _extend(
    connection: psycopg.Connection, act: Act, active: Emergency, until: datetime
) -> Emergency:
    extended = _one(connection, "extend_emergency", {"id": active.id, "until": until})
    assert extended is not None
    lock = lock_of(connection, extended)
    if lock.closed_at is None:
        extend_lock(connection, act, str(lock.id), until)
    _record(connection, act, extended, "extend", active.reason)
    subject = f"The emergency lasts until {instant(until)}"
    body = f"{act.by} has extended it: {active.reason}"
    _notice(connection, act, extended, f"extend/{instant(until)}", "warning", subject, body)
    return extended


def _record(
    connection: psycopg.Connection, act: Act, emergency: Emergency, action: str, reason: str
) -> None:
    details = {
        "reason": reason or None,
        "lock": str(emergency.lock_id),
        "level": str(emergency.level),
        "floor": emergency.floor_replicas,
        "until": instant(emergency.until),
    }
    record_act(
        connection,
        act,
        kind="emergency",
        action=action,
        subject=str(emergency.id),
        details=details,
    )


def _notice(
    connection: psycopg.Connection,
    act: Act,
    emergency: Emergency,
    what: str,
    severity: str,
    subject: str,
    body: str,
) -> None:
    """An ordinary notice for whoever operates, once whatever is repeated."""
    connection.execute(
        query("hands", "notice"),
        {
            "key": f"emergency/{emergency.id}/{what}",
            "severity": severity,
            "subject": subject,
            "body": body,
            "at": act.now,
        },
    )


def _one(
    connection: psycopg.Connection, name: str, parameters: dict[str, object]
) -> Emergency | None:
    with connection.cursor(row_factory=class_row(Emergency)) as cursor:
        return cursor.execute(query("hands", name), parameters).fetchone()
