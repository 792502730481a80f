"""`gate github sync`: its output, its exit codes, and what it records."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gate.core.instants import format_instant
from tests.cli.run import Outcome, gate
from tests.github.fake import FakeGitHub
from tests.github.fake.server import TOKEN, Grant

Sync = Callable[..., Outcome]


def policy_text(start: datetime, end: datetime, more: str = "") -> str:
    """One lock window between two instants, and nothing else that locks."""
    window = {"name": "w", "start": format_instant(start), "end": format_instant(end)}
    return (
        f"version: 1\ntimezone: Europe/London\nlevel_lock: {{at: never}}\n"
        f"windows: [{json.dumps(window)}]\n{more}"
    )


@pytest.fixture
def now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    calendar = Path(__file__).parents[2] / "examples" / "calendar.csv"
    with calendar.open() as lines:
        (tmp_path / "calendar.csv").write_text(next(lines))
    return tmp_path


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, fake: FakeGitHub) -> None:
    for name in [name for name in os.environ if name.startswith(("GATE_", "GITHUB_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
    monkeypatch.setenv("GITHUB_API_URL", fake.url)


@pytest.fixture
def sync(environment: None, files: Path) -> Sync:
    def run(policy: str, *more: object) -> Outcome:
        path = files / "policy.yaml"
        path.write_text(policy)
        return gate(*arguments(files), *(more or ("--once", "--json")))

    return run


def arguments(files: Path) -> list[object]:
    return [
        *("github", "sync", "--repo", "acme/bookings"),
        *("--policy", files / "policy.yaml", "--calendar", files / "calendar.csv"),
    ]


def closed(now: datetime) -> str:
    return policy_text(now - timedelta(hours=1), now + timedelta(hours=1))


def open_(now: datetime) -> str:
    return policy_text(now - timedelta(hours=2), now - timedelta(hours=1))


def test_the_array_is_the_contracts(fake: FakeGitHub, sync: Sync, now: datetime) -> None:
    fake.repository.pull(12, sha="a" * 40)
    fake.repository.pull(7, sha="b" * 40)
    fake.repository.queue(12, "c" * 40)
    until = format_instant(now + timedelta(hours=1))
    ended = sync(closed(now))
    assert (ended.code, ended.err) == (0, "")
    assert ended.json == [
        {
            "number": number,
            "sha": sha * 40,
            "kind": "check",
            "state": "in_progress",
            "changed": True,
            "until": until,
        }
        for number, sha in ((7, "b"), (12, "a"), (None, "c"))
    ]
    assert list(ended.json[0]) == ["number", "sha", "kind", "state", "changed", "until"]
    again = sync(closed(now)).json
    assert [entry["changed"] for entry in again] == [False] * 3
    after = sync(open_(now)).json
    assert {(entry["state"], entry["until"]) for entry in after} == {("completed", None)}


def test_the_title_names_the_reopening_at_home(fake: FakeGitHub, sync: Sync, now: datetime) -> None:
    sha = fake.repository.pull(1).sha
    start = datetime(now.year + 1, 1, 15, 9, tzinfo=UTC)
    sync(policy_text(now - timedelta(hours=1), start))
    newest = fake.repository.newest_run(sha)
    assert newest is not None
    title = newest["output"]["title"]
    assert f"15 Jan {start.year} 09:00 +0000" in title, "the offset of that date"
    assert format_instant(start) in title
    assert "window w" in newest["output"]["summary"]


def test_a_status_says_when_it_opens(fake: FakeGitHub, sync: Sync, now: datetime) -> None:
    fake.tokens[TOKEN] = Grant(permissions={"statuses": "write"})
    sha = fake.repository.pull(1).sha
    (entry,) = sync(closed(now)).json
    assert (entry["kind"], entry["state"]) == ("status", "pending")
    (status,) = fake.repository.statuses_of(sha)
    assert format_instant(now + timedelta(hours=1)) in status["description"]
    assert len(status["description"]) <= 140


def test_a_policy_that_only_warns_lets_everything_through(
    fake: FakeGitHub, sync: Sync, now: datetime
) -> None:
    fake.repository.pull(1)
    (entry,) = sync(closed(now) + "mode: warn\n").json
    assert entry["state"] == "completed"
    assert entry["until"] is not None


def test_no_heads_is_an_empty_array(sync: Sync, now: datetime) -> None:
    ended = sync(closed(now))
    assert (ended.code, ended.json) == (0, [])


def test_people_get_a_table(fake: FakeGitHub, sync: Sync, now: datetime) -> None:
    fake.repository.pull(12)
    ended = sync(closed(now), "--once")
    assert ended.code == 0
    assert "#12" in ended.out
    assert "1 head, 1 changed" in ended.out


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"GITHUB_TOKEN": ""},
        {"GATE_GITHUB_APP_ID": "1"},
        {"GITHUB_TOKEN": "x", "GITHUB_API_URL": "nonsense"},
    ],
)
def test_without_credentials_or_an_address_it_is_bad_input(
    fake: FakeGitHub,
    sync: Sync,
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
    environ: dict[str, str],
) -> None:
    monkeypatch.delenv("GITHUB_TOKEN")
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    ended = sync(closed(now))
    assert (ended.code, ended.out) == (2, "")
    assert "GITHUB_" in ended.err
    assert fake.log == []


@pytest.mark.parametrize(
    "more",
    [
        (),
        ("--once", "--watch"),
        ("--once", "--repo", "acme"),
        ("--once", "--repo", "acme/bookings/x"),
        ("--once", "--repo", "../x"),
        ("--once", "--repo", "acme/book?x"),
    ],
)
def test_bad_usage(sync: Sync, files: Path, more: tuple[str, ...]) -> None:
    (files / "policy.yaml").write_text("version: 1\ntimezone: UTC\n")
    assert gate(*arguments(files), *more).code == 2


@pytest.mark.parametrize("status", [401, 404])
def test_what_github_refuses_is_said(
    fake: FakeGitHub, sync: Sync, now: datetime, status: int
) -> None:
    fake.repository.pull(1)
    fake.fail("GET", "/pulls", status=status, times=None)
    ended = sync(closed(now))
    assert (ended.code, ended.json) == (4, [])
    assert str(status) in ended.err
    assert TOKEN not in ended.err


def test_a_long_wait_leaves_the_rest_and_says_so(
    fake: FakeGitHub, sync: Sync, now: datetime
) -> None:
    for number in range(1, 41):
        fake.repository.pull(number)
    fake.fail(
        "POST", "/check-runs", status=403, headers={"Retry-After": "900"}, skip=20, times=None
    )
    ended = sync(closed(now))
    assert ended.code == 4
    assert len(ended.json) == 20
    assert "wait 900 s" in ended.err
    assert "20 heads left" in ended.err


def test_files_that_cannot_be_read_block_and_are_bad_input(
    fake: FakeGitHub, sync: Sync, now: datetime
) -> None:
    sha = fake.repository.pull(1).sha
    sync(open_(now))
    ended = sync("version: 1\ntimezone: Nowhere/Land\n")
    assert ended.code == 2
    assert "Nowhere/Land" in ended.err
    assert ended.json[0]["state"] == "in_progress"
    newest = fake.repository.newest_run(sha)
    assert newest is not None
    assert "could not decide" in newest["output"]["title"]


@pytest.mark.store
def test_the_decision_is_recorded(
    fake: FakeGitHub, sync: Sync, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.postgres import fresh_schema  # noqa: PLC0415

    sha = fake.repository.pull(1).sha
    with fresh_schema() as target:
        monkeypatch.setenv("GATE_SCHEMA", target.schema)
        ended = sync(closed(now), "--once", "--json", "--dsn", target.dsn)
        assert ended.code == 0
        (row,) = gate("audit", "list", "--dsn", target.dsn, "--json").json
        assert gate("audit", "verify", "--dsn", target.dsn).code == 0
    newest = fake.repository.newest_run(sha)
    assert newest is not None
    assert newest["external_id"] in json.dumps(row)
    assert "checks" in json.dumps(row)


@pytest.mark.store
def test_a_lock_that_people_set_is_followed(
    fake: FakeGitHub, sync: Sync, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.postgres import fresh_schema  # noqa: PLC0415

    sha = fake.repository.pull(1).sha
    with fresh_schema() as target:
        monkeypatch.setenv("GATE_SCHEMA", target.schema)
        monkeypatch.setenv("GATE_DSN", target.dsn)
        monkeypatch.setenv("GATE_ACTOR", "ann")
        assert gate("lock", "set", "--reason", "the @acme/all `cake` fell").code == 0
        (entry,) = sync(open_(now)).json
    assert (entry["state"], entry["until"]) == ("in_progress", None)
    output = fake.repository.newest_run(sha)["output"]  # type: ignore[index]
    assert output["title"] == "Locked until it is released"
    assert "`locked by ann until it is released: the @acme/all 'cake' fell`" in output["summary"]


def test_a_store_that_is_away_blocks(fake: FakeGitHub, sync: Sync, now: datetime) -> None:
    fake.repository.pull(1)
    ended = sync(open_(now), "--once", "--json", "--dsn", "postgresql://127.0.0.1:9/gate?user=x")
    assert ended.code == 0, "the head stands as decided"
    assert ended.json[0]["state"] == "in_progress"


@pytest.fixture
def watching(environment: None, files: Path) -> Iterator[Callable[..., "subprocess.Popen[str]"]]:
    started: list[subprocess.Popen[str]] = []

    def start(*more: str) -> "subprocess.Popen[str]":
        words = [sys.executable, "-m", "gate", *map(str, arguments(files)), "--watch", *more]
        process = subprocess.Popen(
            words,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


def test_a_watch_follows_time_and_files_until_it_is_ended(
    fake: FakeGitHub,
    files: Path,
    watching: "Callable[..., subprocess.Popen[str]]",
) -> None:
    sha = fake.repository.pull(1).sha
    opens = datetime.now(UTC) + timedelta(seconds=3)
    policy = files / "policy.yaml"
    policy.write_text(policy_text(opens - timedelta(hours=1), opens))
    process = watching("--json")
    assert process.stdout is not None
    assert process.stderr is not None
    first, second = (json.loads(process.stdout.readline()) for _ in range(2))
    assert (state_of(first), state_of(second)) == ("in_progress", "completed")
    assert timedelta(0) < datetime.now(UTC) - opens < timedelta(seconds=2)
    policy.write_text("version: 1\n")
    assert "timezone" in process.stderr.readline()
    assert "still holds" in process.stderr.readline()
    policy.write_text(policy_text(opens, opens + timedelta(hours=1)))
    assert state_of(json.loads(process.stdout.readline())) == "in_progress"
    process.send_signal(signal.SIGTERM)
    begun = time.monotonic()
    assert process.wait(10) == 0
    assert time.monotonic() - begun < 5
    assert fake.repository.states()[sha] == "in_progress"


def state_of(array: list[dict[str, Any]]) -> str:
    (entry,) = array
    return str(entry["state"])


@pytest.mark.store
def test_a_watch_follows_locks_and_records(
    fake: FakeGitHub,
    files: Path,
    now: datetime,
    watching: "Callable[..., subprocess.Popen[str]]",
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from tests.postgres import fresh_schema  # noqa: PLC0415

    fake.repository.pull(1)
    (files / "policy.yaml").write_text(open_(now))
    with fresh_schema() as target:
        monkeypatch.setenv("GATE_SCHEMA", target.schema)
        monkeypatch.setenv("GATE_DSN", target.dsn)
        process = watching()
        assert process.stdout is not None
        assert "1 head changed" in process.stdout.readline()
        assert gate("lock", "set", "--reason", "the cake fell", "--by", "ann").code == 0
        assert "1 head changed" in process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
        rows = gate("audit", "list", "--json").json
    assert fake.repository.states() == {f"{1:040x}": "in_progress"}
    verdicts = [word for row in rows for word in ("allow", "deny") if f'"{word}"' in dump(row)]
    assert sorted(verdicts) == ["allow", "deny"]


def dump(row: dict[str, Any]) -> str:
    """A row as text, whatever its fields are called."""
    return json.dumps(row)


def test_the_policy_names_the_bases(fake: FakeGitHub, sync: Sync, now: datetime) -> None:
    fake.repository.pull(1, base="main")
    fake.repository.pull(2, base="release/2026")
    named = policy_text(
        now - timedelta(hours=1), now + timedelta(hours=1), 'github: {bases: ["release/*"]}\n'
    )
    assert [entry["number"] for entry in sync(named).json] == [2]
    assert [entry["number"] for entry in sync(closed(now)).json] == [1]
