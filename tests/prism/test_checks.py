"""The checks' requests: what a sweep asks for and writes is as GitHub describes it."""

import pytest

from gate.github.calls import Caller, Limits
from gate.github.checks.settling import Memory
from gate.github.checks.sweep import Swept, sweep
from gate.github.checks.wanted import Wanted
from gate.github.client import Connection
from gate.github.timing import RealTiming
from tests.github.fake import FakeGitHub
from tests.github.fake.server import TOKEN, Grant
from tests.prism.tap import Tap

LOCKED = Wanted(
    blocked=True, title="Locked until Monday", summary="why", description="Locked", external_id="d1"
)
OPEN = Wanted(blocked=False, title="Open", summary="go", description="Open", external_id="d2")


def settle(connection: Connection, what: Wanted) -> Swept:
    """One sweep that knows nothing from before."""
    return settle_again(connection, what, Limits(connection.url))


def settle_again(connection: Connection, what: Wanted, limits: Limits) -> Swept:
    """One sweep that knows which lists have what ETags."""
    caller = Caller(connection, "acme/bookings", timing=RealTiming(), limits=limits, seconds=60.0)
    return sweep(caller, what, None, Memory(), conditional=True)


def operations(tap: Tap) -> set[tuple[str, str]]:
    """Verb and the last words of each path that was asked for."""
    return {(each.verb, each.path.partition("?")[0]) for each in tap.exchanges}


def test_a_check_turns_pending_and_green_and_pending(
    connection: Connection, fake: FakeGitHub, tap: Tap
) -> None:
    sha = fake.repository.pull(7).sha
    queued = fake.repository.queue(8, "a" * 40) and "a" * 40
    for what, state in ((LOCKED, "in_progress"), (OPEN, "completed"), (LOCKED, "in_progress")):
        swept = settle(connection, what)
        assert swept.complete, swept
        assert fake.repository.states() == {sha: state, queued: state}
    base = "/repos/acme/bookings"
    run = fake.repository.runs[0]["id"]
    assert operations(tap) >= {
        ("GET", base),
        ("GET", f"{base}/pulls"),
        ("GET", f"{base}/git/matching-refs/heads/gh-readonly-queue"),
        ("GET", f"{base}/commits/{sha}/check-runs"),
        ("POST", f"{base}/check-runs"),
        ("PATCH", f"{base}/check-runs/{run}"),
    }


def test_a_status_where_checks_may_not_be_written(
    connection: Connection, fake: FakeGitHub, tap: Tap
) -> None:
    sha = fake.repository.pull(7).sha
    fake.tokens[TOKEN] = Grant(permissions={"checks": "read", "statuses": "write"})
    assert settle(connection, LOCKED).complete
    assert settle(connection, OPEN).complete
    assert [each["state"] for each in fake.repository.statuses_of(sha)] == ["success", "pending"]
    base = "/repos/acme/bookings"
    assert operations(tap) >= {
        ("GET", f"{base}/commits/{sha}/status"),
        ("POST", f"{base}/statuses/{sha}"),
    }


@pytest.mark.parametrize("total", [1, 101])
def test_all_pages_are_read(connection: Connection, fake: FakeGitHub, tap: Tap, total: int) -> None:
    for number in range(1, total + 1):
        fake.repository.pull(number, sha="b" * 40)
    swept = settle(connection, OPEN)
    assert swept.complete
    assert [outcome.head.number for outcome in swept.outcomes] == [1]


def test_what_has_not_changed_is_asked_for_by_its_etag(
    connection: Connection, fake: FakeGitHub, tap: Tap
) -> None:
    fake.repository.pull(7)
    limits = Limits(connection.url)
    assert settle_again(connection, OPEN, limits).complete
    tap.exchanges.clear()
    assert settle_again(connection, OPEN, limits).complete
    assert [each.status for each in tap.exchanges[:3]] == [304, 304, 304]
