"""What holds now, as a server reads it: live locks and overrides, which policy, which calendar.

Made to be read again and again by a process that must not die of a row: each row is judged by
itself, and columns that a later release has added are passed over.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
import psycopg
from psycopg.rows import class_row, scalar_row

from gate.core.decision import ManualLock, Override
from gate.core.learnt import LearntRow
from gate.core.policy import Action, Scope
from gate.ledger.acts.entries import Entry, Kind
from gate.store.cultures import learnt_rows
from gate.store.queries import query

_ACTIONS = frozenset(map(str, Action))


class NewestImport(msgspec.Struct, frozen=True, kw_only=True):
    """The calendar that holds; ``sha256`` is its digest as it was imported."""

    version: int
    sha256: str
    weddings: int
    imported_at: datetime


class Current(msgspec.Struct, frozen=True, kw_only=True):
    """What holds; ``unreadable`` says of each bad row which one it is and what was made of it."""

    locks: tuple[ManualLock, ...]
    overrides: tuple[Override, ...]
    policy_sha256: str | None
    calendar: NewestImport | None
    learnt: tuple[LearntRow, ...] = ()
    unreadable: tuple[str, ...] = ()


class _Rough(msgspec.Struct, frozen=True, kw_only=True):
    """What is always readable of a row: its other columns may hold what this release cannot."""

    id: UUID
    kind: Kind
    by_actor: str
    reason: str
    starts_at: datetime
    ends_at: datetime | None
    closed_at: datetime | None


def read_current(connection: psycopg.Connection) -> Current:
    """All of it, as of one instant. Raises psycopg's errors."""
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        with connection.cursor(row_factory=scalar_row) as cursor:
            rows = cursor.execute(query("snapshots", "entries")).fetchall()
            policy = cursor.execute(query("snapshots", "active_policy")).fetchone()
        with connection.cursor(row_factory=class_row(NewestImport)) as cursor:
            calendar = cursor.execute(query("snapshots", "newest_import")).fetchone()
        learnt = learnt_rows(connection)
    locks: list[ManualLock] = []
    overrides: list[Override] = []
    unreadable: list[str] = []
    for row in rows:
        try:
            made = _entry(msgspec.json.decode(row, type=Entry))
        except (msgspec.MsgspecError, ValueError, TypeError, AssertionError) as error:
            made = _from_rough(row, error, unreadable)
        if isinstance(made, ManualLock):
            locks.append(made)
        elif made is not None:
            overrides.append(made)
    return Current(
        locks=tuple(locks),
        overrides=tuple(overrides),
        policy_sha256=policy,
        calendar=calendar,
        learnt=learnt,
        unreadable=tuple(unreadable),
    )


def _entry(entry: Entry) -> ManualLock | Override | None:
    """The lock or override; None where it never held, or only for actions of a later release."""
    known = [action for action in entry.actions if action in _ACTIONS]
    if (entry.actions and not known) or (entry.end is not None and entry.end <= entry.starts_at):
        return None
    entry = msgspec.structs.replace(entry, actions=known)
    return entry.as_lock() if entry.kind == "lock" else entry.as_override()


def _from_rough(row: str, error: Exception, unreadable: list[str]) -> ManualLock | None:
    """A lock that cannot be read holds for everything, an override for nothing."""
    try:
        rough = msgspec.json.decode(row, type=_Rough)
    except msgspec.MsgspecError as worse:
        unreadable.append(f"a row of locks and overrides cannot be read and is left out: {worse}")
        return None
    if rough.kind == "override":
        unreadable.append(f"override {rough.id} cannot be read and is left out: {error}")
        return None
    end = min((e for e in (rough.ends_at, rough.closed_at) if e is not None), default=None)
    if end is not None and end <= rough.starts_at:
        return None
    unreadable.append(f"lock {rough.id} cannot be read and is taken for everything: {error}")
    return ManualLock(
        id=str(rough.id),
        start=rough.starts_at,
        end=end,
        by=rough.by_actor,
        reason=rough.reason,
        scope=Scope(),
    )


def policy_document(connection: psycopg.Connection, sha256: str) -> bytes | None:
    """A stored policy's bytes, None where there is none of that digest. Raises psycopg's errors."""
    with connection.cursor(row_factory=scalar_row) as cursor:
        found: bytes | None = cursor.execute(
            query("snapshots", "policy_document"), {"sha256": sha256}
        ).fetchone()
    return found


def calendar_lines(
    connection: psycopg.Connection, version: int, *, every: Callable[[], None] | None = None
) -> Iterator[bytes]:
    """The weddings of a version in their order, as the lines of a JSON Lines calendar file.

    ``every`` is called now and then between lines. Raises psycopg's errors.
    """
    parameters: dict[str, Any] = {"version": version}
    with (
        connection.cursor() as cursor,
        cursor.copy(query("snapshots", "copy_calendar"), parameters) as copy,
    ):
        for number, line in enumerate(copy):
            # COPY doubles backslashes; JSON has no other character that it would escape.
            yield bytes(line).replace(b"\\\\", b"\\")
            if every is not None and number % 1000 == 0:
                every()
