"""Checkpoints: the ledger's Merkle root, signed, to be kept where its owner cannot write.

The form is C2SP's tlog-checkpoint in a C2SP signed note: three lines (origin, size, base64 of the
root), an empty line, and a line a signature: ``— NAME BASE64``, the latter being four bytes of key
id and the Ed25519 signature of the text up to and with the newline before the empty line. The key
id is the start of SHA-256 of name, newline, ``0x01`` (Ed25519) and the public key. The name of the
key is the origin, as tlog-checkpoint recommends.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator
from datetime import datetime

import msgspec
import psycopg
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from psycopg.rows import class_row

from gate.core.problems import InputError
from gate.ledger.merkle import Tree, leaf_hash
from gate.store.queries import query

_ED25519 = b"\x01"
_ORIGIN = re.compile(r"[^\s+]{1,200}")
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")
_SIGNATURE = re.compile(r"— (\S+) (\S+)")


class Checkpoint(msgspec.Struct, frozen=True, kw_only=True):
    """What a signed note says: the first ``size`` rows of ledger ``origin`` have ``root``."""

    origin: str
    size: int
    root: bytes
    body: str
    """The text that is signed, with its last newline."""
    signatures: tuple[tuple[str, bytes], ...]
    """Key name, and key id with the signature behind it."""


def note_body(origin: str, size: int, root: bytes) -> str:
    """The text of a checkpoint that is signed."""
    return f"{origin}\n{size}\n{base64.b64encode(root).decode()}\n"


def key_id(name: str, public_key: bytes) -> bytes:
    """The four bytes that say which Ed25519 key signed under `name`."""
    return hashlib.sha256(name.encode() + b"\n" + _ED25519 + public_key).digest()[:4]


def sign(origin: str, size: int, root: bytes, private_key: Ed25519PrivateKey) -> str:
    """The signed note."""
    body = note_body(origin, size, root)
    public = private_key.public_key().public_bytes_raw()
    blob = key_id(origin, public) + private_key.sign(body.encode())
    return f"{body}\n— {origin} {base64.b64encode(blob).decode()}\n"


def parse_note(text: str) -> Checkpoint:
    """Read a signed note without judging its signatures. Raises `InputError`."""
    body, gap, tail = text.rpartition("\n\n")
    lines = (body + "\n").split("\n")[:-1]
    signatures = [_SIGNATURE.fullmatch(line) for line in tail.splitlines()]
    try:
        if (
            not gap
            or len(lines) < 3
            or not tail.endswith("\n")
            or not all(signatures)
            or not signatures
        ):
            raise ValueError
        if not _ORIGIN.fullmatch(lines[0]) or not _SIZE.fullmatch(lines[1]):
            raise ValueError
        root = base64.b64decode(lines[2], validate=True)
        if len(root) != 32:
            raise ValueError
        signed = tuple((m[1], base64.b64decode(m[2], validate=True)) for m in signatures if m)
    except (ValueError, binascii.Error):
        raise InputError.of(
            "this is no checkpoint",
            field="--against",
            mend="give what `gate audit checkpoint` printed, whole",
        ) from None
    return Checkpoint(
        origin=lines[0], size=int(lines[1]), root=root, body=body + "\n", signatures=signed
    )


def read_checkpoint(text: str, key: bytes | None) -> Checkpoint:
    """Read a signed note, and with a key (PEM, public or private) hold it to its signature.

    Raises `InputError` where it is no note, or the key has not signed it.
    """
    checkpoint = parse_note(text)
    if key is None:
        return checkpoint
    public_key = public_key_of(key)
    mine = key_id(checkpoint.origin, public_key.public_bytes_raw())
    for name, blob in checkpoint.signatures:
        if name == checkpoint.origin and blob[:4] == mine:
            try:
                public_key.verify(blob[4:], checkpoint.body.encode())
            except InvalidSignature:
                break
            return checkpoint
    raise InputError.of(
        "the checkpoint is not signed by this key", field="--key", mend="give the key that made it"
    )


def private_key_of(pem: bytes) -> Ed25519PrivateKey:
    """The signing key of a PEM. Raises `InputError` for anything but an Ed25519 private key."""
    try:
        found = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        found = None
    if not isinstance(found, Ed25519PrivateKey):
        raise InputError.of(
            "this is no Ed25519 private key in PEM, without a passphrase",
            field="--key",
            mend="make one: openssl genpkey -algorithm ed25519 -out checkpoint.pem",
        )
    return found


def public_key_of(pem: bytes) -> Ed25519PublicKey:
    """The verifying key of a PEM, public or private. Raises `InputError`."""
    if b"PRIVATE KEY" in pem:
        return private_key_of(pem).public_key()
    try:
        found = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm):
        found = None
    if not isinstance(found, Ed25519PublicKey):
        raise InputError.of(
            "this is no Ed25519 key in PEM",
            field="--key",
            mend="openssl pkey -in checkpoint.pem -pubout",
        )
    return found


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """A checkpoint as it is kept beside the ledger."""

    origin: str
    size: int
    root: bytes
    note: str
    made_at: datetime


def checkpoint(connection: psycopg.Connection, key: bytes, origin: str) -> str:
    """Sign the ledger as it stands and return the note; it is kept in ``ledger_checkpoints``, too.

    ``key`` is the PEM of an Ed25519 private key, ``origin`` names the ledger (no spaces, no ``+``),
    say ``example.com/saturday-gate``. Only the rows after this key's newest checkpoint are read:
    that one's signature vouches for the subtrees before them, whoever stored them.

    Raises `InputError` for a bad key or origin, and where the ledger is shorter than what this key
    has signed before.
    """
    private_key = private_key_of(key)
    if not _ORIGIN.fullmatch(origin):
        raise InputError.of(
            f"{origin!r} cannot name a ledger",
            field="--origin",
            mend="no spaces and no +, say example.com/gate",
        )
    with connection.transaction():
        connection.execute(query("ledger", "repeatable_read"))
        tree = _newest_tree(connection, private_key, origin)
        before = tree.size
        for payload in stream_payloads(connection, before + 1):
            tree.append(leaf_hash(payload))
        note = sign(origin, tree.size, tree.root(), private_key)
        parameters = {
            "origin": origin,
            "size": tree.size,
            "root": tree.root(),
            "note": note,
            "frontier": tree.frontier,
            "key_id": key_id(origin, private_key.public_key().public_bytes_raw()),
        }
        connection.execute(query("ledger", "keep_checkpoint"), parameters)
    return note


def _newest_tree(connection: psycopg.Connection, key: Ed25519PrivateKey, origin: str) -> Tree:
    """The tree of this key's newest checkpoint, where its signature and its subtrees hold."""
    public = key.public_key().public_bytes_raw()
    row = connection.execute(
        query("ledger", "newest_checkpoint"), {"origin": origin, "key_id": key_id(origin, public)}
    ).fetchone()
    if row is None:
        return Tree()
    note, frontier, last_seq = row
    try:
        signed = parse_note(note)
        key.public_key().verify(signed.signatures[0][1][4:], signed.body.encode())
        tree = Tree.from_frontier(signed.size, frontier)
    except (InputError, InvalidSignature, ValueError):
        return Tree()
    if signed.origin != origin or tree.root() != signed.root:
        return Tree()
    if signed.size > last_seq:
        raise InputError.of(
            f"rows are missing: the ledger has {last_seq}, this key has signed {signed.size}",
            mend="gate audit verify --against the checkpoint that you keep",
        )
    return tree


def stream_payloads(
    connection: psycopg.Connection, first: int, last: int | None = None
) -> Iterator[bytes]:
    """The payloads of rows `first` to `last` (default: all that follow), in order, as they come."""
    bounds = {"first": first, "last": last}
    with (
        connection.cursor() as cursor,
        cursor.copy(query("ledger", "copy_payloads"), bounds) as copy,
    ):
        copy.set_types(["bytea"])
        for row in copy.rows():
            yield row[0]


def checkpoints(connection: psycopg.Connection, *, limit: int = 20) -> list[Made]:
    """The newest checkpoints kept beside the ledger, newest first."""
    with connection.cursor(row_factory=class_row(Made)) as cursor:
        return cursor.execute(query("ledger", "checkpoints"), {"limit": limit}).fetchall()
