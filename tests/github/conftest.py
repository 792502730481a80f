"""A started fake, a clock that jumps, and sweeps against them."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from gate.github.calls import Caller, Limits
from gate.github.checks.settling import Memory
from gate.github.checks.sweep import Swept, sweep
from gate.github.checks.wanted import Wanted
from gate.github.client import Connection, Token
from tests.github.fake import FakeGitHub
from tests.github.fake.server import TOKEN

TITLE = "Locked until Mon 15 Jun 2026 00:00 +0100 (2026-06-14T23:00:00Z)"


def locked(title: str = TITLE) -> Wanted:
    """What a denial asks for."""
    return Wanted(
        blocked=True, title=title, summary="why", description=title, external_id="decision-1"
    )


def opened() -> Wanted:
    """What an allowance asks for."""
    return Wanted(blocked=False, title="Open", summary="go", description="Open", external_id="")


class JumpingTiming:
    """Real time, but waiting is a jump ahead: nobody sleeps, and every wait is on record."""

    def __init__(self, start: datetime = datetime(2026, 6, 13, 12, tzinfo=UTC)) -> None:
        self.stop = threading.Event()
        self.waits: list[float] = []
        self._start = start
        self._begun = time.monotonic()
        self._jumped = 0.0
        self._lock = threading.Lock()

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self.monotonic() - self._begun)

    def monotonic(self) -> float:
        return time.monotonic() + self._jumped

    def wait(self, seconds: float) -> bool:
        if self.stop.is_set() or seconds <= 0:
            return self.stop.is_set()
        until = self.monotonic() + seconds
        with self._lock:
            self.waits.append(seconds)
            self._jumped += max(0.0, until - self.monotonic())
        return self.stop.is_set()


Sweep = Callable[..., Swept]


@pytest.fixture
def fake() -> Iterator[FakeGitHub]:
    with FakeGitHub() as server:
        yield server


@pytest.fixture
def timing(fake: FakeGitHub) -> JumpingTiming:
    made = JumpingTiming()
    fake.monotonic = made.monotonic
    return made


@pytest.fixture
def connection(fake: FakeGitHub) -> Iterator[Connection]:
    made = Connection(Token(token=TOKEN), fake.url, timeout_seconds=1)
    yield made
    made.close()


@pytest.fixture
def run(connection: Connection, timing: JumpingTiming) -> Sweep:
    """A sweep as `--once` does it, with nothing remembered from before."""

    def swept(what: Wanted, bases: Sequence[str] | None = None, *, seconds: float = 45.0) -> Swept:
        caller = Caller(
            connection,
            "acme/bookings",
            timing=timing,
            limits=Limits(connection.url),
            seconds=seconds,
        )
        return sweep(caller, what, bases, Memory())

    return swept
