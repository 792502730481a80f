"""Five hundred open pull requests: how many requests they take."""

import pytest

from gate.github.calls import Caller, Limits
from gate.github.checks.settling import Memory
from gate.github.checks.sweep import CALLS_BUDGET, THREADS_PUBLIC, Swept, sweep
from gate.github.client import Connection
from tests.github.conftest import JumpingTiming, Sweep, locked, opened
from tests.github.fake import FakeGitHub

HEADS = 500
WRITES = "POST|PATCH"


@pytest.fixture
def many(fake: FakeGitHub) -> FakeGitHub:
    for number in range(1, HEADS + 1):
        fake.repository.pull(number)
    return fake


def test_all_follow_a_transition_within_the_calls_that_there_are(
    many: FakeGitHub, run: Sweep
) -> None:
    for what, state in ((locked(), "in_progress"), (opened(), "completed")):
        many.forget()
        swept = run(what)
        assert swept.complete
        assert swept.calls == len(many.log) <= CALLS_BUDGET
        assert len(many.asked(WRITES)) == HEADS
        assert set(many.repository.states().values()) == {state}
        assert len(many.repository.states()) == HEADS
    many.forget()
    again = run(opened())
    assert again.complete
    assert not again.changed
    assert many.asked(WRITES) == []


def test_an_interrupted_sweep_is_finished_without_writing_twice(
    many: FakeGitHub, run: Sweep
) -> None:
    fault = many.fail("POST", "/check-runs", status=401, skip=200, times=None)
    assert not run(locked()).complete
    done = len(many.repository.runs)
    assert 180 <= done <= 200
    many.faults.remove(fault)
    many.forget()
    assert run(locked()).complete
    assert len(many.asked(WRITES)) == HEADS - done
    assert len(many.log) <= CALLS_BUDGET


def test_heads_that_stand_right_here_and_there_are_not_written_again(
    many: FakeGitHub, run: Sweep
) -> None:
    what = locked()
    for number in range(1, HEADS + 1, 2):
        many.repository.add_run(
            {
                "name": "saturday-gate",
                "head_sha": f"{number:040x}",
                "status": "in_progress",
                "output": {"title": what.title, "summary": ""},
            }
        )
    swept = run(what)
    assert swept.complete
    assert len(many.asked(WRITES)) == HEADS / 2
    assert swept.calls <= CALLS_BUDGET


def test_so_many_merge_groups_say_nothing_of_older_heads(many: FakeGitHub, run: Sweep) -> None:
    assert run(locked()).complete
    for number in range(30):
        many.repository.queue(number, f"a{number:039x}")
    many.forget()
    assert run(locked()).complete
    assert len(many.asked(WRITES)) == 30


def test_at_the_pace_of_github_com_the_oldest_come_first(
    fake: FakeGitHub, connection: Connection, timing: JumpingTiming
) -> None:
    for number in range(1, 131):
        fake.repository.pull(number)
    limits, memory = Limits("https://api.github.com"), Memory()

    def go() -> Swept:
        caller = Caller(connection, "acme/bookings", timing=timing, limits=limits, seconds=45)
        return sweep(caller, locked(), None, memory, threads=THREADS_PUBLIC)

    first = go()
    assert len(fake.repository.states()) == 80
    assert "limits" in str(first.stopped)
    assert first.retry_seconds == pytest.approx(60, abs=5)
    assert {head.number for head in first.unreached} >= set(range(90, 131))
    timing.wait(first.retry_seconds or 0)
    assert go().complete
    assert len(fake.asked(WRITES)) == 130
