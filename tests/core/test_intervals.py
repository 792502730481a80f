"""Interval sets against sets of points."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from gate.core.intervals import Interval, clipped, merged, subtracted

intervals = st.lists(
    st.tuples(st.integers(0, 30), st.integers(0, 6)).map(lambda x: (x[0], x[0] + x[1]))
)


def points(some: list[Interval]) -> set[int]:
    return {point for start, end in some for point in range(start, end)}


def is_canonical(some: list[Interval]) -> bool:
    return all(start < end for start, end in some) and all(a[1] < b[0] for a, b in pairwise(some))


@given(intervals)
def test_merged_is_the_union(some: list[Interval]) -> None:
    assert points(merged(some)) == points(some)
    assert is_canonical(merged(some))


@given(intervals, intervals)
def test_subtracted_is_the_difference(some: list[Interval], others: list[Interval]) -> None:
    left = subtracted(merged(some), merged(others))
    assert points(left) == points(some) - points(others)
    assert is_canonical(left)


@given(intervals, st.integers(0, 20), st.integers(0, 20))
def test_clipped_is_the_intersection(some: list[Interval], start: int, length: int) -> None:
    cut = clipped(merged(some), start, start + length)
    assert points(cut) == points(some) & set(range(start, start + length))


def test_only_gaps_shorter_than_join_are_filled() -> None:
    assert merged([(0, 10), (14, 20), (23, 25)], join=4) == [(0, 10), (14, 25)]
