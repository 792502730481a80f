"""The wait: when it asks again, what it says meanwhile, how it ends. Time is a value here."""

import signal
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from gate.core.decision import CalendarRef, Decision, Effect, PolicyRef, Request, Verdict
from gate.core.policy import Action
from gate.github.action.waiting import Patience, wait
from tests.action.support import LOCKED, Workspace, frozen

START = datetime(2026, 6, 13, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
Judge = Callable[[datetime], Decision]


class World:
    """A clock that sleeping moves, and a door that judges by it."""

    def __init__(self, judge: Judge) -> None:
        self.time = START
        self.judge = judge
        self.answers: list[datetime] = []
        self.peeks: list[datetime] = []
        self.said: list[str] = []

    def now(self) -> datetime:
        return self.time

    def sleep(self, seconds: float) -> None:
        assert seconds > 0, "it must not spin"
        assert len(self.said) < 1000
        self.time += timedelta(seconds=seconds)

    def answer(self) -> Decision:
        self.answers.append(self.time)
        return self.judge(self.time)

    def peek(self) -> Decision:
        self.peeks.append(self.time)
        return self.judge(self.time)

    def wait(self, timeout: timedelta, every: timedelta | None = None) -> Decision:
        patience = Patience(timeout=timeout, look_every=every)
        first = self.judge(self.time)
        return wait(first, self, patience, self, self.said.append, lambda at: f"{at:%H:%M:%S}")


def decision(
    at: datetime,
    verdict: Verdict = Verdict.DENY,
    effect: Effect = Effect.BLOCK,
    next_change: datetime | None = None,
) -> Decision:
    return Decision(
        at=at, verdict=verdict, effect=effect, phase=None, level=None,
        request=Request(action=Action.DEPLOY, invoker="automation"), reasons=(),
        locked_from=None, locked_until=None, next_change=next_change, load=None, override=None,
        policy=PolicyRef(name=None, sha256=None), calendar=CalendarRef(sha256=None, weddings=None),
        tzdata="",
    )  # fmt: skip


def locked_until(end: datetime | None) -> Judge:
    def judge(at: datetime) -> Decision:
        if end is not None and at >= end:
            return decision(at, Verdict.ALLOW, Effect.ALLOW)
        return decision(at, next_change=end)

    return judge


def test_it_judges_again_when_the_answer_turns() -> None:
    world = World(locked_until(START + 20 * MINUTE))
    assert world.wait(30 * MINUTE).verdict is Verdict.ALLOW
    assert world.answers == [START + 20 * MINUTE]
    assert world.peeks == []
    assert "12:20:00" in world.said[0]
    assert len([line for line in world.said if "still waiting" in line]) == 3, "every five minutes"


def test_of_files_alone_it_does_not_wait_for_what_comes_too_late() -> None:
    world = World(locked_until(START + timedelta(hours=9)))
    assert world.wait(30 * MINUTE).verdict is Verdict.DENY
    assert (world.time, world.answers) == (START, [])
    assert "21:00:00" in world.said[0]
    world = World(locked_until(None))
    assert world.wait(30 * MINUTE).verdict is Verdict.DENY
    assert world.time == START


def test_it_opens_at_the_last_moment_of_the_patience() -> None:
    world = World(locked_until(START + 30 * MINUTE))
    assert world.wait(30 * MINUTE).verdict is Verdict.ALLOW


def test_several_locks_in_a_row_are_waited_out() -> None:
    ends = [START + 5 * MINUTE, START + 9 * MINUTE]

    def judge(at: datetime) -> Decision:
        end = next((end for end in ends if at < end), None)
        return locked_until(end or START)(at)

    world = World(judge)
    assert world.wait(30 * MINUTE).verdict is Verdict.ALLOW
    assert world.answers == ends


def test_a_lock_that_is_released_early_opens_within_a_look() -> None:
    released = START + 7 * MINUTE

    def judge(at: datetime) -> Decision:
        return locked_until(START if at >= released else START + timedelta(hours=9))(at)

    world = World(judge)
    ended = world.wait(30 * MINUTE, every=timedelta(seconds=20))
    assert ended.verdict is Verdict.ALLOW
    assert released <= world.answers[-1] <= released + timedelta(seconds=20)
    assert len(world.answers) == 1, "looks are no answers"


def test_with_a_record_it_waits_to_the_end_and_answers_once_more() -> None:
    world = World(locked_until(None))
    assert world.wait(30 * MINUTE, every=MINUTE).verdict is Verdict.DENY
    assert world.answers == [START + 30 * MINUTE]
    assert 25 <= len(world.peeks) <= 30


def test_a_lock_that_grows_is_said_and_waited_out() -> None:
    def judge(at: datetime) -> Decision:
        return locked_until(START + (5 if at < START + 3 * MINUTE else 9) * MINUTE)(at)

    world = World(judge)
    assert world.wait(30 * MINUTE, every=MINUTE).verdict is Verdict.ALLOW
    assert world.answers[-1] == START + 9 * MINUTE
    assert any("12:09:00" in line for line in world.said)


@pytest.mark.parametrize("every", [None, MINUTE])
def test_undecided_ends_it_at_once(every: timedelta | None) -> None:
    def judge(at: datetime) -> Decision:
        if at > START + MINUTE / 2:
            return decision(at, Verdict.UNDECIDED)
        return decision(at, next_change=START + 5 * MINUTE)

    world = World(judge)
    assert world.wait(30 * MINUTE, every=every).verdict is Verdict.UNDECIDED
    assert world.time == START + (5 * MINUTE if every is None else MINUTE)


def test_without_patience_it_does_not_ask_again() -> None:
    world = World(locked_until(START + MINUTE))
    assert world.wait(timedelta(0)).verdict is Verdict.DENY
    assert world.answers == []


def test_a_server_whose_clock_is_off_is_not_asked_in_a_loop() -> None:
    skew = timedelta(minutes=3)
    inner = locked_until(START + MINUTE - skew)
    world = World(lambda at: inner(at - skew))
    assert world.wait(30 * MINUTE, every=20 * MINUTE).verdict is Verdict.ALLOW
    assert world.answers == [START + MINUTE]


def test_a_machine_that_slept_looks_at_the_clock() -> None:
    world = World(locked_until(START + 20 * MINUTE))
    usual = world.sleep

    def suspended(seconds: float) -> None:
        usual(seconds + 3600)

    world.sleep = suspended  # type: ignore[method-assign]
    assert world.wait(30 * MINUTE).verdict is Verdict.ALLOW
    assert len(world.answers) == 1


def test_a_process_waits_until_the_lock_ends(workspace: Workspace) -> None:
    workspace.write(frozen(timedelta(hours=-1), timedelta(seconds=3)))
    ended = workspace.run(mode="wait", wait_timeout="1m")
    assert (ended.code, ended.outputs["verdict"]) == (0, "allow")
    assert not ended.annotations("error")
    assert [kept["verdict"] for kept in ended.kept] == ["deny", "allow"]
    assert "gate: waiting, at most until" in ended.log


def test_a_process_that_cannot_open_in_time_is_denied(workspace: Workspace) -> None:
    workspace.write(frozen(*LOCKED))
    ended = workspace.run(mode="wait", wait_timeout="1m")
    assert (ended.code, ended.outputs["verdict"]) == (3, "deny")
    assert len(ended.annotations("error")) == 1
    assert "does not wait" in ended.log


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_end_of_a_job_ends_the_wait(workspace: Workspace, number: signal.Signals) -> None:
    workspace.write(frozen(timedelta(hours=-1), timedelta(minutes=20)))
    command, environ = workspace.command({"mode": "wait"})
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        while "waiting, at most until" not in process.stdout.readline():
            assert process.poll() is None
        process.send_signal(number)
        assert process.wait(timeout=20) == 130
    assert workspace.ended(130, "").outputs == {}
