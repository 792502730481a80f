"""What goes wrong on the way: each converges, or is said."""

import socketserver
import threading
import time

import pytest

from gate.github.calls import Caller, Limits
from gate.github.checks.settling import Memory
from gate.github.checks.sweep import THREADS, sweep
from gate.github.client import Connection, Token
from gate.github.timing import RealTiming
from tests.github.conftest import JumpingTiming, Sweep, locked, opened
from tests.github.fake import FakeGitHub
from tests.github.fake.faults import Secondary

WRITES = "POST|PATCH"


@pytest.mark.parametrize(
    "how",
    [{"status": 502}, {"status": 500}, {"status": 503}, {"cut": True}],
    ids=["502", "500", "503", "cut"],
)
@pytest.mark.parametrize("done", [False, True], ids=["not done", "done"])
def test_an_unclear_write_is_looked_at_before_it_is_repeated(
    fake: FakeGitHub, run: Sweep, how: dict[str, object], done: bool
) -> None:
    for number in range(1, 6):
        fake.repository.pull(number)
    fake.fail("POST", "/check-runs", skip=2, times=2, done=done, **how)
    swept = run(locked())
    assert swept.complete
    assert all(outcome.changed for outcome in swept.outcomes)
    assert len(fake.repository.runs) == 5, "none is there twice"


def test_an_update_that_failed_is_repeated(fake: FakeGitHub, run: Sweep) -> None:
    sha = fake.repository.pull(1).sha
    run(locked())
    fake.fail("PATCH", "/check-runs", times=3)
    assert run(opened()).complete
    assert fake.repository.states() == {sha: "completed"}


def test_a_write_that_never_works_fails_its_head_alone(fake: FakeGitHub, run: Sweep) -> None:
    for number in range(1, 4):
        fake.repository.pull(number)
    fake.fail("GET", f"/commits/{2:040x}/", times=None)
    swept = run(locked())
    assert not swept.complete
    assert [outcome.failure is None for outcome in swept.outcomes] == [True, False, True]
    fake.faults.clear()
    assert run(locked()).complete


def test_a_head_that_is_refused_fails_alone(fake: FakeGitHub, run: Sweep) -> None:
    fake.repository.pull(1)
    fake.repository.pull(2)
    fake.fail("POST", "/check-runs", status=422, times=1)
    swept = run(locked())
    assert sum(outcome.failure is not None for outcome in swept.outcomes) == 1
    assert swept.stopped is None


@pytest.mark.parametrize("path", ["/pulls", "matching-refs", "^/repos/acme/bookings$"])
@pytest.mark.parametrize("how", [{"status": 502}, {"cut": True}], ids=["502", "cut"])
def test_a_list_is_read_again(
    fake: FakeGitHub, run: Sweep, path: str, how: dict[str, object]
) -> None:
    fake.repository.pull(1)
    fake.fail("GET", path, times=2, **how)
    assert run(locked()).complete


@pytest.mark.parametrize("status", [401, 403, 404, 502])
def test_a_list_that_is_not_given_stops_the_run(fake: FakeGitHub, run: Sweep, status: int) -> None:
    fake.repository.pull(1)
    fake.fail("GET", "/pulls", status=status, times=None)
    swept = run(locked())
    assert not swept.complete
    assert swept.outcomes == ()
    assert str(status) in str(swept.stopped)


def test_an_unknown_token_stops_the_run(fake: FakeGitHub, run: Sweep) -> None:
    fake.tokens.clear()
    swept = run(locked())
    assert "credentials" in str(swept.stopped)
    assert len(fake.log) == 1


def test_a_token_that_is_revoked_midway_keeps_what_is_known(fake: FakeGitHub, run: Sweep) -> None:
    for number in range(1, 41):
        fake.repository.pull(number)
    fake.fail("POST", "/check-runs", status=401, skip=20, times=None)
    swept = run(locked())
    assert not swept.complete
    assert len(swept.outcomes) == 20
    done = {outcome.head.number or 0 for outcome in swept.outcomes}
    assert max(done) < 21 + THREADS, "the oldest first, as many at a time as there are threads"
    assert len(swept.unreached) == 20


@pytest.mark.parametrize("status", [403, 429])
@pytest.mark.parametrize("verb", ["GET", "POST"])
def test_a_wait_that_is_asked_for_is_kept(
    fake: FakeGitHub, run: Sweep, timing: JumpingTiming, status: int, verb: str
) -> None:
    for number in range(1, 31):
        fake.repository.pull(number)
    fake.fail(verb, "/check-runs", status=status, headers={"Retry-After": "40"}, skip=12)
    swept = run(locked())
    assert swept.complete
    assert len(fake.repository.runs) == 30
    assert max(timing.waits) == pytest.approx(40, abs=1)
    refused = next(each for each in fake.log if each.status == status)
    quiet = [each for each in fake.log if refused.at + 1 < each.at < refused.at + 39]
    assert quiet == []


def test_a_wait_of_more_than_a_minute_ends_the_run(
    fake: FakeGitHub, run: Sweep, timing: JumpingTiming
) -> None:
    for number in range(1, 31):
        fake.repository.pull(number)
    fake.fail("POST", "/check-runs", status=403, headers={"Retry-After": "61.5"}, skip=10)
    swept = run(locked())
    assert not swept.complete
    assert "wait" in str(swept.stopped)
    assert swept.retry_seconds == pytest.approx(61.5)
    assert len(swept.outcomes) >= 10
    assert max(timing.waits, default=0) < 2


@pytest.mark.parametrize(("seconds", "complete"), [(50, True), (600, False)])
def test_the_reset_of_a_primary_limit(
    fake: FakeGitHub, run: Sweep, timing: JumpingTiming, seconds: int, complete: bool
) -> None:
    fake.repository.pull(1)
    headers = {
        "X-RateLimit-Remaining": "0",
        "X-RateLimit-Reset": str(int(time.time()) + seconds),
    }
    fake.fail("GET", "/pulls", status=403, headers=headers, body={"message": "API rate limit"})
    assert run(locked()).complete is complete
    assert (max(timing.waits, default=0) > 45) is complete


def test_a_limit_without_a_word_of_time_is_tried_after_longer_and_longer(
    fake: FakeGitHub, run: Sweep, timing: JumpingTiming
) -> None:
    fake.repository.pull(1)
    body = {"message": "You have exceeded a secondary rate limit."}
    fake.fail("POST", "/check-runs", status=403, body=body, times=3)
    assert run(locked()).complete
    assert [round(wait) for wait in timing.waits] == [1, 2, 4]


def test_limits_that_do_not_let_up_end_the_run(
    fake: FakeGitHub, run: Sweep, timing: JumpingTiming
) -> None:
    fake.repository.pull(1)
    fake.fail("POST", "/check-runs", status=429, headers={"Retry-After": "7"}, times=None)
    swept = run(locked())
    assert not swept.complete
    assert sum(timing.waits) < 60


def test_secondary_limits_are_followed_until_all_is_done(
    fake: FakeGitHub, run: Sweep, timing: JumpingTiming
) -> None:
    for number in range(1, 201):
        fake.repository.pull(number)
    fake.secondary = Secondary(limit=30, seconds=60, retry_after="30")
    swept = run(locked())
    assert swept.complete
    assert len(fake.repository.runs) == 200
    assert len([each for each in fake.log if each.status == 403]) < 6 * 16


def test_a_silent_server_ends_the_run_in_time(fake: FakeGitHub) -> None:
    """Real time here: a limit on the run, threads left behind."""
    fake.repository.pull(1)
    fake.fail("GET", "/pulls", hang_seconds=30, times=None)
    connection = Connection(Token(token="t"), fake.url, timeout_seconds=1)
    timing = RealTiming()
    caller = Caller(connection, "acme/bookings", timing=timing, limits=Limits(fake.url), seconds=2)
    begun = time.monotonic()
    swept = sweep(caller, locked(), ["main"], Memory())
    connection.close()
    assert not swept.complete
    assert time.monotonic() - begun < 8


def test_a_head_that_hangs_does_not_hold_up_the_others(fake: FakeGitHub, run: Sweep) -> None:
    for number in range(1, 21):
        fake.repository.pull(number)
    fake.fail("GET", f"/commits/{7:040x}/", hang_seconds=30, times=None)
    swept = run(locked())
    assert not swept.complete
    assert len(fake.repository.runs) == 19


def test_a_push_during_the_sweep_is_covered_by_the_next(fake: FakeGitHub, run: Sweep) -> None:
    for number in (1, 2, 3):
        fake.repository.pull(number)

    def push(verb: str, path: str) -> None:
        if verb == "POST":
            fake.repository.push(3, "d" * 40)

    fake.before = push
    assert run(locked()).complete
    assert fake.repository.newest_run("d" * 40) is None
    assert run(locked()).complete
    assert fake.repository.states()["d" * 40] == "in_progress"


def test_what_is_no_api_is_said_to_be_none(fake: FakeGitHub, run: Sweep) -> None:
    fake.fail("GET", "/pulls", status=200, body={"hello": "world"}, times=None)
    assert "not GitHub" in str(run(locked()).stopped)


def test_a_server_that_drips_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each byte comes in time, the answer never does: no timeout of a socket notices."""
    monkeypatch.setattr("gate.github.checks.sweep._GRACE_SECONDS", 0.5)
    ending = threading.Event()

    class Dripping(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
            while not ending.wait(0.1):
                self.request.sendall(b" ")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Dripping) as server:
        server.daemon_threads, server.block_on_close = True, False
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}"
        connection = Connection(Token(token="t"), url, timeout_seconds=1)
        caller = Caller(
            connection, "acme/bookings", timing=RealTiming(), limits=Limits(url), seconds=1
        )
        begun = time.monotonic()
        swept = sweep(caller, locked(), ["main"], Memory())
        took = time.monotonic() - begun
        ending.set()
        server.shutdown()
    connection.close()
    assert swept.stopped == "GitHub did not answer in time"
    assert took < 4
