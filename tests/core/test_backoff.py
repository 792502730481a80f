"""Waits between attempts."""

from gate.core.backoff import Backoff


def test_waits_double_to_the_longest_and_begin_anew() -> None:
    backoff = Backoff(1.0, 5.0)
    assert [backoff.next_seconds() for _ in range(5)] == [1.0, 2.0, 4.0, 5.0, 5.0]
    backoff.reset()
    assert [backoff.next_seconds() for _ in range(2)] == [1.0, 2.0]


def test_a_wait_is_half_to_all_of_it_and_chance_does_not_pile_up() -> None:
    shares = iter([0.0, 0.5, 1.0, 0.0])
    backoff = Backoff(1.0, 5.0, lambda: next(shares))
    assert [backoff.next_seconds() for _ in range(4)] == [0.5, 1.5, 4.0, 2.5]
