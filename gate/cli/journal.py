"""`gate journal`: the records that the server doors keep on disk until the ledger has them."""

import base64
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec
from msgspec import UNSET, UnsetType

from gate.cli.database import database_option, where
from gate.cli.exits import Exit
from gate.cli.options import json_option
from gate.cli.output import complain, count, print_json, write
from gate.cli.progress import counting
from gate.cli.screen import moment
from gate.core.printable import plain
from gate.core.wording import lasting

if TYPE_CHECKING:
    from gate.journal.survey import SegmentReport, Survey
    from gate.ledger.records import Record

_PIECE_BYTES = 1 << 16
_COLOURS = {"writing": "green", "ended": "cyan", "damaged": "red"}


class Shipped(msgspec.Struct, frozen=True, kw_only=True):
    """What `gate journal ship --json` prints; ``ok`` where nothing is left and nothing lies aside.

    ``shipped`` counts the records that the ledger confirmed, those it had already included.
    """

    ok: bool
    shipped: int
    left: int
    refused: int
    damaged: int


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A line of `gate journal show`; ``payload`` as it is where that is JSON, else in base64."""

    segment: str
    door: str
    writer: str
    number: int
    payload: msgspec.Raw | UnsetType = UNSET
    payload_base64: str | UnsetType = UNSET


@click.group()
def journal() -> None:
    """See and ship what the server doors recorded on disk and the ledger has not yet."""


def folder_argument(command: Callable[..., Any]) -> Callable[..., Any]:
    """``DIR``: the folder that `gate webhook --journal` names."""
    kind = click.Path(exists=True, file_okay=False, path_type=Path)
    return click.argument("folder", metavar="DIR", type=kind)(command)


@journal.command(
    epilog="""\b
Examples:
  gate journal status /var/lib/saturday-gate/journal
  gate journal status /var/lib/saturday-gate/journal --json | jq .records
"""
)
@folder_argument
@json_option
def status(folder: Path, as_json: bool) -> int:
    """Say what waits in a journal, how old it is, and what lies aside.

    Reads everything and changes nothing. Segments that are being written hold records that may be
    in the ledger already: only who ships knows.
    """
    from gate.journal.survey import survey  # noqa: PLC0415

    found = survey(folder)
    if as_json:
        print_json(found)
        return Exit.ALLOWED
    for line in _status_lines(found, datetime.now(UTC)):
        click.echo(line)
    return Exit.ALLOWED


@journal.command(
    epilog="""\b
Example:
  gate journal ship /var/lib/saturday-gate/journal --dsn postgresql://gate@db.example/gate

\b
Exit codes: 0 all that was there is in the ledger; 4 it is not, or something lies aside.
"""
)
@folder_argument
@database_option
@json_option
def ship(folder: Path, dsn: str | None, as_json: bool) -> int:
    """Move what is there now into the ledger, each record once.

    Safe beside a running gate, and to repeat. Segments that nobody writes any more are deleted when
    all of them is in the ledger.
    """
    from gate.journal.shipper import Shipper  # noqa: PLC0415  (loads the database driver)

    shipper = Shipper(folder, where(dsn), say=complain)
    try:
        with counting("records shipped") as advance:
            state = shipper.ship_once(advance)
    finally:
        shipper.close()
    ended = Shipped(
        ok=not (state.depth or state.refused or state.damaged),
        shipped=state.shipped,
        left=state.depth,
        refused=state.refused,
        damaged=state.damaged,
    )
    if as_json:
        print_json(ended)
    else:
        click.echo(f"{count(ended.shipped, 'record')} shipped, {ended.left} left")
        for line in _aside_lines(folder, ended.refused, ended.damaged):
            click.echo(line)
    return Exit.ALLOWED if ended.ok else Exit.UNDECIDED


@journal.command(
    epilog="""\b
Examples:
  gate journal show /var/lib/saturday-gate/journal
  gate journal show /var/lib/saturday-gate/journal | jq -r .payload.verdict | sort | uniq -c
"""
)
@folder_argument
@json_option
def show(folder: Path, as_json: bool) -> None:
    """Print the records of a journal, a line of JSON each, with or without `--json`."""
    del as_json
    from gate.journal.survey import records_in  # noqa: PLC0415

    encode = msgspec.json.Encoder().encode
    piece = bytearray()
    for segment, record in records_in(folder):
        piece += encode(_shown(segment, record)) + b"\n"
        if len(piece) > _PIECE_BYTES:
            write(bytes(piece))
            piece.clear()
    write(bytes(piece))
    sys.stdout.flush()


def _shown(segment: str, record: "Record") -> Shown:
    payload: msgspec.Raw | UnsetType = msgspec.Raw(record.payload)
    coded: str | UnsetType = UNSET
    try:
        msgspec.json.decode(record.payload)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        payload, coded = UNSET, base64.b64encode(record.payload).decode()
    return Shown(
        segment=segment,
        door=record.door,
        writer=record.writer,
        number=record.number,
        payload=payload,
        payload_base64=coded,
    )


def _status_lines(found: "Survey", now: datetime) -> Iterator[str]:
    age = f", the oldest {lasting(now - found.oldest_at)} old" if found.oldest_at else ""
    waiting = count(found.records, "record")
    yield f"{waiting} in {count(len(found.segments), 'segment')}, {found.bytes:,} bytes{age}"
    for each in found.segments:
        yield _segment_line(each)
        for problem in each.problems:
            yield f"         {plain(problem)}"
    yield from _aside_lines(Path(found.folder), found.refused, found.damaged)


def _segment_line(each: "SegmentReport") -> str:
    since = f"  since {moment(each.oldest_at)}" if each.oldest_at else ""
    state = click.style(f"{each.state:8}", fg=_COLOURS[each.state])
    return f"{state} {plain(each.name)}  {count(each.records, 'record')}{since}"


def _aside_lines(folder: Path, refused: int, damaged: int) -> Iterator[str]:
    from gate.journal.aside import DAMAGED, REFUSED  # noqa: PLC0415

    if refused:
        said = count(refused, "record")
        yield f"{said} refused by the ledger, for a person to look at: {folder / REFUSED}"
    if damaged:
        said = count(damaged, "segment")
        yield f"{said} damaged, for a person to look at: {folder / DAMAGED}"
