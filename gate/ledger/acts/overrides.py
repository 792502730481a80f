"""Overrides: a named person's time-limited, reasoned exception (break-glass).

What a policy demands of one is looked at when it is granted, so that people hear of it at once, and
again by the core at each decision, because the policy may have changed since.
"""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

import psycopg

from gate.core.policy import Action, OverrideRules, Scope
from gate.core.problems import InputError, Problem
from gate.ledger.acts.entries import (
    SHORTEST_REASON,
    Act,
    Entry,
    approve,
    check_act,
    close,
    insert,
    instant,
    live_entry,
    record_act,
)
from gate.ledger.acts.words import described


def grant_override(
    connection: psycopg.Connection,
    act: Act,
    identifier: UUID,
    *,
    reason: str,
    until: datetime,
    scope: Scope = Scope(),  # noqa: B008 - frozen
    actions: Iterable[Action] = (),
    rules: OverrideRules | None = None,
) -> Entry:
    """Grant an exception from now until `until`; it waits for the approvals that the policy wants.

    ``rules`` are those of the policy where it is known. Raises `InputError`.
    """
    problems = check_act(act, reason, scope, shortest=SHORTEST_REASON)
    if until <= act.now:
        mend = f"an instant after {instant(act.now)}"
        problems.append(Problem(field="until", message="lies in the past", mend=mend))
    if rules is not None:
        problems += _against(rules, act, until)
    if problems:
        raise InputError(problems)
    with connection.transaction():
        entry = insert(
            connection,
            act,
            identifier,
            kind="override",
            reason=reason,
            scope=scope,
            actions=actions,
            starts_at=act.now,
            ends_at=until,
        )
        details = described(entry)
        record_act(
            connection, act, kind="override", action="grant", subject=str(entry.id), details=details
        )
    return entry


def _against(rules: OverrideRules, act: Act, until: datetime) -> list[Problem]:
    problems = []
    if set(rules.roles).isdisjoint(act.roles):
        mend = f"somebody with one of the roles {', '.join(rules.roles)} can"
        problems.append(Problem(field="roles", message=f"{act.by} may not override", mend=mend))
    if until - act.now > rules.max_ttl:
        mend = f"at most until {instant(act.now + rules.max_ttl)}"
        problems.append(Problem(field="until", message="longer than the policy allows", mend=mend))
    return problems


def approve_override(connection: psycopg.Connection, act: Act, identifier: str) -> Entry:
    """Approve an override: once a person, never the one who asked.

    Raises `InputError` where that is broken, there is no such override, or it has ended.
    """
    with connection.transaction():
        entry = live_entry(connection, act, identifier, "override")
        if act.by == entry.by_actor:
            raise InputError.of(
                f"{act.by} has asked for it", field="by", mend="somebody else approves"
            )
        if any(approval["by"] == act.by for approval in entry.approvals):
            raise InputError.of(
                f"{act.by} has approved it before", field="by", mend="somebody else approves, too"
            )
        if problems := check_act(act, "-", Scope()):
            raise InputError(problems)
        entry = approve(connection, entry, act)
        record_act(
            connection,
            act,
            kind="override",
            action="approve",
            subject=str(entry.id),
            details={"asked_by": entry.by_actor, "roles": list(act.roles)},
        )
    return entry


def revoke_override(connection: psycopg.Connection, act: Act, identifier: str) -> Entry:
    """End an override now. Raises `InputError` where there is none, or it has ended."""
    with connection.transaction():
        entry = live_entry(connection, act, identifier, "override")
        entry = close(connection, entry, act)
        record_act(
            connection,
            act,
            kind="override",
            action="revoke",
            subject=str(entry.id),
            details={"asked_by": entry.by_actor},
        )
    return entry
