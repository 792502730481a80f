"""`gate calendar import` and `list`: the versions of the calendar in the database."""

import stat
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

import click
from msgspec.structs import astuple

from gate.calendars import calendar_sha256, read_rows
from gate.cli.database import act_of, by_option, database_option, session
from gate.cli.documents import load_model
from gate.cli.options import EXISTING_FILE, json_option
from gate.cli.output import complain, print_json, print_json_array
from gate.cli.progress import counting
from gate.cli.screen import moment
from gate.core.policy import LoadModel
from gate.core.problems import InputError


@click.command(
    name="import",
    epilog="""\b
Examples:
  gate calendar import weddings.csv
  gate calendar import june.csv july.json --policy policy.yaml --by ann
""",
)
@click.argument("paths", metavar="FILE…", type=EXISTING_FILE, nargs=-1, required=True)
@click.option(
    "--policy", "policy_path", type=EXISTING_FILE, metavar="FILE",
    help="Judge cultures by this policy; default: the built-in ones.",
)  # fmt: skip
@by_option
@database_option
@json_option
def import_(
    paths: tuple[str, ...], policy_path: str | None, by: str, dsn: str | None, as_json: bool
) -> None:
    """Store the FILEs in the database as the calendar that holds from now on.

    All of it or nothing: one bad row, and the calendar before stays.
    """
    from gate.ledger.acts.weddings import import_weddings  # noqa: PLC0415

    load = load_model(policy_path)
    digest = calendar_sha256(_regular(paths))
    with session(dsn) as connection, counting("weddings imported") as advance:
        rows = _unchanged(paths, load, digest)
        done = import_weddings(connection, act_of(by), rows, digest, progress=advance)
    if done.weddings == done.cancelled:
        complain("warning: the calendar has no wedding that is not cancelled")
    if as_json:
        print_json(done)
    else:
        click.echo(_words(done.version, done.weddings, done.cancelled, by, done.imported_at))


@click.command(
    name="list",
    epilog="""\b
Example:
  gate calendar list --json
""",
)
@database_option
@json_option
def list_(dsn: str | None, as_json: bool) -> None:
    """List the calendars that were imported, newest first; the first one holds."""
    from gate.ledger.acts.weddings import imports  # noqa: PLC0415

    with session(dsn) as connection:
        found = imports(connection)
    if as_json:
        print_json_array(found)
        return
    for each in found:
        click.echo(
            _words(each.version, each.weddings, each.cancelled, each.imported_by, each.imported_at)
        )
    if not found:
        click.echo("no calendars")


def _regular(paths: Sequence[str]) -> Sequence[str]:
    """Files that can be read twice; InputError for a pipe or a device."""
    for path in paths:
        if not stat.S_ISREG(Path(path).stat().st_mode):
            raise InputError.of(
                "is no regular file", file=path, mend="save it to a file and import that"
            )
    return paths


def _unchanged(paths: Sequence[str], load: LoadModel, digest: str) -> Iterator[tuple[object, ...]]:
    """The rows as cells; InputError at their end where the files are not those of the digest."""
    yield from map(astuple, read_rows(paths, load))
    if calendar_sha256(paths) != digest:
        raise InputError.of(
            "the files changed while they were read", file=paths[0], mend="import them again"
        )


def _words(version: int, weddings: int, cancelled: int, by: str, at: datetime) -> str:
    gone = f", {cancelled} of them cancelled" if cancelled else ""
    return f"calendar {version}: {weddings} weddings{gone}, by {by} on {moment(at)}"
