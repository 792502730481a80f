"""The Merkle tree of RFC 6962 (section 2.1) over the ledger's rows.

A leaf is a row's payload, so the tree says what was decided, and whoever holds a decision can check
an inclusion proof with nothing else: its canonical JSON is the leaf. The tree of the first n rows
has the root ``MTH(D[n])``; row ``seq`` is leaf ``seq - 1``.
"""

import hashlib
from collections.abc import Iterable, Sequence

EMPTY_ROOT = hashlib.sha256(b"").digest()

Segment = tuple[int, int]
"""Leaves from the first number up to, not including, the second."""


def leaf_hash(data: bytes) -> bytes:
    """The hash of a leaf."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Tree:
    """A growing tree, of which only the roots of its whole subtrees are kept, largest first.

    A leaf is added in amortised constant time; what is kept grows with the logarithm of the size.
    """

    def __init__(self) -> None:
        self._widths: list[int] = []
        self._roots: list[bytes] = []

    @classmethod
    def from_frontier(cls, size: int, roots: Sequence[bytes]) -> "Tree":
        """The tree of `size` leaves from its `frontier`.

        Raises `ValueError` where the number of roots does not fit the size.
        """
        tree = cls()
        tree._widths = [1 << bit for bit in reversed(range(size.bit_length())) if size >> bit & 1]
        tree._roots = list(roots)
        if len(tree._widths) != len(tree._roots):
            raise ValueError(f"a tree of {size} leaves has {len(tree._widths)} whole subtrees")
        return tree

    @property
    def size(self) -> int:
        """The number of leaves."""
        return sum(self._widths)

    @property
    def frontier(self) -> list[bytes]:
        """The roots of the whole subtrees, largest first."""
        return list(self._roots)

    def append(self, root: bytes, width: int = 1) -> None:
        """Add a leaf's hash, or the root of a whole subtree of `width` leaves.

        `width` is a power of two that divides the size so far.
        """
        widths, roots = self._widths, self._roots
        while widths and widths[-1] == width:
            root = node_hash(roots.pop(), root)
            width += widths.pop()
        widths.append(width)
        roots.append(root)

    def extend(self, other: "Tree") -> None:
        """Add all leaves of a tree that is no larger than what divides the size so far."""
        for width, root in zip(other._widths, other._roots, strict=True):
            self.append(root, width)

    def root(self) -> bytes:
        """``MTH`` of the leaves."""
        if not self._roots:
            return EMPTY_ROOT
        root = self._roots[-1]
        for left in reversed(self._roots[:-1]):
            root = node_hash(left, root)
        return root


def tree_of(leaf_hashes: Iterable[bytes]) -> Tree:
    """The tree of these leaves."""
    tree = Tree()
    for each in leaf_hashes:
        tree.append(each)
    return tree


def _split(size: int) -> int:
    """The largest power of two below `size` (which is at least 2)."""
    return 1 << (size - 1).bit_length() - 1


def inclusion_segments(index: int, size: int) -> list[Segment]:
    """The subtrees whose roots are ``PATH(index, D[size])``, in the path's order."""
    segments: list[Segment] = []
    low, high = 0, size
    while high - low > 1:
        middle = low + _split(high - low)
        if index < middle:
            segments.append((middle, high))
            high = middle
        else:
            segments.append((low, middle))
            low = middle
    return segments[::-1]


def consistency_segments(old: int, new: int) -> list[Segment]:
    """The subtrees whose roots are ``PROOF(old, D[new])``, in the proof's order."""
    segments: list[Segment] = []
    low, high, whole = 0, new, True
    while old != high:
        middle = low + _split(high - low)
        if old <= middle:
            segments.append((middle, high))
            high = middle
        else:
            segments.append((low, middle))
            low, whole = middle, False
    if not whole:
        segments.append((low, high))
    return segments[::-1]


def root_of_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """The root that an inclusion proof leads to (RFC 9162, 2.1.3.2), None where it cannot be one.

    `leaf` is the hash of the leaf.
    """
    if not 0 <= index < size:
        return None
    node, last, root = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            return None
        if node & 1 or node == last:
            root = node_hash(sibling, root)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            root = node_hash(root, sibling)
        node, last = node >> 1, last >> 1
    return root if last == 0 else None


def is_consistent(
    old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]
) -> bool:
    """Whether a proof shows that the tree of `old` leaves is the beginning of that of `new`.

    RFC 9162, 2.1.4.2; an empty tree is the beginning of every tree.
    """
    if old in (0, new):
        return not proof and (old_root == (EMPTY_ROOT if old == 0 else new_root))
    if not 0 < old < new or not proof:
        return False
    hashes = list(proof)
    if old & (old - 1) == 0:
        hashes.insert(0, old_root)
    node, last = old - 1, new - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    from_old = from_new = hashes[0]
    for sibling in hashes[1:]:
        if last == 0:
            return False
        if node & 1 or node == last:
            from_old, from_new = node_hash(sibling, from_old), node_hash(sibling, from_new)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            from_new = node_hash(from_new, sibling)
        node, last = node >> 1, last >> 1
    return last == 0 and from_old == old_root and from_new == new_root
