"""`gate override`: a named person's time-limited, reasoned exception (break-glass)."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import click
import msgspec

from gate.cli.database import act_of, by_option, database_option, new_id, session
from gate.cli.documents import policy_bytes
from gate.cli.ending import end_of, length_option
from gate.cli.exits import Exit
from gate.cli.options import EXISTING_FILE, INSTANT, json_option
from gate.cli.output import print_json, print_json_array
from gate.cli.scopes import (
    actions_option,
    roles_option,
    scope_globs,
    scope_globs_of,
    scope_of,
    scope_words,
)
from gate.cli.screen import until_words
from gate.core.decision import Approval
from gate.core.document import read_policy
from gate.core.policy import Action, OverrideRules

if TYPE_CHECKING:
    from gate.ledger.acts.entries import Entry

_ID = click.argument("identifier", metavar="ID")


class OverrideLine(msgspec.Struct, frozen=True, kw_only=True):
    """An override as JSON; whether a policy honours it is said by each decision."""

    id: str
    by: str
    roles: tuple[str, ...]
    reason: str
    scope: dict[str, tuple[str, ...]]
    actions: tuple[Action, ...]
    granted_at: datetime
    until: datetime
    approvals: tuple[Approval, ...]
    revoked_at: datetime | None
    revoked_by: str | None


@click.group()
def override() -> None:
    """Grant, approve and revoke exceptions from denials (break-glass)."""


@override.command(
    epilog="""\b
Examples:
  gate override grant --reason "the checkout is down, fix 4711" --for 1h \\
      --roles sre-lead --environment production --service checkout --actions deploy
  gate override grant --reason "certificate expires tonight" \\
      --until 2026-06-13T20:00:00Z --roles duty-manager --policy policy.yaml
"""
)
@click.option("--reason", required=True, metavar="TEXT", help="Why, in ten characters at least.")
@click.option("--until", "end", type=INSTANT, metavar="INSTANT", help="When it ends.")
@length_option
@roles_option("Your roles; the policy says which may override.")
@scope_globs
@actions_option
@click.option(
    "--policy", "policy_path", type=EXISTING_FILE, metavar="FILE",
    help="Refuse at once what this policy would not honour.",
)  # fmt: skip
@by_option
@database_option
@json_option
def grant(
    reason: str,
    end: datetime | None,
    length: timedelta | None,
    roles: tuple[str, ...],
    scope_texts: tuple[str, ...],
    actions: tuple[Action, ...],
    policy_path: str | None,
    by: str,
    dsn: str | None,
    as_json: bool,
    **globs: tuple[str, ...],
) -> None:
    """Ask for an exception from now on; it holds once enough others have approved it.

    An exception applies only to requests that give every field its scope names. The policy says
    who may override, for how long at most, and how many must approve; each decision that it
    changes names it.
    """
    from gate.ledger.acts.overrides import grant_override  # noqa: PLC0415

    scope, act = scope_of(scope_texts, globs), act_of(by, roles)
    until = end_of(end, length, act.now)
    if until is None:
        raise click.UsageError("give --until INSTANT or --for DURATION")
    rules = None if policy_path is None else _rules(policy_path)
    with session(dsn) as connection:
        entry = grant_override(
            connection, act, new_id(act.now),
            reason=reason, until=until, scope=scope, actions=actions, rules=rules,
        )  # fmt: skip
    _print_one(entry, "granted", act.now, as_json=as_json)
    if not as_json and (rules is None or rules.approvals):
        many = "as many others as the policy says" if rules is None else f"{rules.approvals} more"
        click.echo(f"to be approved by {many}: gate override approve {entry.id}")


@override.command(
    epilog="""\b
Example:
  gate override approve 0198c0de-0000-7000-8000-000000000000 --by bob
"""
)
@_ID
@roles_option("Your roles, for the record.")
@by_option
@database_option
@json_option
def approve(
    identifier: str, roles: tuple[str, ...], by: str, dsn: str | None, as_json: bool
) -> None:
    """Approve the override ID; whoever asked for it cannot."""
    from gate.ledger.acts.overrides import approve_override  # noqa: PLC0415

    act = act_of(by, roles)
    with session(dsn) as connection:
        entry = approve_override(connection, act, identifier)
    _print_one(entry, "approved", act.now, as_json=as_json)


@override.command(
    epilog="""\b
Example:
  gate override revoke 0198c0de-0000-7000-8000-000000000000
"""
)
@_ID
@by_option
@database_option
@json_option
def revoke(identifier: str, by: str, dsn: str | None, as_json: bool) -> None:
    """End the override ID now."""
    from gate.ledger.acts.overrides import revoke_override  # noqa: PLC0415

    act = act_of(by)
    with session(dsn) as connection:
        entry = revoke_override(connection, act, identifier)
    _print_one(entry, "revoked", act.now, as_json=as_json)


@override.command(
    name="list",
    epilog="""\b
Examples:
  gate override list
  gate override list --all --json
""",
)
@click.option("--all", "everything", is_flag=True, help="Those that have ended, too.")
@database_option
@json_option
def list_(everything: bool, dsn: str | None, as_json: bool) -> int:
    """List the overrides that have not ended, newest first."""
    from gate.ledger.acts.entries import entries  # noqa: PLC0415

    act = act_of("")
    with session(dsn) as connection:
        found = entries(connection, "override", in_force_at=None if everything else act.now)
    if as_json:
        print_json_array(map(_line, found))
    else:
        for text in _listing(found, act.now):
            click.echo(text)
    return Exit.ALLOWED


def _rules(policy_path: str) -> OverrideRules:
    return read_policy(policy_bytes(policy_path), policy_path).override


def _line(entry: "Entry") -> OverrideLine:
    kept = entry.as_override()
    return OverrideLine(
        id=kept.id,
        by=kept.by,
        roles=kept.roles,
        reason=kept.reason,
        scope=scope_globs_of(kept.scope),
        actions=kept.actions,
        granted_at=kept.granted_at,
        until=kept.until,
        approvals=kept.approvals,
        revoked_at=entry.closed_at,
        revoked_by=entry.closed_by,
    )


def _print_one(entry: "Entry", done: str, now: datetime, *, as_json: bool) -> None:
    if as_json:
        print_json(_line(entry))
    else:
        click.echo(f"{done} override {entry.id}: {_words(entry, now)}")


def _listing(entries: Sequence["Entry"], now: datetime) -> Iterator[str]:
    if not entries:
        yield "no overrides"
    for entry in entries:
        state = click.style("open ", fg="yellow") if entry.in_force(now) else "ended"
        yield f"{entry.id}  {state}  {_words(entry, now)}"


def _words(entry: "Entry", now: datetime) -> str:
    kept = entry.as_override()
    what = ", ".join(kept.actions) or "every action"
    approvers = ", ".join(approval.by for approval in kept.approvals) or "nobody yet"
    roles = f" ({', '.join(kept.roles)})" if kept.roles else ""
    return (
        f"until {until_words(kept.until, now)}\n    {what} on {scope_words(kept.scope)}"
        f"\n    by {kept.by}{roles}: {kept.reason}\n    approved by {approvers}"
    )
