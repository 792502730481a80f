"""The worker: it follows the clock, asks little in between, and puts right what others change."""

import threading
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from gate.core.decision import (
    CalendarRef,
    Decision,
    Effect,
    Phase,
    PolicyRef,
    Request,
    Verdict,
)
from gate.core.policy import Action, Policy
from gate.github.client import Connection
from gate.service.github.watch import POLL_EVERY_SECONDS, Report, Watch
from tests.github.conftest import JumpingTiming
from tests.github.fake import FakeGitHub

WRITES = "POST|PATCH"
START = datetime(2026, 6, 13, 12, tzinfo=UTC)
REQUEST = Request(action=Action.DEPLOY, invoker="automation", repository="acme/bookings")


class Hours:
    """A judge whose windows are given: it denies within them."""

    def __init__(self, *windows: tuple[int, int]) -> None:
        """Windows in seconds after the start."""
        self.windows = [
            (START + timedelta(seconds=start), START + timedelta(seconds=end))
            for start, end in windows
        ]
        self.recorded: list[Decision] = []
        self.down = False

    @property
    def policy(self) -> Policy | None:
        return None

    def refresh(self) -> None:
        pass

    def preview(self, request: Request, at: datetime) -> Decision:
        inside = next(((s, e) for s, e in self.windows if s <= at < e), None)
        edges = [edge for window in self.windows for edge in window if edge > at]
        return Decision(
            id="preview",
            at=at,
            verdict=Verdict.DENY if inside else Verdict.ALLOW,
            effect=Effect.BLOCK if inside else Effect.ALLOW,
            phase=Phase.LOCKED if inside else Phase.OPEN,
            level=None,
            request=request,
            reasons=(),
            locked_from=inside and inside[0],
            locked_until=inside and inside[1],
            next_change=min(edges, default=None),
            load=None,
            override=None,
            policy=PolicyRef(name=None, sha256="p"),
            calendar=CalendarRef(sha256="c", weddings=0),
            tzdata="2026.1",
        )

    def __call__(self, request: Request, at: datetime) -> Decision:
        decision = self.preview(request, at)
        if self.down:
            return msgspec.structs.replace(
                decision, verdict=Verdict.UNDECIDED, effect=Effect.BLOCK, next_change=None
            )
        made = msgspec.structs.replace(decision, id=f"d{len(self.recorded)}", recorded=True)
        self.recorded.append(made)
        return made


class Watched:
    """A watch, its reports, and turns of it until an instant."""

    def __init__(self, connection: Connection, timing: JumpingTiming) -> None:
        self.connection = connection
        self.timing = timing
        self.reports: list[Report] = []
        self.watch: Watch | None = None

    def begin(self, judge: Hours) -> None:
        self.watch = Watch(
            self.connection,
            REQUEST,
            judge,
            timing=self.timing,
            told=self.reports.append,
        )

    def until(self, seconds: float) -> None:
        """Turn and wait until so many seconds after the start."""
        assert self.watch is not None
        while self.timing.now() < START + timedelta(seconds=seconds):
            self.timing.wait(max(self.watch.turn(), 0.001))


@pytest.fixture
def watched(connection: Connection, timing: JumpingTiming) -> Watched:
    return Watched(connection, timing)


def test_it_follows_the_clock_over_two_windows(fake: FakeGitHub, watched: Watched) -> None:
    sha = fake.repository.pull(1).sha
    judge = Hours((100, 200), (300, 400))
    watched.begin(judge)
    seen = []
    for seconds in (50, 101, 201, 301, 401):
        watched.until(seconds)
        seen.append(fake.repository.states()[sha])
    assert seen == ["completed", "in_progress", "completed", "in_progress", "completed"]
    assert len(fake.asked(WRITES)) == 5
    changed = [report for report in watched.reports if report.swept.changed]
    for report, edge in zip(changed[1:], (100, 200, 300, 400), strict=True):
        late = (report.decision.at - START).total_seconds() - edge
        assert 0 <= late < 1, "at the transition, not at the next look"
    assert [d.verdict for d in judge.recorded] == ["allow", "deny"] * 2 + ["allow"]


def test_a_transition_costs_one_request_a_head(fake: FakeGitHub, watched: Watched) -> None:
    for number in range(1, 151):
        fake.repository.pull(number)
    watched.begin(Hours((100, 200)))
    watched.until(99)
    fake.forget()
    watched.until(102)
    assert len(fake.asked(WRITES)) == 150
    assert len(fake.asked("GET", "/check-runs")) == 0


def test_in_between_it_asks_only_whether_anything_changed(
    fake: FakeGitHub, watched: Watched
) -> None:
    for number in range(1, 151):
        fake.repository.pull(number)
    watched.begin(Hours())
    watched.until(130)
    fake.forget()
    watched.until(250)
    assert fake.asked(WRITES) == []
    reads = fake.asked("GET", "/check-runs")
    assert len({each.path for each in reads}) == 150, "every head comes round"
    assert [each.status for each in reads].count(200) <= 150, "each once in full"
    lists = fake.asked("GET", "/pulls|matching-refs|bookings$")
    assert {each.status for each in lists} == {304}


def test_a_head_that_is_pushed_meanwhile_is_found(fake: FakeGitHub, watched: Watched) -> None:
    fake.repository.pull(1)
    judge = Hours((0, 1000))
    watched.begin(judge)
    watched.until(10)
    fake.repository.push(1, "d" * 40)
    watched.until(75)
    assert fake.repository.states()["d" * 40] == "in_progress"
    assert len(judge.recorded) == 2, "the decision, and that another head follows it"
    newest = fake.repository.newest_run("d" * 40)
    assert newest is not None
    assert newest["external_id"] == "d0"


def test_what_others_change_is_put_right(fake: FakeGitHub, watched: Watched) -> None:
    sha = fake.repository.pull(1).sha
    watched.begin(Hours((0, 1000)))
    watched.until(10)
    body = {
        "name": "saturday-gate",
        "head_sha": sha,
        "status": "completed",
        "conclusion": "success",
    }
    fake.repository.add_run(body)
    watched.until(75)
    newest = fake.repository.newest_run(sha)
    assert newest is not None
    assert newest["status"] == "in_progress"


def test_a_ledger_that_is_away_blocks_until_it_is_back(fake: FakeGitHub, watched: Watched) -> None:
    sha = fake.repository.pull(1).sha
    judge = Hours((0, 100))
    watched.begin(judge)
    watched.until(50)
    judge.down = True
    watched.until(150)
    assert fake.repository.states()[sha] == "in_progress"
    assert "could not decide" in fake.repository.newest_run(sha)["output"]["title"]  # type: ignore[index]
    judge.down = False
    watched.until(150 + 2 * POLL_EVERY_SECONDS)
    assert fake.repository.states()[sha] == "completed"


def test_a_sweep_that_fails_is_made_again(fake: FakeGitHub, watched: Watched) -> None:
    sha = fake.repository.pull(1).sha
    fake.fail("GET", "/pulls", status=401, times=2)
    watched.begin(Hours((0, 1000)))
    watched.until(100)
    assert fake.repository.states() == {sha: "in_progress"}
    assert [report.swept.complete for report in watched.reports[:3]] == [False, False, True]


def test_a_long_wait_is_kept_and_then_gone_on(fake: FakeGitHub, watched: Watched) -> None:
    for number in range(1, 41):
        fake.repository.pull(number)
    fake.fail("POST", "/check-runs", status=403, headers={"Retry-After": "300"}, skip=20)
    watched.begin(Hours((0, 5000)))
    watched.until(500)
    assert len(fake.repository.states()) == 40
    refused = next(each for each in fake.log if each.status == 403)
    assert not [each for each in fake.log if refused.at + 2 < each.at < refused.at + 298]


def test_it_ends_when_told_to(fake: FakeGitHub, watched: Watched) -> None:
    fake.repository.pull(1)
    watched.begin(Hours())
    assert watched.watch is not None
    stop = watched.timing.stop

    def before(_verb: str, _path: str) -> None:
        stop.set()

    fake.before = before
    thread = threading.Thread(target=watched.watch.run, args=(stop,), daemon=True)
    thread.start()
    thread.join(5)
    assert not thread.is_alive()
    assert not watched.watch.complete
