"""Manual locks: a named person's stop."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

import psycopg

from gate.core.policy import Action, Scope
from gate.core.problems import InputError, Problem
from gate.ledger.acts.entries import (
    Act,
    Entry,
    check_act,
    close,
    extend,
    insert,
    instant,
    live_entry,
    record_act,
)
from gate.ledger.acts.words import described


def set_lock(
    connection: psycopg.Connection,
    act: Act,
    identifier: UUID,
    *,
    reason: str,
    scope: Scope = Scope(),  # noqa: B008 - frozen
    actions: Iterable[Action] = (),
    start: datetime | None = None,
    end: datetime | None = None,
) -> Entry:
    """Forbid changes in ``[start, end)``: from now where `start` is None, until it is released
    where `end` is None; `actions` empty means every action.

    The row and its ledger row are written together. Raises `InputError`.
    """
    start = act.now if start is None else start
    problems = check_act(act, reason, scope)
    if end is not None and end <= max(start, act.now):
        mend = f"an instant after {instant(max(start, act.now))}"
        problems.append(Problem(field="until", message="the lock would never hold", mend=mend))
    if problems:
        raise InputError(problems)
    with connection.transaction():
        entry = insert(
            connection,
            act,
            identifier,
            kind="lock",
            reason=reason,
            scope=scope,
            actions=actions,
            starts_at=start,
            ends_at=end,
        )
        details = described(entry)
        record_act(
            connection, act, kind="lock", action="set", subject=str(entry.id), details=details
        )
    return entry


def release_lock(connection: psycopg.Connection, act: Act, identifier: str) -> Entry:
    """End a lock now. Raises `InputError` where there is none, or it has ended."""
    with connection.transaction():
        entry = live_entry(connection, act, identifier, "lock")
        entry = close(connection, entry, act)
        record_act(
            connection,
            act,
            kind="lock",
            action="release",
            subject=str(entry.id),
            details={"set_by": entry.by_actor},
        )
    return entry


def extend_lock(connection: psycopg.Connection, act: Act, identifier: str, end: datetime) -> Entry:
    """Let a lock that holds last longer.

    Raises `InputError` where there is none, it has ended, or `end` is no later than its own.
    """
    with connection.transaction():
        entry = live_entry(connection, act, identifier, "lock")
        if entry.ends_at is None or end <= entry.ends_at:
            stands = "it is released" if entry.ends_at is None else instant(entry.ends_at)
            raise InputError.of(f"the lock holds until {stands} already", field="until")
        before, entry = entry.ends_at, extend(connection, entry, end)
        record_act(
            connection,
            act,
            kind="lock",
            action="extend",
            subject=str(entry.id),
            details={"set_by": entry.by_actor, "before": instant(before), "end": instant(end)},
        )
    return entry
