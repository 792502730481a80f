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

import msgspec
import psycopg
from psycopg.rows import class_row, dict_row

from gate.ledger.merkle import Tree, leaf_hash
from gate.ledger.projection import disagreement
from gate.store.queries import query

CHUNK_ROWS = 1 << 16
"""Rows a chunk, a power of two: a whole chunk is a subtree of the Merkle tree."""
BATCH_ROWS = 2000
_HASH = 32
# at, effect, id, request, action, invoker, verdict, policy: in every decision.
_FIXED_KEYS = 8


class _Request(msgspec.Struct, omit_defaults=True):
    action: str
    actor: str | None = None
    environment: str | None = None
    invoker: str | None = None
    namespace: str | None = None
    repository: str | None = None
    service: str | None = None


class _Override(msgspec.Struct):
    id: str


class _Policy(msgspec.Struct, omit_defaults=True):
    sha256: str | None = None


class _Facts(msgspec.Struct, omit_defaults=True):
    """What a decision's payload says of its columns, in the order of the query ``copy_rows``."""

    at: str
    effect: str
    id: str
    request: _Request
    verdict: str
    override: _Override | None = None
    phase: str | None = None
    policy: _Policy | None = None


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


class _Batch(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of the query ``batch``."""

    seqs: bytes
    lengths: bytes
    payloads: bytes
    prev_hashes: bytes
    hashes: bytes
    usual: bool
    keys: int
    facts: str

    def holds(self, first: int, last_hash: bytes | None) -> bool:
        """Whether numbers, links and columns are right, from `first` on; not yet the hashes."""
        if not self.usual:
            return False
        count = len(self.seqs) // 8
        if struct.unpack(f">{count}q", self.seqs) != tuple(range(first, first + count)):
            return False
        if self.prev_hashes[_HASH:] != self.hashes[:-_HASH]:
            return False
        if last_hash is not None and self.prev_hashes[:_HASH] != last_hash:
            return False
        return self._columns_agree(count)

    def _columns_agree(self, count: int) -> bool:
        """A column is put between quotes as it stands, so a text with a quote in it could play
        another column's part; it could not do so and keep the number of keys right as well.
        """
        try:
            expected = _encode(_decode(b"[" + self.payloads + b"]"))
        except msgspec.DecodeError:
            return False
        keys = _FIXED_KEYS * count + self.keys
        return expected == f"[{self.facts}]".encode() and expected.count(b'":') == keys

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


def verify_chunk(connection: psycopg.Connection, first: int, end: int, tree_rows: int = 0) -> Chunk:
    """Look at rows `first` to ``end - 1``; the tree is made of the first `tree_rows` of them.

    Needs a session whose TimeZone is UTC.
    """
    tree = Tree()
    first_prev_hash = last_hash = None
    for start in range(first, end, BATCH_ROWS):
        stop = min(start + BATCH_ROWS, end)
        batch = _fetch(connection, start, stop)
        payloads = batch.split()
        whole = len(payloads) == stop - start
        if not (whole and batch.holds(start, last_hash) and batch.is_hashed(payloads)):
            bad = _first_fault(connection, start, stop, last_hash)
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


def _fetch(connection: psycopg.Connection, first: int, end: int) -> _Batch:
    with connection.cursor(binary=True, row_factory=class_row(_Batch)) as cursor:
        cursor.execute(query("ledger", "batch"), {"first": first, "end": end})
        batch = cursor.fetchone()
    assert batch is not None
    return batch


def _first_fault(
    connection: psycopg.Connection, first: int, end: int, last_hash: bytes | None
) -> tuple[int, str] | None:
    """The long way over a batch: what is wrong with its first bad row, if any is."""
    expected = first
    with connection.cursor(row_factory=dict_row) as cursor:
        for row in cursor.execute(query("ledger", "columns"), {"first": first, "end": end}):
            seq, prev_hash = row["seq"], row["prev_hash"]
            if seq != expected:
                break
            if last_hash is not None and prev_hash != last_hash:
                return seq, "prev_hash is not the hash of the row before"
            if hashlib.sha256(prev_hash + row["payload"]).digest() != row["hash"]:
                return seq, "hash is not SHA-256 of prev_hash and payload"
            why = disagreement(row)
            if why is not None:
                return seq, why
            last_hash = row["hash"]
            expected += 1
        else:
            seq = end
    if seq < expected:
        return seq, f"row {seq} is there twice"
    return None if expected == end else (expected, f"row {expected} is missing")
