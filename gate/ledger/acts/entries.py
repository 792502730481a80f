"""The rows of manual locks and overrides: how they are stored, read and checked."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID

import msgspec
import psycopg
from psycopg.rows import class_row

from gate.core.decision import Approval, ManualLock, Override
from gate.core.policy import Action, Scope
from gate.core.problems import InputError, Problem
from gate.ledger.append import append
from gate.ledger.identity import Writer
from gate.ledger.records import EventKind, event_record
from gate.store.queries import query

Kind = Literal["lock", "override"]
SHORTEST_REASON = 10
"""Characters of an override's reason, at least."""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A lock or an override as stored, history included.

    It is in force from ``starts_at`` to the earlier of ``ends_at`` (None: open-ended) and
    ``closed_at`` (None: neither released nor revoked).
    """

    id: UUID
    kind: Kind
    by_actor: str
    roles: list[str]
    reason: str
    environments: list[str] | None
    namespaces: list[str] | None
    services: list[str] | None
    repositories: list[str] | None
    actions: list[str]
    made_at: datetime
    starts_at: datetime
    ends_at: datetime | None
    approvals: list[dict[str, Any]]
    closed_at: datetime | None
    closed_by: str | None

    @property
    def end(self) -> datetime | None:
        """Where it ends, None while that is open."""
        ends = [end for end in (self.ends_at, self.closed_at) if end is not None]
        return min(ends, default=None)

    def in_force(self, at: datetime) -> bool:
        """Whether it is so at an instant; an override's approvals are the policy's business."""
        return self.starts_at <= at and (self.end is None or at < self.end)

    @property
    def scope(self) -> Scope:
        """Which requests it concerns."""
        return Scope(
            environments=_globs(self.environments),
            namespaces=_globs(self.namespaces),
            services=_globs(self.services),
            repositories=_globs(self.repositories),
        )

    def as_lock(self) -> ManualLock:
        """What the core knows of a lock."""
        return ManualLock(
            id=str(self.id),
            start=self.starts_at,
            end=self.end,
            by=self.by_actor,
            reason=self.reason,
            scope=self.scope,
            actions=tuple(map(Action, self.actions)),
        )

    def as_override(self) -> Override:
        """What the core knows of an override."""
        end = self.end
        assert end is not None
        return Override(
            id=str(self.id),
            by=self.by_actor,
            roles=tuple(self.roles),
            reason=self.reason,
            granted_at=self.made_at,
            until=end,
            approvals=tuple(msgspec.convert(self.approvals, list[Approval])),
            scope=self.scope,
            actions=tuple(map(Action, self.actions)),
        )


def _globs(values: list[str] | None) -> tuple[str, ...] | None:
    return None if values is None else tuple(values)


class Act(msgspec.Struct, frozen=True, kw_only=True):
    """Who does something, when, and as which writer of the ledger it is recorded.

    ``by`` is a name that the door has authenticated, ``roles`` those it vouches for.
    """

    by: str
    now: datetime
    writer: Writer
    roles: tuple[str, ...] = ()


def record_act(
    connection: psycopg.Connection,
    act: Act,
    *,
    kind: EventKind,
    action: str,
    subject: str,
    details: dict[str, Any],
) -> None:
    """Append the act's row and tell the servers, in the transaction around."""
    record = event_record(
        act.writer,
        act.now,
        kind=kind,
        action=action,
        actor=act.by,
        subject=subject,
        details=details,
    )
    append(connection, [record])
    connection.execute(query("acts", "notify"), {"topic": kind})


def check_act(act: Act, reason: str, scope: Scope, *, shortest: int = 1) -> list[Problem]:
    """What is wrong with an act's own words, whatever it is about."""
    problems = []
    if not act.by.strip():
        problems.append(Problem(field="by", message="nobody is named", mend="say who does it"))
    if len(reason.strip()) < shortest:
        mend = f"write at least {shortest} characters: people are refused by it"
        problems.append(Problem(field="reason", message="the reason is too short", mend=mend))
    texts = [act.by, reason, *act.roles]
    for name in ("environments", "namespaces", "services", "repositories"):
        globs = getattr(scope, name)
        if globs is not None and (not globs or "" in globs):
            mend = "leave it out for any, or give globs"
            problems.append(Problem(field=f"scope.{name}", message="is empty", mend=mend))
        texts += globs or ()
    if any("\x00" in text for text in texts):
        problems.append(Problem(message="a text holds NUL", mend="remove it"))
    return problems


def insert(
    connection: psycopg.Connection,
    act: Act,
    identifier: UUID,
    *,
    kind: Kind,
    reason: str,
    scope: Scope,
    actions: Iterable[Action],
    starts_at: datetime,
    ends_at: datetime | None,
) -> Entry:
    """Store a new lock or override."""
    parameters = {
        "id": identifier,
        "kind": kind,
        "by_actor": act.by,
        "roles": list(act.roles),
        "reason": reason,
        "actions": [str(action) for action in actions],
        "made_at": act.now,
        "starts_at": starts_at,
        "ends_at": ends_at,
        **_lists(scope),
    }
    return _one(connection, "insert_entry", parameters)


def _lists(scope: Scope) -> dict[str, list[str] | None]:
    names = ("environments", "namespaces", "services", "repositories")
    values = {name: getattr(scope, name) for name in names}
    return {name: None if value is None else list(value) for name, value in values.items()}


def live_entry(connection: psycopg.Connection, act: Act, identifier: str, kind: Kind) -> Entry:
    """The row for a change of it, locked until the transaction ends.

    Raises `InputError` where there is none, or it has ended.
    """
    try:
        wanted = UUID(identifier)
    except ValueError:
        wanted = None
    with connection.cursor(row_factory=class_row(Entry)) as cursor:
        found = (
            cursor.execute(
                query("acts", "entry_for_update"), {"id": wanted, "kind": kind}
            ).fetchone()
            if wanted
            else None
        )
    if found is None:
        raise InputError.of(
            f"there is no {kind} {identifier!r}", field="id", mend=f"`gate {kind} list` shows them"
        )
    if found.end is not None and found.end <= act.now:
        raise InputError.of(f"{kind} {identifier} ended on {instant(found.end)}", field="id")
    return found


def close(connection: psycopg.Connection, entry: Entry, act: Act) -> Entry:
    """End a lock or an override now."""
    parameters = {"id": entry.id, "closed_at": act.now, "closed_by": act.by}
    return _one(connection, "close_entry", parameters)


def extend(connection: psycopg.Connection, entry: Entry, end: datetime) -> Entry:
    """Let a lock end later."""
    return _one(connection, "extend_entry", {"id": entry.id, "ends_at": end})


def approve(connection: psycopg.Connection, entry: Entry, act: Act) -> Entry:
    """Add the act's word to an override."""
    approval = msgspec.json.encode(Approval(by=act.by, at=act.now, roles=act.roles)).decode()
    return _one(connection, "approve_entry", {"id": entry.id, "approval": approval})


def _one(connection: psycopg.Connection, name: str, parameters: dict[str, Any]) -> Entry:
    with connection.cursor(row_factory=class_row(Entry)) as cursor:
        row = cursor.execute(query("acts", name), parameters).fetchone()
    assert row is not None
    return row


def entries(
    connection: psycopg.Connection,
    kind: Kind,
    *,
    in_force_at: datetime | None = None,
    limit: int | None = None,
) -> list[Entry]:
    """Locks or overrides, newest first: all, or those in force at an instant."""
    parameters = {"kind": kind, "at": in_force_at, "limit": limit}
    with connection.cursor(row_factory=class_row(Entry)) as cursor:
        return cursor.execute(query("acts", "entries"), parameters).fetchall()


def load_locks(
    connection: psycopg.Connection,
) -> tuple[tuple[ManualLock, ...], tuple[Override, ...]]:
    """Every manual lock and override, history kept, as decisions take them; oldest first.

    A released lock ends at its release and a revoked override at its revocation; one that was
    closed before it began is left out.
    """
    kept = [e for e in _all(connection) if e.end is None or e.end > e.starts_at]
    return (
        tuple(entry.as_lock() for entry in kept if entry.kind == "lock"),
        tuple(entry.as_override() for entry in kept if entry.kind == "override"),
    )


def _all(connection: psycopg.Connection) -> Sequence[Entry]:
    with connection.cursor(row_factory=class_row(Entry)) as cursor:
        return cursor.execute(query("acts", "all_entries")).fetchall()


def instant(value: datetime) -> str:
    """RFC 3339 in UTC, for details and messages."""
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
