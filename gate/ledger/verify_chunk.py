"""Verify one stretch of the ledger: what a worker does.

Where the time goes, for a row of some 740 bytes: PostgreSQL sends it and says what its columns
hold, OpenSSL hashes it, msgspec decodes the payload and encodes what the columns should hold, and
one comparison of bytes settles five hundred rows. What does not fit that short way is judged row
by row by `gate.ledger.projection`; the short way never takes a bad row for a good one.
"""

import hashlib
from collections.abc import Iterator

import msgspec
import psycopg
from psycopg.rows import dict_row

from gate.ledger.merkle import Tree, leaf_hash
from gate.ledger.projection import disagreement
from gate.store.queries import query

CHUNK_ROWS = 1 << 16
"""Rows a chunk, a power of two: a whole chunk is a subtree of the Merkle tree."""
_BATCH_ROWS = 500
_TYPES = ["int8", "bytea", "bytea", "bytea", "bool", "int4", "bytea"]
# at, effect, id, request, action, invoker, verdict: never null.
_FIXED_KEYS = 7


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


class _Batch(msgspec.Struct):
    """Rows that are hashed and linked as they should be, their columns not yet judged."""

    first_seq: int
    payloads: list[bytes]
    facts: list[bytes]
    keys: int
    usual: bool


def verify_chunk(connection: psycopg.Connection, first: int, end: int, tree_rows: int = 0) -> Chunk:
    """Look at rows `first` to ``end - 1``; the tree is made of the first `tree_rows` of them.

    Needs a session whose TimeZone is UTC and two round trips where all is well.
    """
    walk = _Walk(first)
    tree = Tree()
    doubtful: list[_Batch] = []
    span = {"first": first, "end": end}
    with connection.cursor() as cursor, cursor.copy(query("ledger", "copy_rows"), span) as copy:
        copy.set_types(_TYPES)
        rows = copy.rows()
        for batch in walk.batches(rows):
            if not _columns_agree(batch):
                doubtful.append(batch)
            for payload in batch.payloads[: max(0, tree_rows - tree.size)]:
                tree.append(leaf_hash(payload))
        # A copy that is left early would have to be cancelled, and the transaction with it.
        for _ in rows:
            pass
    bad = walk.bad
    if bad is None and walk.expected < end:
        bad = walk.expected, f"row {walk.expected} is missing"
    for batch in doubtful:
        found = _first_disagreement(connection, batch)
        if found is not None:
            bad = found
            break
    return Chunk(
        rows=(bad[0] if bad else end) - first,
        first_prev_hash=walk.first_prev_hash,
        last_hash=walk.last_hash,
        bad=bad,
        tree_rows=tree.size,
        frontier=tuple(tree.frontier),
    )


class _Walk:
    """A walk along the chain, as far as it holds."""

    def __init__(self, first: int) -> None:
        self.expected = first
        self.first_prev_hash: bytes | None = None
        self.last_hash: bytes | None = None
        self.bad: tuple[int, str] | None = None

    def batches(
        self, rows: Iterator[tuple[int, bytes, bytes, bytes, bool, int, bytes]]
    ) -> Iterator[_Batch]:
        """The rows in batches, until one does not follow from the one before it."""
        sha256 = hashlib.sha256
        expected = self.expected
        last: bytes | None = None
        batch = _Batch(expected, [], [], 0, True)
        for seq, prev_hash, row_hash, payload, usual, keys, facts in rows:
            if last is None:
                last = self.first_prev_hash = prev_hash
            if (
                seq != expected
                or prev_hash != last
                or sha256(prev_hash + payload).digest() != row_hash
            ):
                self.bad = _fault(seq, expected, prev_hash == last)
                break
            last = row_hash
            expected += 1
            batch.payloads.append(payload)
            batch.facts.append(facts)
            batch.keys += keys
            if not usual:
                batch.usual = False
            if len(batch.payloads) == _BATCH_ROWS:
                yield batch
                batch = _Batch(expected, [], [], 0, True)
        self.last_hash, self.expected = last, expected
        if batch.payloads:
            yield batch


def _fault(seq: int, expected: int, linked: bool) -> tuple[int, str]:
    if seq > expected:
        return expected, f"row {expected} is missing"
    if seq < expected:
        return seq, f"row {seq} is there twice"
    if not linked:
        return seq, "prev_hash is not the hash of the row before"
    return seq, "hash is not SHA-256 of prev_hash and payload"


def _columns_agree(batch: _Batch) -> bool:
    """The short way: the columns' facts are, byte for byte, what the payloads give.

    A column is put between quotes as it stands, so a text with a quote in it could play another
    column's part; it could not do so and keep the number of keys right as well.
    """
    if not batch.usual:
        return False
    try:
        expected = _encode(_decode(b"[" + b",".join(batch.payloads) + b"]"))
    except msgspec.DecodeError:
        return False
    keys = _FIXED_KEYS * len(batch.payloads) + batch.keys
    return expected == b"[" + b",".join(batch.facts) + b"]" and expected.count(b'":') == keys


def _first_disagreement(connection: psycopg.Connection, batch: _Batch) -> tuple[int, str] | None:
    seqs = list(range(batch.first_seq, batch.first_seq + len(batch.payloads)))
    with connection.cursor(row_factory=dict_row) as cursor:
        for row in cursor.execute(query("ledger", "columns"), {"seqs": seqs}):
            why = disagreement(row)
            if why is not None:
                return row["seq"], why
    return None
