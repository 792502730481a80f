"""Answers of others, kept within bounds."""

from collections.abc import Iterator

import pytest

from gate.core.bounded import BeyondBoundsError, gathered


def ticking(seconds: float) -> Iterator[float]:
    now = 0.0
    while True:
        yield now
        now += seconds


def test_what_is_within_bounds_is_put_together() -> None:
    clock = ticking(1.0)
    assert gathered([b"ab", b"", b"c"], 3, 3.0, lambda: next(clock)) == b"abc"
    assert gathered([], 0, 0.0, lambda: 0.0) == b""


def test_it_stops_at_the_first_piece_that_is_too_much() -> None:
    pieces = iter([b"ab", b"cd", b"ef"])
    with pytest.raises(BeyondBoundsError, match="more than 3 bytes"):
        gathered(pieces, 3, 9.0, lambda: 0.0)
    assert list(pieces) == [b"ef"]


def test_it_stops_when_the_time_is_over() -> None:
    clock = ticking(1.0)
    with pytest.raises(BeyondBoundsError, match="for more than 2 s"):
        gathered([b"a"] * 9, 99, 2.0, lambda: next(clock))
