"""The tree and its proofs against RFC 6962's own recursive definitions."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.ledger.merkle import (
    EMPTY_ROOT,
    Tree,
    consistency_segments,
    inclusion_segments,
    is_consistent,
    leaf_hash,
    root_of_inclusion,
    tree_of,
)

sizes = st.integers(1, 70)


def leaves(count: int) -> list[bytes]:
    return [str(number).encode() for number in range(count)]


def split(count: int) -> int:
    k = 1
    while k * 2 < count:
        k *= 2
    return k


def mth(data: list[bytes]) -> bytes:
    if not data:
        return hashlib.sha256().digest()
    if len(data) == 1:
        return hashlib.sha256(b"\x00" + data[0]).digest()
    k = split(len(data))
    return hashlib.sha256(b"\x01" + mth(data[:k]) + mth(data[k:])).digest()


def path(m: int, data: list[bytes]) -> list[bytes]:
    if len(data) == 1:
        return []
    k = split(len(data))
    if m < k:
        return [*path(m, data[:k]), mth(data[k:])]
    return [*path(m - k, data[k:]), mth(data[:k])]


def subproof(m: int, data: list[bytes], whole: bool) -> list[bytes]:
    if m == len(data):
        return [] if whole else [mth(data)]
    k = split(len(data))
    if m <= k:
        return [*subproof(m, data[:k], whole), mth(data[k:])]
    return [*subproof(m - k, data[k:], False), mth(data[:k])]


def roots(segments: list[tuple[int, int]], data: list[bytes]) -> list[bytes]:
    return [mth(data[low:high]) for low, high in segments]


@given(st.integers(0, 150))
def test_the_root_is_mth(count: int) -> None:
    assert tree_of(map(leaf_hash, leaves(count))).root() == mth(leaves(count))


def test_known_roots_of_the_rfc_shape() -> None:
    assert EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert leaf_hash(b"").hex() == (
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    )


@given(st.integers(0, 90), st.integers(0, 90))
def test_a_frontier_goes_on_where_it_stopped(before: int, more: int) -> None:
    data = leaves(before + more)
    first = tree_of(map(leaf_hash, data[:before]))
    again = Tree.from_frontier(before, first.frontier)
    for each in data[before:]:
        again.append(leaf_hash(each))
    assert (again.size, again.root()) == (before + more, mth(data))


@given(st.integers(0, 6), st.integers(0, 16))
def test_whole_chunks_join(chunks: int, rest: int) -> None:
    data = leaves(16 * chunks + rest)
    joined = Tree()
    for start in range(0, len(data), 16):
        joined.extend(tree_of(map(leaf_hash, data[start : start + 16])))
    assert joined.root() == mth(data)


def test_a_frontier_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match="whole subtrees"):
        Tree.from_frontier(3, [b""])


@given(st.data(), sizes)
def test_inclusion(data: st.DataObject, size: int) -> None:
    index = data.draw(st.integers(0, size - 1))
    all_leaves = leaves(size)
    proof = roots(inclusion_segments(index, size), all_leaves)
    assert proof == path(index, all_leaves)
    leaf = leaf_hash(all_leaves[index])
    assert root_of_inclusion(leaf, index, size, proof) == mth(all_leaves)
    other = data.draw(st.integers(-1, size + 1).filter(lambda other: other != index))
    assert root_of_inclusion(leaf, other, size, proof) != mth(all_leaves)
    assert root_of_inclusion(leaf, index, size, [*proof, leaf]) is None


@given(st.data(), sizes)
def test_consistency(data: st.DataObject, new: int) -> None:
    old = data.draw(st.integers(1, new))
    all_leaves = leaves(new)
    proof = roots(consistency_segments(old, new), all_leaves)
    assert proof == subproof(old, all_leaves, True)
    old_root, new_root = mth(all_leaves[:old]), mth(all_leaves)
    assert is_consistent(old, new, old_root, new_root, proof)
    assert is_consistent(0, new, EMPTY_ROOT, new_root, [])
    if old < new:
        forged = mth([*all_leaves[: old - 1], b"forged"])
        assert not is_consistent(old, new, forged, new_root, proof)
        assert not is_consistent(old, new, old_root, forged, proof)
        assert not is_consistent(old, new, old_root, new_root, proof[:-1])
        assert not is_consistent(old, new, old_root, new_root, [*proof, old_root])
        assert not is_consistent(new, old, new_root, old_root, proof)
