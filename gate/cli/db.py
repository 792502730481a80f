"""`gate db`: the schema of the database."""

from datetime import datetime
from typing import Literal

import click
import msgspec

from gate.cli.database import database_option, where
from gate.cli.exits import Exit
from gate.cli.options import json_option
from gate.cli.output import print_json
from gate.cli.screen import moment

_PHASES: tuple[str, ...] = ("pre", "post")
_COLOURS = {"applied": "green", "pending": "yellow", "changed": "red", "newer": "cyan"}


class MigrationLine(msgspec.Struct, frozen=True, kw_only=True):
    """One migration, as printed."""

    number: int
    name: str
    phase: Literal["pre", "post"]
    state: str
    applied_at: datetime | None


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """What `gate db status --json` prints."""

    schema: str
    up_to_date: bool
    migrations: tuple[MigrationLine, ...]


class Migrated(msgspec.Struct, frozen=True, kw_only=True):
    """What `gate db migrate --json` prints: the migrations that this run applied."""

    schema: str
    applied: tuple[str, ...]


@click.group()
def db() -> None:
    """Bring the database's schema up to date, and see where it stands."""


@db.command(
    epilog="""\b
Examples:
  gate db migrate --dsn postgresql://gate@db.example/gate
  GATE_DSN=embedded gate db migrate
"""
)
@database_option
@click.option(
    "--phase", type=click.Choice(_PHASES),
    help="pre: stop before the first step that older releases could not bear; default: all.",
)  # fmt: skip
@json_option
def migrate(dsn: str | None, phase: Literal["pre", "post"] | None, as_json: bool) -> None:
    """Apply the migrations that are missing, in order, each whole or not at all.

    Parallel runs wait for one another. A file that changed after it was applied is refused.
    """
    from gate.store.connect import connect_anyway, store_errors  # noqa: PLC0415
    from gate.store.migrations import migrate as apply  # noqa: PLC0415

    target = where(dsn)
    with connect_anyway(target) as connection, store_errors():
        applied = tuple(map(str, apply(connection, target.schema, phase=phase)))
    if as_json:
        print_json(Migrated(schema=target.schema, applied=applied))
        return
    for name in applied:
        click.echo(f"applied {name}")
    if not applied:
        click.echo(f"schema {target.schema} is up to date")


@db.command(
    epilog="""\b
Example:
  gate db status --dsn embedded
"""
)
@database_option
@json_option
def status(dsn: str | None, as_json: bool) -> int:
    """List the migrations and say which are applied.

    `pending` is missing in the database, `changed` differs from what was applied, `newer` was
    applied by a later release.
    """
    from gate.store.connect import connect_anyway, store_errors  # noqa: PLC0415
    from gate.store.migrations import status as read  # noqa: PLC0415

    target = where(dsn)
    with connect_anyway(target) as connection, store_errors():
        found = read(connection, target.schema)
    lines = tuple(
        MigrationLine(
            number=each.number, name=each.name, phase=each.phase, state=each.state,
            applied_at=each.applied_at,
        )
        for each in found
    )  # fmt: skip
    up_to_date = all(line.state in ("applied", "newer") for line in lines)
    if as_json:
        print_json(Status(schema=target.schema, up_to_date=up_to_date, migrations=lines))
        return Exit.ALLOWED
    for line in lines:
        when = f"  {moment(line.applied_at)}" if line.applied_at else ""
        state = click.style(f"{line.state:8}", fg=_COLOURS[line.state])
        click.echo(f"{state} {line.number:04}_{line.name} ({line.phase}){when}")
    click.echo(
        f"schema {target.schema} is up to date"
        if up_to_date
        else f"schema {target.schema} is not up to date: run gate db migrate"
    )
    return Exit.ALLOWED


@db.command(
    epilog="""\b
Example:
  gate db stop --dsn embedded
"""
)
@database_option
@json_option
def stop(dsn: str | None, as_json: bool) -> int:
    """Stop the embedded PostgreSQL, which otherwise runs on for the next command."""
    from gate.store import embedded  # noqa: PLC0415  (loads the database driver)
    from gate.store.connect import EMBEDDED  # noqa: PLC0415

    target = where(dsn)
    if target.dsn != EMBEDDED:
        raise click.UsageError("only the embedded PostgreSQL is stopped here: --dsn embedded")
    stopped = embedded.stop(target.embedded_folder)
    if as_json:
        print_json({"stopped": stopped})
    else:
        click.echo("stopped" if stopped else "it was not running")
    return Exit.ALLOWED
