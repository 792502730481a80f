"""Verify one stretch of the ledger: what a worker does.

Two ways lead over a batch of rows. The short one never takes a bad row for a good one, but says no
more than *all good* or *perhaps not*; the long one looks at each row and each column by
`gate.ledger.projection` and names the first that is wrong.

Where the time of the short way goes: PostgreSQL lays the batch end to end and says what its columns
hold, OpenSSL hashes each row, msgspec decodes the payloads and encodes what the columns should
hold; links, hashes and columns are then one comparison of bytes each.
"""

import hashlib
import struct
from collections.abc import Sequence
from typing import Any

import msgspec
import psycopg
from psycopg.rows import class_row, dict_row

from gate.ledger.merkle import Tree, leaf_hash
from gate.ledger.projection import disagreement
from gate.store.queries import query

CHUNK_ROWS = 1 << 16
"""Rows a chunk, a power of two: a whole chunk is a subtree of the Merkle tree."""
# Larger answers no longer fit the cache: two thousand rows took a third longer each.
BATCH_ROWS = 500
_HASH = 32
# In facts: sixteen keys and thirteen texts, with two quotes each.
_QUOTES = 2 * (16 + 13)


class _Request(msgspec.Struct, gc=False):
    action: str
    actor: str = ""
    environment: str = ""
    invoker: str = ""
    namespace: str = ""
    repository: str = ""
    service: str = ""


class _Policy(msgspec.Struct, gc=False):
    sha256: str


class _Facts(msgspec.Struct, gc=False):
    """What a decision's payload says of its columns, in the order of the query ``batch``."""

    at: str
    effect: str
    id: str
    override: None
    phase: str
    policy: _Policy
    request: _Request
    verdict: str


_decode = msgspec.json.Decoder(list[_Facts]).decode
_encode = msgspec.json.Encoder().encode


class Chunk(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of some rows after looking.

    ``rows`` of them are good, from the first on; ``first_prev_hash`` and ``last_hash`` join them to
    the rows around; ``bad`` is (seq, why) of the first that is not good; ``frontier`` is that of
    the tree of the first ``tree_rows`` payloads.
    """

    rows: int
    first_prev_hash: bytes | None = None
    last_hash: bytes | None = None
    bad: tuple[int, str] | None = None
    tree_rows: int = 0
    frontier: tuple[bytes, ...] = ()


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of the query ``batch``."""

    seqs: bytes
    lengths: bytes
    payloads: bytes
    prev_hashes: bytes
    hashes: bytes
    unusual: list[int]
    nulls: int
    facts: str

    def is_linked(self, first: int, end: int, last_hash: bytes | None) -> bool:
        """Whether it is rows `first` to ``end - 1``, each with the hash of the one before it."""
        return (
            len(self.seqs) == 8 * (end - first)
            and struct.unpack(f">{end - first}q", self.seqs) == tuple(range(first, end))
            and self.prev_hashes[_HASH:] == self.hashes[:-_HASH]
            and last_hash in (None, self.prev_hashes[:_HASH])
        )

    def split(self) -> list[bytes]:
        """The payloads."""
        lengths = struct.unpack(f">{len(self.lengths) // 4}i", self.lengths)
        payloads, start, blob = [], 0, self.payloads
        for length in lengths:
            payloads.append(blob[start : start + length])
            start += length + 1
        return payloads

    def is_hashed(self, payloads: list[bytes]) -> bool:
        """Whether each hash is SHA-256 of its prev_hash and payload."""
        sha256, prev_hashes, start = hashlib.sha256, self.prev_hashes, 0
        digests = []
        for payload in payloads:
            digests.append(sha256(prev_hashes[start : start + _HASH] + payload).digest())
            start += _HASH
        return b"".join(digests) == self.hashes

    def columns_agree(self, first: int, payloads: list[bytes]) -> bool:
        """Whether the columns of the usual rows are, byte for byte, what their payloads give.

        The database puts a text between quotes as it stands. One with a quote or a backslash in it
        could play another column's part, or pass for its escaped self, so what has either is left
        to the long way.
        """
        blob, count = self.payloads, len(payloads) - len(self.unusual)
        if self.unusual:
            left_out = set(self.unusual)
            usual = (each for seq, each in enumerate(payloads, first) if seq not in left_out)
            blob = b",".join(usual)
        try:
            expected = _encode(_decode(b"[" + blob + b"]"))
        except msgspec.DecodeError:
            return False
        return (
            expected == f"[{self.facts}]".encode()
            and b"\\" not in expected
            and expected.count(b'"') == _QUOTES * count
            and expected.count(b':""') == self.nulls
        )


def verify_chunk(connection: psycopg.Connection, first: int, end: int, tree_rows: int = 0) -> Chunk:
    """Look at rows `first` to ``end - 1``; the tree is made of the first `tree_rows` of them.

    Needs a session whose TimeZone is UTC.
    """
    tree = Tree()
    first_prev_hash = last_hash = None
    for start in range(first, end, BATCH_ROWS):
        stop = min(start + BATCH_ROWS, end)
        batch = fetch_batch(connection, start, stop)
        payloads = batch.split()
        doubtful: Sequence[int] = batch.unusual
        if not (
            batch.is_linked(start, stop, last_hash)
            and batch.is_hashed(payloads)
            and batch.columns_agree(start, payloads)
        ):
            doubtful = range(start, stop)
        bad = _first_fault(connection, doubtful, last_hash) if doubtful else None
        if bad is not None:
            known = first_prev_hash or batch.prev_hashes[:_HASH] or None
            return Chunk(rows=bad[0] - first, first_prev_hash=known, bad=bad)
        first_prev_hash = first_prev_hash or batch.prev_hashes[:_HASH]
        last_hash = batch.hashes[-_HASH:]
        for payload in payloads[: max(0, tree_rows - tree.size)]:
            tree.append(leaf_hash(payload))
    return Chunk(
        rows=end - first,
        first_prev_hash=first_prev_hash,
        last_hash=last_hash,
        tree_rows=tree.size,
        frontier=tuple(tree.frontier),
    )


def fetch_batch(connection: psycopg.Connection, first: int, end: int) -> Batch:
    """Rows `first` to ``end - 1`` as the database lays them end to end."""
    with connection.cursor(binary=True, row_factory=class_row(Batch)) as cursor:
        cursor.execute(query("ledger", "batch"), {"first": first, "end": end})
        batch = cursor.fetchone()
    assert batch is not None
    return batch


def _first_fault(
    connection: psycopg.Connection, seqs: Sequence[int], last_hash: bytes | None
) -> tuple[int, str] | None:
    """The long way over some rows: what is wrong with the first bad one, if any is.

    Links are looked at where all rows of a batch are, from `last_hash` on.
    """
    whole = isinstance(seqs, range)
    found: dict[int, dict[str, Any]] = {}
    with connection.cursor(row_factory=dict_row) as cursor:
        for row in cursor.execute(query("ledger", "columns"), {"seqs": list(seqs)}):
            if row["seq"] in found:
                return row["seq"], f"row {row['seq']} is there twice"
            found[row["seq"]] = row
    for seq in seqs:
        if seq not in found:
            return seq, f"row {seq} is missing"
        row = found[seq]
        if whole and last_hash is not None and row["prev_hash"] != last_hash:
            return seq, "prev_hash is not the hash of the row before"
        if hashlib.sha256(row["prev_hash"] + row["payload"]).digest() != row["hash"]:
            return seq, "hash is not SHA-256 of prev_hash and payload"
        why = disagreement(row)
        if why is not None:
            return seq, why
        last_hash = row["hash"]
    return None
