"""`gate audit list`, `show` and `export`: the rows of the ledger."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click
import msgspec

from gate.cli.database import database_option, session
from gate.cli.options import INSTANT, json_option
from gate.cli.output import print_json, print_json_array, write
from gate.cli.screen import moment
from gate.core.decision import Effect, Verdict
from gate.core.printable import plain
from gate.core.problems import InputError

if TYPE_CHECKING:
    from gate.ledger.read import Entry, Filter

Decorated = Callable[..., Any]
_STYLES = {"block": "red", "warn": "yellow", "allow": "green"}
_PIECE_BYTES = 1 << 16
_DIGEST_LENGTH = 64
_VERDICT = click.Choice([verdict.value for verdict in Verdict])
_EFFECT = click.Choice([effect.value for effect in Effect])


def filter_options(command: Decorated) -> Decorated:
    """Which rows are wanted."""
    options = (
        click.option("--from", "since", type=INSTANT, metavar="INSTANT",
                     help="Decided at this instant or later."),
        click.option("--to", "until", type=INSTANT, metavar="INSTANT",
                     help="Decided before this instant."),
        click.option("--verdict", type=_VERDICT, help="What the policy said."),
        click.option("--effect", type=_EFFECT, help="What came of it."),
        click.option("--kind", metavar="KIND",
                     help="decision, lock, override, policy, calendar or emergency."),
        click.option("--actor", metavar="NAME", help="Who asked or acted."),
        click.option("--target", metavar="NAME",
                     help="Environment, namespace, service, repository or NAMESPACE/SERVICE."),
        click.option("--door", metavar="DOOR", help="Through which door, such as command."),
    )  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command


@click.command(
    name="list",
    epilog="""\b
Examples:
  gate audit list --verdict deny --from 2026-06-13T00:00:00Z
  gate audit list --target production --limit 5 --json
""",
)
@filter_options
@click.option(
    "--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="Rows at most."
)
@click.option("--after", type=click.IntRange(min=1), metavar="SEQ", help="The page after this row.")
@database_option
@json_option
def list_(limit: int, after: int | None, dsn: str | None, as_json: bool, **wanted: Any) -> None:
    """List rows of the ledger, newest first."""
    from gate.ledger.read import entries  # noqa: PLC0415  (loads the database driver)

    with session(dsn) as connection:
        found = entries(connection, _filter(wanted), limit=limit, after=after)
    if as_json:
        print_json_array(found)
        return
    for line in _lines(found):
        click.echo(line)
    if len(found) == limit:
        click.echo(f"older rows: --after {found[-1].seq}")


@click.command(
    epilog="""\b
Examples:
  gate audit show 17
  gate audit show 0198c0de-0000-7000-8000-000000000000 --json
"""
)
@click.argument("which", metavar="SEQ|ID")
@database_option
@json_option
def show(which: str, dsn: str | None, as_json: bool) -> None:
    """Show one row: the decision or act as it was recorded, and its place in the chain."""
    from gate.ledger.read import entry  # noqa: PLC0415

    with session(dsn) as connection:
        found = entry(connection, int(which) if which.isdecimal() else which)
    if found is None:
        raise InputError.of(
            f"the ledger has no row {which!r}", field="SEQ|ID", mend="gate audit list shows them"
        )
    if as_json:
        print_json(found)
        return
    for name in ("seq", "kind", "door", "writer", "number", "prev_hash", "hash"):
        click.echo(f"{name:10} {getattr(found, name)}")
    write(msgspec.json.format(bytes(found.payload), indent=2) + b"\n")


@click.command(
    epilog="""\b
Examples:
  gate audit export > ledger.jsonl
  gate audit export --format csv --from 2026-06-01T00:00:00Z > june.csv
"""
)
@filter_options
@click.option(
    "--format", "style", type=click.Choice(["jsonl", "csv"]), default="jsonl", show_default=True,
    help="JSON Lines or CSV.",
)  # fmt: skip
@click.option("--after", type=click.IntRange(min=1), metavar="SEQ", help="Rows after this one.")
@database_option
@json_option
def export(style: str, after: int | None, dsn: str | None, as_json: bool, **wanted: Any) -> None:
    """Print all rows that match, oldest first, as they come. `--json` is `--format jsonl`."""
    from gate.ledger.read import export_csv, export_json_lines  # noqa: PLC0415

    if as_json and style == "csv":
        raise click.UsageError("give one of --json and --format csv")
    lines = export_csv if style == "csv" else export_json_lines
    piece = bytearray()
    with session(dsn) as connection:
        for line in lines(connection, _filter(wanted), after=after):
            piece += line
            if len(piece) > _PIECE_BYTES:
                write(bytes(piece))
                piece.clear()
    write(bytes(piece))


def _filter(wanted: dict[str, Any]) -> "Filter":
    from gate.ledger.read import Filter  # noqa: PLC0415

    since: datetime | None = wanted["since"]
    until: datetime | None = wanted["until"]
    if since is not None and until is not None and since >= until:
        raise click.BadParameter("--from must lie before --to", param_hint="--from")
    return Filter(**wanted)


def _lines(entries: Sequence["Entry"]) -> Iterator[str]:
    if not entries:
        yield "no rows"
        return
    yield click.style(f"{'seq':>8}  {'at':20}  {'what':24}  {'actor':16}  target", bold=True)
    for entry in entries:
        who = f"{plain(entry.actor or ''):16}"
        yield f"{entry.seq:>8}  {moment(entry.at)}  {_what(entry)}  {who}  {plain(_target(entry))}"


def _what(entry: "Entry") -> str:
    """Verdict and action of a decision, kind and act of anything else, 24 characters wide."""
    if entry.verdict is None:
        return f"{f'{entry.kind} {entry.action}':24}"
    turned = f" → {entry.effect}" if entry.effect != _plain_effect(entry.verdict) else ""
    text = f"{entry.action} {entry.verdict}{turned}"
    return click.style(f"{text:24}", fg=_STYLES.get(entry.effect or ""))


def _plain_effect(verdict: str) -> str:
    return "allow" if verdict == "allow" else "block"


def _target(entry: "Entry") -> str:
    fields = (entry.environment, entry.namespace, entry.service, entry.repository)
    named = "/".join(field for field in fields if field)
    subject = entry.subject or ""
    # A digest is known by its beginning.
    return named or (subject[:12] if len(subject) == _DIGEST_LENGTH else subject)
