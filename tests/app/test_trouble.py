"""GitHub fails, workers are killed, several work at once: one answer comes of it."""

import json
import os
import signal
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from gate.github.timing import RealTiming
from gate.service.github.asked import Asked
from gate.store.errors import StoreUnavailable
from tests.app.scene import FRIDAY, REOPENING, SATURDAY, Scene
from tests.service.until import until

REVIEW = r"/deployment_protection_rule$"


def later(scene: Scene, seconds: float) -> None:
    """Some time passes, and the worker looks."""
    scene.turn(scene.timing.at + timedelta(seconds=seconds))


def test_a_failure_of_githubs_is_tried_again(scene: Scene) -> None:
    scene.timing.at = FRIDAY
    run = scene.deploys()
    scene.fake.fail("POST", REVIEW, status=502, times=3)
    scene.turn()
    assert scene.states() == ["waiting"]
    assert "502" in scene.row()["last_error"]
    later(scene, 0.5)
    assert len(scene.fake.asked("POST")) == 1, "not at once"
    for _ in range(7):
        later(scene, 1)
    assert run.states == [("production", "approved")]
    assert scene.timing.at <= FRIDAY + timedelta(seconds=10)
    assert scene.states() == ["approved"]


def test_an_approval_that_arrived_unnoticed_is_not_lost(scene: Scene) -> None:
    scene.timing.at = FRIDAY
    run = scene.deploys()
    scene.fake.fail("POST", REVIEW, status=504, done=True)
    scene.turn()
    assert scene.states() == ["waiting"]
    later(scene, 1)
    assert run.states == [("production", "approved")]
    assert scene.states() == ["approved"]


def test_a_rejection_that_arrived_unnoticed_is_not_turned_into_an_approval(scene: Scene) -> None:
    scene.court.amend("github: {on_lock: reject}\n")
    scene.timing.at = REOPENING - timedelta(seconds=1)
    run = scene.deploys()
    scene.fake.fail("POST", REVIEW, cut=True, done=True)
    scene.turn()
    later(scene, 5)
    assert run.states == [("production", "rejected")]
    assert scene.states() == ["rejected"]


@pytest.mark.parametrize("status", [403, 429])
def test_a_limit_is_waited_out(scene: Scene, status: int) -> None:
    scene.timing.at = FRIDAY
    run = scene.deploys()
    scene.fake.fail("POST", REVIEW, status=status, headers={"Retry-After": "37"})
    scene.turn()
    for _ in range(36):
        later(scene, 1)
    assert len(scene.fake.asked("POST")) == 1
    assert "limits" in scene.row()["last_error"]
    later(scene, 2)
    assert run.states == [("production", "approved")]


def test_a_run_that_ended_is_gone(scene: Scene) -> None:
    run = scene.deploys()
    scene.turn()
    run.waiting.clear()
    scene.turn(REOPENING)
    assert scene.states() == ["gone"]
    assert run.reviews == []


def test_a_run_that_is_not_there_is_gone_once_that_lasts(scene: Scene) -> None:
    scene.timing.at = FRIDAY
    scene.deploys()
    del scene.deployments.runs[12]
    scene.turn()
    assert scene.states() == ["waiting"]
    for _ in range(5):
        later(scene, 2)
    assert scene.states() == ["gone"]
    assert len(scene.fake.asked("POST")) == 3


def test_a_run_that_is_shown_late_is_approved(scene: Scene) -> None:
    scene.timing.at = FRIDAY
    run = scene.deploys()
    del scene.deployments.runs[12]
    scene.turn()
    scene.deployments.runs[12] = run
    later(scene, 2)
    assert scene.states() == ["approved"]


def test_rights_that_are_taken_away_are_waited_for(scene: Scene) -> None:
    scene.timing.at = FRIDAY
    run = scene.deploys()
    scene.fake.fail(
        "POST", REVIEW, status=403, times=4, body={"message": "Resource not accessible"}
    )
    for _ in range(40):
        later(scene, 1)
    assert scene.states() == ["approved"]
    assert run.states == [("production", "approved")]


def test_a_comment_that_github_never_takes_does_not_stop_the_approval(scene: Scene) -> None:
    run = scene.deploys()
    scene.fake.fail("POST", REVIEW, status=422)
    for _ in range(10):
        later(scene, 1)
    assert len(scene.fake.asked("POST")) == 1
    assert "422" in scene.row()["last_error"]
    scene.turn(REOPENING)
    assert run.states == [("production", "approved")]


def test_one_request_in_trouble_does_not_hold_up_the_others(scene: Scene) -> None:
    scene.timing.at = FRIDAY
    scene.deploys(1)
    scene.fake.fail("POST", r"/runs/1/", status=500, times=None)
    other = scene.deploys(2)
    scene.turn()
    assert other.states == [("production", "approved")]
    assert scene.states() == ["waiting", "approved"]


def test_two_workers_answer_once(scene: Scene) -> None:
    scene.timing.at = FRIDAY
    runs = [scene.deploys(number) for number in range(1, 9)]
    scene.fake.latency_seconds = 0.02
    start = threading.Barrier(4)

    def work() -> None:
        worker = scene.hired()
        with Asked.opened(scene.where) as asked:
            start.wait()
            for _ in range(3):
                worker.turn(asked, scene.timing, scene.stop)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [run.states for run in runs] == [[("production", "approved")]] * 8
    assert len(scene.fake.asked("POST")) == 8
    assert len(scene.court.recorded) == 8


def test_a_claim_ends_with_the_session(scene: Scene) -> None:
    scene.timing.at = FRIDAY
    scene.deploys()
    number = scene.row()["number"]
    with Asked.opened(scene.where) as other:
        with other.claimed(number, FRIDAY) as mine, scene.asked.claimed(number, FRIDAY) as theirs:
            assert mine is not None
            assert theirs is None
        with scene.asked.claimed(number, FRIDAY) as theirs:
            assert theirs is not None
    with Asked.opened(scene.where) as other, other.claimed(number, FRIDAY):
        (pid,) = other._connection.execute("SELECT pg_backend_pid()").fetchone() or (0,)
        scene.database.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
        with scene.asked.claimed(number, FRIDAY) as theirs:
            assert theirs is not None


def test_a_lost_session_is_said(scene: Scene) -> None:
    (pid,) = scene.asked._connection.execute("SELECT pg_backend_pid()").fetchone() or (0,)
    scene.database.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
    with pytest.raises(StoreUnavailable):
        scene.turn()


def test_a_worker_that_is_killed_between_answer_and_note_is_taken_over(
    scene: Scene, tmp_path: Path
) -> None:
    """A process of its own is killed while GitHub carries out its approval."""
    scene.timing.at = FRIDAY
    run = scene.deploys()
    fault = scene.fake.fail("POST", REVIEW, done=True, hang_seconds=30, times=1)
    settings = {
        "dsn": scene.where.dsn,
        "schema": scene.where.schema,
        "base": str(scene.where.embedded_folder),
        "api": scene.fake.url,
        "folder": str(tmp_path),
    }
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.app.killed", json.dumps(settings)],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    try:
        until(lambda: fault.seen and run.reviews, 20, "the approval is under way")
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()
    assert scene.states() == ["waiting"]
    assert scene.row()["sending"] == "approved"

    def taken_over() -> bool:
        scene.turn()
        return scene.states() == ["approved"]

    until(taken_over, 10, "the claim ends with the killed one's session")
    assert run.states == [("production", "approved")]


def test_a_restart_in_between_forgets_nothing(scene: Scene) -> None:
    run = scene.deploys()
    scene.turn()
    scene.worker = scene.hired()
    scene.turn(SATURDAY + timedelta(hours=1))
    assert len(run.comments) == 1
    scene.worker = scene.hired()
    scene.turn(REOPENING)
    assert run.states == [("production", "approved")]


def test_it_runs_until_it_is_told_to_stop_and_outlives_the_loss_of_its_sessions(
    scene: Scene,
) -> None:
    worker = scene.hired()
    worker._timing = None
    worker._lanes = 2
    stop = threading.Event()
    thread = threading.Thread(target=worker.run, args=[stop])
    now = RealTiming().now()
    scene.timing.at = now
    scene.court.policy_file.write_text(
        "version: 1\ntimezone: Europe/London\nwindows: []\nlevel_lock: {at: never}\n"
    )
    scene.court.read()
    thread.start()
    try:
        first = scene.deploys(1)
        until(lambda: first.states, 10, "the first approval")
        scene.database.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
            " AND query LIKE '%github_protection_requests%'"
        )
        second = scene.deploys(2)
        until(lambda: second.states, 20, "the second approval")
    finally:
        stop.set()
        thread.join(10)
    assert not thread.is_alive()


def test_what_is_old_is_forgotten(scene: Scene) -> None:
    scene.timing.at = FRIDAY
    scene.deploys(1)
    scene.turn()
    scene.deploys(2)
    scene.asked.prune(FRIDAY + timedelta(days=31))
    counts = "SELECT (SELECT count(*) FROM github_deliveries), count(*), count(delivery)"
    query = f"{counts} FROM github_protection_requests"
    assert scene.database.execute(query).fetchone() == (0, 2, 0)
    scene.asked.prune(FRIDAY + timedelta(days=91))
    assert scene.states() == ["waiting"]


def test_its_questions_have_an_index(scene: Scene) -> None:
    rows = scene.database
    rows.execute("SET enable_seqscan = off")
    for sql, index in (
        (
            "SELECT * FROM github_protection_requests WHERE state = 'waiting' AND"
            " next_check_at <= now()",
            "github_protection_requests_waiting",
        ),
        (
            "SELECT id FROM github_deliveries WHERE state = 'waiting' AND next_attempt_at <= now()"
            " ORDER BY next_attempt_at LIMIT 100 FOR UPDATE SKIP LOCKED",
            "github_deliveries_due",
        ),
    ):
        plan = rows.execute(f"EXPLAIN {sql}").fetchall()
        assert any(index in line for (line,) in plan), plan


def test_the_database_refuses_what_makes_no_sense(scene: Scene) -> None:
    scene.deploys()
    for change in (
        "state = 'approved'",
        "state = 'lost', finished_at = now()",
        "comments = 11",
        "finished_at = now()",
        "sending = 'approved'",
    ):
        with pytest.raises(psycopg.errors.CheckViolation):
            scene.database.execute(f"UPDATE github_protection_requests SET {change}")
