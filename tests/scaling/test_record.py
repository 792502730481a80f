"""Rows of floor changes: once each, whoever writes them, and found again on the target."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest

from gate.cluster.scaling.reading import read_target
from gate.cluster.scaling.stepping import step
from gate.cluster.scaling.values import Hold, Step, Target, Wish
from gate.core.decision import Level
from gate.service.outbox import Outbox
from gate.service.scaling.record import ScalingRecorder, event_of
from gate.store.connect import Target as Database
from gate.store.connect import connect
from tests.postgres import fresh_schema
from tests.scaling.build import AT, document, written

pytestmark = pytest.mark.store
HOLD = "01890000-0000-7000-8000-000000000001"


def after(seconds: float) -> datetime:
    return AT + timedelta(seconds=seconds)


class Story:
    """One target, what happens to it, and the rows about it."""

    def __init__(self, where: Database, outbox: Outbox) -> None:
        self.where = where
        self.outbox = outbox
        self.recorder = ScalingRecorder(outbox)
        self.document = document()

    @property
    def target(self) -> Target:
        return read_target(self.document)

    def moves(self, wish: Wish, seconds: float, *, told: bool = True) -> Step:
        """Plan and apply a wish; ``told`` False: the process dies before it tells that it did."""
        planned = step(self.target, wish, after(seconds))
        assert planned.patch is not None
        self.recorder.planned([planned], after(seconds))
        self.document = written(self.document, planned.patch, "saturday-gate-prescale")
        if told:
            self.recorder.applied(planned, after(seconds + 1))
        return planned

    def rows(self, columns: str) -> list[Any]:
        assert self.outbox.settle(20.0)
        text = f"SELECT {columns} FROM infrastructure_scaling_events ORDER BY planned_at, to_min"
        with connect(self.where) as connection:
            return connection.execute(text.encode()).fetchall()


@contextmanager
def telling(where: Database) -> Iterator[Story]:
    outbox, stop = Outbox(where), threading.Event()
    thread = threading.Thread(target=outbox.run, args=[stop])
    thread.start()
    try:
        yield Story(where, outbox)
    finally:
        stop.set()
        thread.join(timeout=20.0)
        assert not thread.is_alive()


@pytest.fixture
def story() -> Iterator[Story]:
    with fresh_schema() as where, telling(where) as told:
        yield told


def wish(low: int, **other: Any) -> Wish:
    level = Level.HIGH if low else Level.NORMAL
    return Wish(**{"cause": "plan", "level": level, "min": low, "reason": "load", **other})


def held(low: int, cause: Any = "manual") -> Hold:
    return Hold(
        id=HOLD, cause=cause, min=low, until=after(3600), by="alice", reason="a concert, too"
    )


def test_a_raise_and_its_release(story: Story) -> None:
    story.moves(wish(35), 0)
    event = event_of(story.target)
    assert event is not None
    story.recorder.desired(event, after(2))
    story.recorder.ready(event, after(3))
    story.moves(wish(50), 100)
    story.moves(wish(0), 200)
    assert event_of(story.target) is None
    times = "planned_at, applied_at, desired_at, ready_at, restored_at"
    assert story.rows(f"from_min, from_max, to_min, to_max, level, {times}") == [
        (10, 30, 35, 35, "HIGH", after(0), after(1), after(2), after(3), after(201)),
        (35, 35, 50, 50, "HIGH", after(100), after(101), None, None, after(201)),
        (50, 50, 10, 30, "NORMAL", after(200), after(201), after(201), after(201), None),
    ]


def test_telling_it_again_changes_nothing(story: Story) -> None:
    done = story.moves(wish(35), 0)
    before = story.rows("*")
    story.recorder.planned([done], after(50))
    story.recorder.applied(done, after(60))
    story.recorder.found(story.target, after(70))
    assert story.rows("*") == before


def test_who_comes_after_a_killed_process_finishes_its_row(story: Story) -> None:
    story.moves(wish(35), 0, told=False)
    assert story.rows("applied_at") == [(None,)]
    story.recorder.found(story.target, after(300))
    assert story.rows("to_min, applied_at, from_min") == [(35, after(0), 10)]
    story.moves(wish(0), 400, told=False)
    story.recorder.found(story.target, after(500))
    assert story.rows("to_min, restored_at")[0] == (35, after(500))


def test_a_target_whose_row_was_never_written_gets_it(story: Story) -> None:
    planned = step(story.target, wish(35), AT)
    assert planned.patch is not None
    story.document = written(story.document, planned.patch, "saturday-gate-prescale")
    story.recorder.found(story.target, after(300))
    assert story.rows("to_min, cause, applied_at, reason") == [
        (35, "plan", AT, "found on the target")
    ]


def test_a_floor_by_hand_has_the_row_of_its_own_id(story: Story) -> None:
    by_hand = wish(40, cause="manual", holds=(held(40),), reason="a concert, too")
    story.moves(by_hand, 0)
    story.recorder.found(story.target, after(10))
    assert story.rows("id::text, cause, by_actor, until, to_min, applied_at") == [
        (HOLD, "manual", "alice", after(3600), 40, after(1))
    ]
    assert event_of(story.target) == HOLD


def test_an_emergency_has_a_row_a_target(story: Story) -> None:
    story.moves(wish(100, cause="emergency", holds=(held(100, "emergency"),)), 0)
    ((row, cause, by),) = story.rows("id::text, cause, by_actor")
    assert (cause, by) == ("emergency", "alice")
    assert row != HOLD


def test_a_fallback_knows_no_level(story: Story) -> None:
    story.moves(wish(20, cause="fallback", level=None), 0)
    assert story.rows("cause, level, by_actor") == [("fallback", None, None)]


def test_targets_that_are_gone_are_waited_for_no_more(story: Story) -> None:
    story.moves(wish(35), 0)
    story.recorder.without([story.target], None, after(10))
    assert story.rows("restored_at") == [(None,)]
    story.recorder.without([], "elsewhere", after(20))
    assert story.rows("restored_at") == [(None,)]
    story.recorder.without([], None, after(30))
    assert story.rows("restored_at") == [(after(30),)]


def test_a_step_that_moves_nothing_has_no_row(story: Story) -> None:
    noted = step(story.target, wish(0, holds=(held(5),)), AT)
    assert noted.patch is not None
    story.recorder.planned([noted], AT)
    story.recorder.applied(noted, AT)
    assert story.rows("id") == []
