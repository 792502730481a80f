"""The database goes and comes back; what was read last holds meanwhile, and its age is told."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import msgspec
import psycopg
import pytest

from gate.service.keeper import state_file
from gate.store import embedded
from gate.store.connect import Target, connect
from tests.postgres import fresh_schema, server
from tests.service.acting import activate, import_, lock, now, override, weddings
from tests.service.following import QUICK, following
from tests.service.listening import Heard
from tests.service.proxy import proxied
from tests.service.until import until

pytestmark = pytest.mark.store


def read(heard: Heard) -> None:
    until(lambda: heard.inputs.read_at is not None and heard.inputs.trouble is None)


def away(where: Target) -> Target:
    """The same database where nothing answers."""
    return msgspec.structs.replace(where, dsn=where.dsn + " port=1")


@contextmanager
def stopped() -> Iterator[None]:
    """The server of the run is down during the block."""
    base = server().base
    embedded.stop(base, immediate=True)
    try:
        yield
    finally:
        embedded.ensure(base)


def test_a_connection_that_is_killed_is_made_anew(
    where: Target, connection: psycopg.Connection, tmp_path: Path
) -> None:
    with following(where, tmp_path) as heard:
        read(heard)
        for _ in range(3):
            killed = connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE pid <> pg_backend_pid() AND application_name = 'saturday-gate'"
                " AND query LIKE 'SELECT 1%' OR query LIKE 'COMMIT%' OR query LIKE 'LISTEN%'"
            ).fetchall()
            assert killed
            made = lock(connection)
            until(lambda made=made: made.as_lock() in heard.inputs.locks, 2)  # type: ignore[misc]
            read(heard)


def test_a_server_that_is_down_is_said_and_found_again(where: Target, tmp_path: Path) -> None:
    with following(where, tmp_path, pace=QUICK) as heard:
        with connect(where) as connection:
            made = lock(connection)
        until(lambda: made.as_lock() in heard.inputs.locks)
        with stopped():
            until(lambda: "not available" in (heard.inputs.trouble or ""), 2)
            last = heard.inputs.read_at
            assert last is not None
            assert heard.inputs.trouble is not None
            assert last.isoformat()[:19] in heard.inputs.trouble
            assert heard.inputs.locks == (made.as_lock(),)
        until(lambda: heard.inputs.trouble is None and heard.inputs.read_at != last)
        with connect(where) as connection:
            another = lock(connection)
        until(lambda: another.as_lock() in heard.inputs.locks, 1)


def test_a_connection_that_falls_silent_is_noticed_within_seconds(
    where: Target, connection: psycopg.Connection, tmp_path: Path
) -> None:
    with proxied(where) as (proxy, through), following(through, tmp_path) as heard:
        read(heard)
        proxy.silent = True
        began = time.monotonic()
        until(lambda: heard.inputs.trouble is not None, 10)
        noticed = time.monotonic() - began
        print(f"a silent connection was noticed after {noticed:.1f} s")
        assert noticed < 7
        made = lock(connection)
        assert made.as_lock() not in heard.inputs.locks
        proxy.silent = False
        until(lambda: made.as_lock() in heard.inputs.locks, 15)
        read(heard)


@pytest.mark.parametrize("pieces", [0, 1, 2, 3, 4, 6, 8])
def test_a_server_that_falls_silent_at_any_step_is_tried_again(
    where: Target, tmp_path: Path, pieces: int
) -> None:
    with proxied(where) as (proxy, through):
        proxy.left = pieces
        through = msgspec.structs.replace(through, connect_timeout_seconds=2)  # noqa: PLW2901
        with following(through, tmp_path, pace=QUICK) as heard:
            until(lambda: proxy.silent and heard.inputs.trouble is not None)
            until(lambda: "not a" in (heard.inputs.trouble or ""))
            proxy.left, proxy.silent = None, False
            read(heard)


def test_a_calendar_whose_connection_falls_silent_is_fetched_again(
    where: Target, connection: psycopg.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state_file, "ANSWER_SECONDS", 0.5)
    with (
        proxied(where) as (proxy, through),
        following(through, tmp_path, calendar=True, pace=QUICK) as heard,
    ):
        until(lambda: heard.inputs.read_at is not None)
        accepted = proxy.accepted
        import_(connection, weddings(5_000))
        until(lambda: proxy.accepted > accepted)
        proxy.silent = True
        until(lambda: "cannot be fetched" in (heard.inputs.trouble or ""))
        proxy.silent = False
        until(lambda: heard.inputs.calendar_path)


def test_a_start_without_the_database_knows_what_was_read_last(
    where: Target, connection: psycopg.Connection, tmp_path: Path
) -> None:
    held, granted = lock(connection), override(connection)
    digest = activate(connection, b"name: p\n")
    done = import_(connection, weddings(3))
    with following(where, tmp_path, policy=True, calendar=True) as heard:
        read(heard)
        until(lambda: heard.inputs.calendar_path)
        before = heard.inputs
    kept = tmp_path / "snapshot.json"
    assert kept.stat().st_mode & 0o777 == 0o600
    # Another password is still the same database; the snapshot does not hold one.
    again = msgspec.structs.replace(away(where), dsn=away(where).dsn + " password=hunter2")
    with stopped_reading(where, again, tmp_path) as heard:
        assert heard.inputs.decides_as(before)
        assert heard.inputs.locks == (held.as_lock(),)
        assert heard.inputs.overrides == (granted.as_override(),)
        assert digest in (heard.inputs.policy_path or "")
        assert heard.inputs.calendar_sha256 == done.sha256
        assert heard.inputs.read_at is not None
        assert timedelta(0) < now() - heard.inputs.read_at < timedelta(seconds=30)
    assert b"hunter2" not in kept.read_bytes()


@contextmanager
def stopped_reading(where: Target, again: Target, folder: Path) -> Iterator[Heard]:
    """A keeper that starts while `where`, which it had read, is not to be reached."""
    host = f"host='{server().host}' port=5432"
    assert host in where.dsn
    hidden = Path(server().host) / ".s.PGSQL.5432"
    moved = hidden.with_name("moved")
    hidden.rename(moved)
    try:
        dsn = again.dsn.replace(" port=1", "")
        with following(
            msgspec.structs.replace(again, dsn=dsn), folder, policy=True, calendar=True, pace=QUICK
        ) as heard:
            until(lambda: "not available" in (heard.inputs.trouble or ""))
            yield heard
    finally:
        moved.rename(hidden)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe\x00",
        b"[]",
        b'{"format":1,"origin":"x","inputs":{"type":"inputs","locks":[{"id":3}]}}',
        b'{"format":2,"origin":"x","inputs":{"type":"inputs"}}',
    ],
)
def test_a_kept_snapshot_that_is_no_use_is_passed_over(
    where: Target,
    connection: psycopg.Connection,
    tmp_path: Path,
    content: bytes,
    capfd: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "snapshot.json").write_bytes(content)
    made = lock(connection)
    with following(where, tmp_path) as heard:
        read(heard)
        assert heard.inputs.locks == (made.as_lock(),)
    kept = (tmp_path / "snapshot.json").read_bytes()
    assert json.loads(kept)["inputs"]["locks"][0]["id"] == str(made.id)
    assert '"snapshot-unusable"' in capfd.readouterr().err


def test_a_snapshot_of_another_database_is_not_this_ones(
    where: Target, connection: psycopg.Connection, tmp_path: Path
) -> None:
    lock(connection)
    with following(where, tmp_path) as heard:
        read(heard)
    with fresh_schema() as other, following(away(other), tmp_path, pace=QUICK) as heard:
        until(lambda: "not available" in (heard.inputs.trouble or ""))
        assert heard.inputs.locks == ()
        assert heard.inputs.read_at is None
        assert "never read yet" in (heard.inputs.trouble or "")


def test_migrations_that_are_missing_are_said(tmp_path: Path) -> None:
    with fresh_schema(migrated=False) as bare, following(bare, tmp_path, pace=QUICK) as heard:
        until(lambda: "gate db migrate" in (heard.inputs.trouble or ""))
