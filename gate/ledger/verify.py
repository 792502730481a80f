"""Verify the ledger: walk the chain, recompute everything, name the first row that is wrong.

All of it reads one snapshot, so appends may go on meanwhile. Large ledgers are cut into chunks that
worker processes look at side by side; the ends of neighbouring chunks are then joined.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import msgspec
import psycopg
from psycopg.rows import class_row

from gate.ledger.checkpoint import Checkpoint, read_checkpoint
from gate.ledger.merkle import Tree
from gate.ledger.verify_chunk import CHUNK_ROWS, Chunk, verify_chunk
from gate.ledger.verify_worker import worker_chunks
from gate.store.queries import query

Progress = Callable[[int, int], None]
"""Called with (rows looked at, rows in all)."""

GENESIS = bytes(32)
_ROWS_WORTH_WORKERS = 4 * CHUNK_ROWS


class Verification(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of ``gate audit verify``: ``rows`` that are good, and the first that is not.

    ``first_bad_seq`` may be the number of a row that ought to be there and is not. It is None where
    all is well.
    """

    ok: bool
    rows: int
    first_bad_seq: int | None
    why: str | None


class _Bounds(msgspec.Struct, frozen=True, kw_only=True):
    heads: int
    head_seq: int
    head_hash: bytes
    first_seq: int | None
    last_seq: int


def verify(
    connection: psycopg.Connection,
    *,
    against: str | None = None,
    key: bytes | None = None,
    progress: Progress | None = None,
    workers: int | None = None,
) -> Verification:
    """Verify the whole ledger, and that it still begins as a checkpoint says.

    ``against`` is the text of a checkpoint, ``key`` the PEM (public or private) of who signed it;
    without a key its root is compared but not its signature. ``workers`` is the number of processes
    (default: one a core where the ledger is large enough for it, else none but this one).

    Raises `gate.core.problems.InputError` where the checkpoint cannot be read or is not signed by
    the key, and `StoreUnavailable` or psycopg's errors where the database is gone.
    """
    checkpoint = read_checkpoint(against, key) if against is not None else None
    with connection.transaction():
        connection.execute(query("ledger", "snapshot"))
        with connection.cursor(row_factory=class_row(_Bounds)) as cursor:
            bounds = cursor.execute(query("ledger", "bounds")).fetchone()
        assert bounds is not None
        connection.execute(query("ledger", "walk_settings"))
        if bounds.first_seq is not None and bounds.first_seq < 1:
            return _bad(bounds.first_seq, f"row {bounds.first_seq} lies before the first", rows=0)
        tree_rows = checkpoint.size if checkpoint else 0
        chain = _Chain(bounds.last_seq, progress)
        with _chunks(connection, bounds.last_seq, tree_rows, workers) as chunks:
            bad = next(filter(None, map(chain.join, chunks)), None)
    return (
        bad
        or _head_fault(bounds, chain.last_hash)
        or _checkpoint_fault(checkpoint, chain.tree, bounds.last_seq)
        or Verification(ok=True, rows=bounds.last_seq, first_bad_seq=None, why=None)
    )


def _bad(seq: int, why: str, *, rows: int | None = None) -> Verification:
    return Verification(
        ok=False, rows=seq - 1 if rows is None else rows, first_bad_seq=seq, why=why
    )


class _Chain:
    """The chunks as they come, joined to one chain."""

    def __init__(self, size: int, progress: Progress | None) -> None:
        self.last_hash = GENESIS
        self.tree = Tree()
        self._rows = 0
        self._size = size
        self._progress = progress

    def join(self, chunk: Chunk) -> Verification | None:
        first = self._rows + 1
        if chunk.rows and chunk.first_prev_hash != self.last_hash:
            return _bad(first, "prev_hash is not the hash of the row before")
        if chunk.bad is not None:
            return _bad(*chunk.bad)
        self._rows += chunk.rows
        self.last_hash = chunk.last_hash or self.last_hash
        self.tree.extend(Tree.from_frontier(chunk.tree_rows, chunk.frontier))
        if self._progress is not None:
            self._progress(self._rows, self._size)
        return None


def _head_fault(bounds: _Bounds, last_hash: bytes) -> Verification | None:
    """The head row must tell the same end of the chain as the rows do."""
    last = bounds.last_seq
    if bounds.heads != 1:
        return _bad(last + 1, f"the ledger has {bounds.heads} head rows", rows=last)
    if bounds.head_seq > last:
        return _bad(last + 1, f"row {last + 1} is missing: the head row counts {bounds.head_seq}")
    if bounds.head_seq < last:
        seq = bounds.head_seq + 1
        return _bad(seq, f"row {seq} was not appended: the head row counts {bounds.head_seq}")
    if bounds.head_hash != last_hash:
        return _bad(max(last, 1), "the head row has another hash", rows=last)
    return None


def _checkpoint_fault(checkpoint: Checkpoint | None, tree: Tree, last: int) -> Verification | None:
    if checkpoint is None:
        return None
    if checkpoint.size > last:
        return _bad(last + 1, f"row {last + 1} is missing: the checkpoint counts {checkpoint.size}")
    if tree.root() != checkpoint.root:
        why = f"the chain was rewritten: its first {checkpoint.size} rows are not the checkpoint's"
        return _bad(1, why, rows=0)
    return None


@contextmanager
def _chunks(
    connection: psycopg.Connection, size: int, tree_rows: int, workers: int | None
) -> Iterator[Iterator[Chunk]]:
    spans = [
        (low, min(low + CHUNK_ROWS, size + 1), min(max(tree_rows - low + 1, 0), CHUNK_ROWS))
        for low in range(1, size + 1, CHUNK_ROWS)
    ]
    if workers is None:
        workers = (os.cpu_count() or 1) if size >= _ROWS_WORTH_WORKERS else 0
    if workers < 1:
        yield (verify_chunk(connection, *span) for span in spans)
        return
    with worker_chunks(connection, spans, min(workers, len(spans) or 1)) as chunks:
        yield chunks
