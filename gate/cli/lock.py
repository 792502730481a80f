"""`gate lock`: manual locks, a named person's stop."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import click
import msgspec

from gate.cli.database import act_of, by_option, database_option, new_id, session
from gate.cli.ending import end_of, length_option
from gate.cli.exits import Exit
from gate.cli.options import INSTANT, json_option
from gate.cli.output import print_json, print_json_array
from gate.cli.scopes import actions_option, scope_globs, scope_globs_of, scope_of, scope_words
from gate.cli.screen import until_words
from gate.core.policy import Action

if TYPE_CHECKING:
    from gate.ledger.acts.entries import Entry


class LockLine(msgspec.Struct, frozen=True, kw_only=True, rename={"start": "from"}):
    """A lock as JSON; ``until`` null: until it is released."""

    id: str
    by: str
    reason: str
    scope: dict[str, tuple[str, ...]]
    actions: tuple[Action, ...]
    start: datetime
    until: datetime | None
    set_at: datetime
    released_at: datetime | None
    released_by: str | None


@click.group()
def lock() -> None:
    """Lock changes by hand, and release them; every door obeys within a second."""


@lock.command(
    name="set",
    epilog="""\b
Examples:
  gate lock set --reason "database failover" --for 2h
  gate lock set --reason "photo uploads are slow" --scope services=photo-* \\
      --actions deploy,config --until 2026-06-13T18:00:00Z
""",
)
@click.option("--reason", required=True, metavar="TEXT", help="Why; people are refused by it.")
@click.option("--from", "start", type=INSTANT, metavar="INSTANT", help="Start; default: now.")
@click.option(
    "--until", "end", type=INSTANT, metavar="INSTANT", help="End; default: until it is released."
)
@length_option
@scope_globs
@actions_option
@by_option
@database_option
@json_option
def set_(
    reason: str,
    start: datetime | None,
    end: datetime | None,
    length: timedelta | None,
    scope_texts: tuple[str, ...],
    actions: tuple[Action, ...],
    by: str,
    dsn: str | None,
    as_json: bool,
    **globs: tuple[str, ...],
) -> None:
    """Forbid changes from now on, or in [--from, --until).

    It adds to what the policy locks; no open window lifts it. Without a scope it locks everything.
    """
    from gate.ledger.acts.locks import set_lock  # noqa: PLC0415  (loads the database driver)

    scope, act = scope_of(scope_texts, globs), act_of(by)
    end = end_of(end, length, start or act.now)
    with session(dsn) as connection:
        entry = set_lock(
            connection, act, new_id(act.now),
            reason=reason, scope=scope, actions=actions, start=start, end=end,
        )  # fmt: skip
    _print_one(entry, "set", act.now, as_json=as_json)


@lock.command(
    epilog="""\b
Example:
  gate lock release 0198c0de-0000-7000-8000-000000000000
"""
)
@click.argument("identifier", metavar="ID")
@by_option
@database_option
@json_option
def release(identifier: str, by: str, dsn: str | None, as_json: bool) -> None:
    """End the lock ID now."""
    from gate.ledger.acts.locks import release_lock  # noqa: PLC0415

    act = act_of(by)
    with session(dsn) as connection:
        entry = release_lock(connection, act, identifier)
    _print_one(entry, "released", act.now, as_json=as_json)


@lock.command(
    name="list",
    epilog="""\b
Examples:
  gate lock list
  gate lock list --all --json
""",
)
@click.option("--all", "everything", is_flag=True, help="Those that have ended, too.")
@database_option
@json_option
def list_(everything: bool, dsn: str | None, as_json: bool) -> int:
    """List the locks that hold or are to come, newest first."""
    from gate.ledger.acts.entries import entries  # noqa: PLC0415

    act = act_of("")
    with session(dsn) as connection:
        found = [
            entry
            for entry in entries(connection, "lock")
            if everything or entry.end is None or entry.end > act.now
        ]
    if as_json:
        print_json_array(map(_line, found))
    else:
        for text in _listing(found, act.now):
            click.echo(text)
    return Exit.ALLOWED


def _line(entry: "Entry") -> LockLine:
    kept = entry.as_lock()
    return LockLine(
        id=kept.id,
        by=kept.by,
        reason=kept.reason,
        scope=scope_globs_of(kept.scope),
        actions=kept.actions,
        start=kept.start,
        until=kept.end,
        set_at=entry.made_at,
        released_at=entry.closed_at,
        released_by=entry.closed_by,
    )


def _print_one(entry: "Entry", done: str, now: datetime, *, as_json: bool) -> None:
    if as_json:
        print_json(_line(entry))
    else:
        click.echo(f"{done} lock {entry.id}: {_words(entry, now)}")


def _listing(entries: Sequence["Entry"], now: datetime) -> Iterator[str]:
    if not entries:
        yield "no locks"
    for entry in entries:
        holds = "holds" if entry.in_force(now) else "ended" if _ended(entry, now) else "coming"
        style = {"holds": "red", "coming": "yellow", "ended": None}[holds]
        yield f"{entry.id}  {click.style(holds, fg=style)}  {_words(entry, now)}"


def _ended(entry: "Entry", now: datetime) -> bool:
    return entry.end is not None and entry.end <= now


def _words(entry: "Entry", now: datetime) -> str:
    start = f"from {until_words(entry.starts_at, now)} " if entry.starts_at > now else ""
    end = f"until {until_words(entry.end, now)}" if entry.end else "until it is released"
    what = ", ".join(entry.actions) or "every action"
    return (
        f"{start}{end}\n    {what} on {scope_words(entry.scope)}"
        f"\n    by {entry.by_actor}: {entry.reason}"
    )
