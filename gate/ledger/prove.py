"""Inclusion and consistency proofs (RFC 6962, 2.1.1 and 2.1.2), made and verified.

Making one reads the payloads of the tree it is about once, in constant memory. Verifying needs no
database: a proof is a value that carries what it claims.
"""

from collections.abc import Sequence

import msgspec
import psycopg

from gate.core.problems import InputError
from gate.ledger.checkpoint import stream_payloads
from gate.ledger.merkle import (
    Segment,
    Tree,
    consistency_segments,
    inclusion_segments,
    is_consistent,
    leaf_hash,
    root_of_inclusion,
)
from gate.store.queries import query


class Inclusion(msgspec.Struct, frozen=True, kw_only=True):
    """That row ``seq`` is in the tree of ``size`` rows; hashes in lower-case hex."""

    seq: int
    size: int
    leaf_hash: str
    root: str
    path: tuple[str, ...]


class Consistency(msgspec.Struct, frozen=True, kw_only=True):
    """That the tree of ``old_size`` rows is the beginning of that of ``new_size``; in hex."""

    old_size: int
    new_size: int
    old_root: str
    new_root: str
    path: tuple[str, ...]


def prove_inclusion(
    connection: psycopg.Connection, seq: int, *, size: int | None = None
) -> Inclusion:
    """Prove that row `seq` is among the first `size` (default: all).

    Raises `InputError` where the ledger has no such rows.
    """
    size = _size(connection, size)
    if not 1 <= seq <= size:
        raise InputError.of(f"there is no row {seq} among {size}", field="SEQ", mend=f"1 to {size}")
    segments = inclusion_segments(seq - 1, size)
    leaf_segment = (seq - 1, seq)
    roots, root = _roots(connection, size, [*segments, leaf_segment])
    return Inclusion(seq=seq, size=size, leaf_hash=roots[-1], root=root, path=tuple(roots[:-1]))


def prove_consistency(connection: psycopg.Connection, old_size: int, new_size: int) -> Consistency:
    """Prove that the first `old_size` rows are the beginning of the first `new_size`.

    Raises `InputError` where the ledger has no such rows.
    """
    new_size = _size(connection, new_size)
    if not 0 <= old_size <= new_size:
        raise InputError.of(
            f"{old_size} rows are not the beginning of {new_size}",
            field="M",
            mend=f"0 to {new_size}",
        )
    segments = consistency_segments(old_size, new_size) if old_size else []
    roots, new_root = _roots(connection, new_size, [*segments, (0, old_size)])
    return Consistency(
        old_size=old_size,
        new_size=new_size,
        old_root=roots[-1],
        new_root=new_root,
        path=tuple(roots[:-1]),
    )


def holds(proof: Inclusion | Consistency, *, payload: bytes | None = None) -> bool:
    """Whether a proof is right in itself; with `payload`, whether its leaf is of that decision.

    Compare its root with that of a checkpoint whose signature you trust: that is what it proves.
    """
    try:
        path = [bytes.fromhex(each) for each in proof.path]
        if isinstance(proof, Consistency):
            roots = bytes.fromhex(proof.old_root), bytes.fromhex(proof.new_root)
            return is_consistent(proof.old_size, proof.new_size, *roots, path)
        leaf = bytes.fromhex(proof.leaf_hash)
        found = root_of_inclusion(leaf, proof.seq - 1, proof.size, path)
        return (
            found == bytes.fromhex(proof.root)
            and payload in (None, payload)
            and (payload is None or leaf_hash(payload) == leaf)
        )
    except ValueError:
        return False


def _size(connection: psycopg.Connection, size: int | None) -> int:
    row = connection.execute(query("ledger", "size")).fetchone()
    assert row is not None
    last: int = row[0]
    if size is None:
        return last
    if not 0 <= size <= last:
        raise InputError.of(f"the ledger has {last} rows, not {size}", mend=f"at most {last}")
    return size


def _roots(
    connection: psycopg.Connection, size: int, segments: Sequence[Segment]
) -> tuple[list[str], str]:
    """The roots of stretches of leaves, and that of the first `size`, in one pass."""
    trees = [Tree() for _ in segments]
    whole = Tree()
    starts = sorted(range(len(segments)), key=lambda place: segments[place])
    active: list[int] = []
    for index, payload in enumerate(stream_payloads(connection, 1, size)):
        while starts and segments[starts[0]][0] <= index:
            active.append(starts.pop(0))
        leaf = leaf_hash(payload)
        whole.append(leaf)
        for place in active:
            if index < segments[place][1]:
                trees[place].append(leaf)
        active = [place for place in active if index + 1 < segments[place][1]]
    return [tree.root().hex() for tree in trees], whole.root().hex()
