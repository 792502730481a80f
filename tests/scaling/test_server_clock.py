"""The API server's time is taken where the local clock is off, and counted on between answers."""

from datetime import UTC, datetime, timedelta

import pytest

from gate.service.scaling.worker.clock import ServerClock

NOON = datetime(2026, 6, 6, 12, tzinfo=UTC)
DATE = {"Date": "Sat, 06 Jun 2026 12:00:00 GMT"}


class Machine:
    """A machine's two clocks."""

    def __init__(self, local: datetime) -> None:
        self.local = local
        self.seconds = 100.0
        self.clock = ServerClock(lambda: self.local, lambda: self.seconds)

    def passes(self, seconds: float) -> None:
        self.local += timedelta(seconds=seconds)
        self.seconds += seconds


def test_the_local_clock_is_taken_where_it_is_about_right_or_nothing_was_heard() -> None:
    machine = Machine(NOON + timedelta(seconds=2))
    assert machine.clock() == machine.local
    machine.clock.hear(DATE)
    assert machine.clock() == machine.local
    assert machine.clock.off is None


@pytest.mark.parametrize("hours", [-800, -1, 1, 800])
def test_a_wrong_clock_is_replaced_and_counted_on(hours: int) -> None:
    machine = Machine(NOON + timedelta(hours=hours))
    machine.clock.hear(DATE)
    machine.passes(90)
    assert machine.clock() == NOON + timedelta(seconds=90.5)
    off = machine.clock.off
    assert off is not None
    assert abs(off - timedelta(hours=hours)) < timedelta(seconds=1)


def test_a_clock_that_is_set_later_is_noticed() -> None:
    machine = Machine(NOON)
    machine.clock.hear(DATE)
    machine.local += timedelta(days=30)
    assert machine.clock() == NOON + timedelta(seconds=0.5)


@pytest.mark.parametrize("said", ["", "yesterday", "Sat, 99 Jun 2026 12:00:00 GMT"])
def test_an_answer_without_a_date_says_nothing(said: str) -> None:
    machine = Machine(NOON + timedelta(hours=1))
    machine.clock.hear({"Date": said})
    machine.clock.hear({})
    assert machine.clock() == machine.local
