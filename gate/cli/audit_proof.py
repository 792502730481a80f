"""`gate audit verify`, `checkpoint` and `prove`: what the ledger can show to who doubts it."""

import os
from collections.abc import Mapping
from pathlib import Path

import click
import msgspec

from gate.cli.database import database_option, session
from gate.cli.exits import Exit
from gate.cli.options import EXISTING_FILE, json_option
from gate.cli.output import print_json, write
from gate.cli.progress import counting
from gate.core.problems import InputError


@click.command(
    epilog="""\b
Examples:
  gate audit verify --dsn postgresql://gate@db.example/gate
  gate audit verify --dsn embedded --against checkpoint.note --key public.pem --json

\b
Exit codes: 0 the ledger is whole, 3 it is not, 4 the database is not available.
"""
)
@database_option
@click.option(
    "--against", type=EXISTING_FILE, metavar="FILE",
    help="A checkpoint kept elsewhere: finds a missing tail and a chain rewritten whole.",
)  # fmt: skip
@click.option(
    "--key", "key_path", type=EXISTING_FILE, metavar="FILE",
    help="The key (PEM, public or private) that must have signed it.",
)  # fmt: skip
@json_option
def verify(dsn: str | None, against: str | None, key_path: str | None, as_json: bool) -> int:
    """Walk the whole chain, recompute everything, and name the first row that is wrong."""
    from gate.ledger.verify import verify as walk  # noqa: PLC0415  (loads the database driver)

    note = None if against is None else text_of(against)
    key = None if key_path is None else bytes_of(key_path)
    with session(dsn) as connection, counting("rows verified") as advance:
        found = walk(connection, against=note, key=key, progress=advance)
    if as_json:
        print_json(found)
    elif found.ok:
        click.echo(f"the ledger is whole: {found.rows} rows")
    else:
        click.echo(f"the ledger is not whole: row {found.first_bad_seq}: {found.why}")
    return Exit.ALLOWED if found.ok else Exit.DENIED


def bytes_of(path: str) -> bytes:
    """A small file's bytes; InputError where it cannot be read."""
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise InputError.of(f"cannot be read: {error.strerror}", file=path) from None


def text_of(path: str) -> str:
    """A small file's text; InputError where it cannot be read or is none."""
    try:
        return bytes_of(path).decode()
    except UnicodeDecodeError:
        raise InputError.of("is not UTF-8 text", file=path) from None


class Signed(msgspec.Struct, frozen=True, kw_only=True):
    """What `gate audit checkpoint --json` prints; ``root`` is base64, as in the note."""

    origin: str
    size: int
    root: str
    note: str


@click.command(
    epilog="""\b
Examples:
  openssl genpkey -algorithm ed25519 -out checkpoint.pem
  gate audit checkpoint --dsn embedded --key checkpoint.pem > ledger.note
"""
)
@database_option
@click.option(
    "--key", "key_path", type=EXISTING_FILE, metavar="FILE",
    help="Ed25519 private key (PEM); else GATE_CHECKPOINT_KEY, a file or the PEM itself.",
)  # fmt: skip
@click.option(
    "--origin", envvar="GATE_LEDGER_ORIGIN", default="saturday-gate", show_default=True,
    metavar="NAME", help="The name of this ledger in the note; else GATE_LEDGER_ORIGIN.",
)  # fmt: skip
@json_option
def checkpoint(dsn: str | None, key_path: str | None, origin: str, as_json: bool) -> None:
    """Sign the ledger as it stands and print the note, to be kept outside the database.

    The note is a C2SP tlog-checkpoint. A Git commit or an object store is a good place for it:
    `gate audit verify --against` later finds a missing tail, or a chain rewritten whole.
    """
    from gate.ledger.checkpoint import checkpoint as sign  # noqa: PLC0415
    from gate.ledger.checkpoint import parse_note  # noqa: PLC0415

    key = _signing_key(key_path, os.environ)
    with session(dsn) as connection:
        note = sign(connection, key, origin)
    if as_json:
        found = parse_note(note)
        root = note.split("\n")[2]
        print_json(Signed(origin=found.origin, size=found.size, root=root, note=note))
    else:
        write(note.encode())


@click.command(
    epilog="""\b
Examples:
  gate audit prove 17 --dsn embedded
  gate audit prove --old-size 1000 --size 2000 --dsn embedded --json
"""
)
@click.argument("seq", metavar="[SEQ]", type=click.IntRange(min=1), required=False)
@click.option(
    "--size", type=click.IntRange(min=0), metavar="N",
    help="The size of the tree, as a checkpoint names it; default: the whole ledger.",
)  # fmt: skip
@click.option(
    "--old-size", type=click.IntRange(min=0), metavar="M",
    help="Prove instead that the first M rows are the beginning of the first N.",
)  # fmt: skip
@database_option
@json_option
def prove(
    seq: int | None, size: int | None, old_size: int | None, dsn: str | None, as_json: bool
) -> None:
    """Prove that row SEQ is in the ledger, or that a ledger grew from a smaller one (RFC 6962).

    Compare the proof's root with that of a checkpoint whose signature you trust. Hashes are hex.
    """
    from gate.ledger import prove as proofs  # noqa: PLC0415
    from gate.ledger.read import entries  # noqa: PLC0415

    if (seq is None) == (old_size is None):
        raise click.UsageError("give either SEQ or --old-size M")
    proof: proofs.Inclusion | proofs.Consistency
    with session(dsn) as connection:
        if seq is not None:
            proof = proofs.prove_inclusion(connection, seq, size=size)
        else:
            assert old_size is not None
            if size is None:
                newest = entries(connection, limit=1)
                size = newest[0].seq if newest else 0
            proof = proofs.prove_consistency(connection, old_size, size)
    if as_json:
        print_json(proof)
        return
    for name in proof.__struct_fields__:
        value = getattr(proof, name)
        click.echo(f"{name:10} {value if name != 'path' else len(value)}")
    for number, each in enumerate(proof.path, 1):
        click.echo(f"  {number:8} {each}")


def _signing_key(path: str | None, environ: Mapping[str, str]) -> bytes:
    """The private key's PEM; InputError where none is named."""
    if path is not None:
        return bytes_of(path)
    given = environ.get("GATE_CHECKPOINT_KEY") or ""
    if not given:
        raise InputError.of(
            "no key is named", field="--key",
            mend="give --key FILE or GATE_CHECKPOINT_KEY; openssl genpkey -algorithm ed25519"
            " -out FILE makes one",
        )  # fmt: skip
    return given.encode() if "-----BEGIN" in given else bytes_of(given)
