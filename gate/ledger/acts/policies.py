"""Policies in versions: stored as they were written, one of them active."""

import hashlib
from datetime import datetime

import msgspec
import psycopg
from psycopg.rows import class_row

from gate.core.problems import InputError
from gate.ledger.acts.entries import Act, record_act
from gate.store.queries import query


class PolicyVersion(msgspec.Struct, frozen=True, kw_only=True):
    """A stored policy document and its history."""

    version: int
    sha256: str
    document: bytes
    stored_by: str
    stored_at: datetime
    active: bool
    activated_by: str | None
    activated_at: datetime | None


def store_policy(connection: psycopg.Connection, act: Act, document: bytes) -> PolicyVersion:
    """Store a document that was judged valid before; the same bytes are stored once.

    Raises `InputError` where it is larger than 1 MiB.
    """
    if len(document) > 1 << 20:
        raise InputError.of("the policy is larger than 1 MiB")
    digest = hashlib.sha256(document).hexdigest()
    parameters = {"sha256": digest, "document": document, "by": act.by, "at": act.now}
    with connection.transaction():
        new = connection.execute(query("acts", "store_policy"), parameters).fetchone()
        if new is not None:
            record_act(
                connection,
                act,
                kind="policy",
                action="store",
                subject=digest,
                details={"version": new[0]},
            )
        stored = _one(connection, "policy_by_sha256", {"sha256": digest})
    assert stored is not None
    return stored


def activate_policy(connection: psycopg.Connection, act: Act, version: int) -> PolicyVersion:
    """Make a stored version the one that servers decide by; nothing happens where it is.

    Raises `InputError` where there is no such version.
    """
    with connection.transaction():
        found = _one(connection, "policy_for_update", {"version": version})
        if found is None:
            raise InputError.of(
                f"there is no policy version {version}", mend="`gate policy list` shows them"
            )
        if found.active:
            return found
        before = active_policy(connection)
        connection.execute(query("acts", "deactivate_policy"), {"version": version})
        parameters = {"version": version, "by": act.by, "at": act.now}
        active = _one(connection, "activate_policy", parameters)
        assert active is not None
        details = {"version": version, "before": before.sha256 if before else None}
        record_act(
            connection,
            act,
            kind="policy",
            action="activate",
            subject=active.sha256,
            details=details,
        )
    return active


def active_policy(connection: psycopg.Connection) -> PolicyVersion | None:
    """The policy that servers decide by, None before the first was activated."""
    return _one(connection, "active_policy", {})


def policies(connection: psycopg.Connection, *, limit: int = 20) -> list[PolicyVersion]:
    """The newest versions, newest first."""
    with connection.cursor(row_factory=class_row(PolicyVersion)) as cursor:
        return cursor.execute(query("acts", "policies"), {"limit": limit}).fetchall()


def _one(
    connection: psycopg.Connection, name: str, parameters: dict[str, object]
) -> PolicyVersion | None:
    with connection.cursor(row_factory=class_row(PolicyVersion)) as cursor:
        return cursor.execute(query("acts", name), parameters).fetchone()
