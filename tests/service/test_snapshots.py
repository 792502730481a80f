"""What the database holds reaches a worker at once, and keeps for when the database is away."""

import hashlib
import statistics
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from gate.calendars import read_rows
from gate.core.decision import ManualLock
from gate.core.policy import Action, Scope
from gate.ledger.acts.locks import release_lock
from gate.ledger.acts.overrides import approve_override, revoke_override
from gate.ledger.acts.weddings import forget_imports
from gate.service.snapshots import Pace
from gate.store.connect import Target
from tests.service.acting import act, activate, import_, lock, now, override, weddings
from tests.service.following import QUICK, following
from tests.service.listening import Heard
from tests.service.until import until

pytestmark = pytest.mark.store

WANTED_SECONDS = 1.0


def read(heard: Heard) -> None:
    """Wait until the database was read."""
    until(lambda: heard.inputs.read_at is not None and heard.inputs.trouble is None)


def test_a_lock_and_an_override_reach_a_worker_within_a_second(
    where: Target, connection: psycopg.Connection, tmp_path: Path
) -> None:
    with following(where, tmp_path) as heard:
        read(heard)
        took = []
        for _ in range(10):
            made = lock(connection, scope=Scope(services=("rsvp",)), actions=[Action.DEPLOY])
            placed = time.monotonic()
            until(lambda made=made: made.as_lock() in heard.inputs.locks)  # type: ignore[misc]
            took.append(time.monotonic() - placed)
        assert max(took) < WANTED_SECONDS
        typical, worst = (1000 * seconds for seconds in (statistics.median(took), max(took)))
        print(f"lock to worker: median {typical:.1f} ms, worst {worst:.1f} ms")
        release_lock(connection, act(), str(made.id))
        until(lambda: heard.inputs.locks[-1].end is not None, WANTED_SECONDS)
        granted = override(connection)
        until(lambda: heard.inputs.overrides == (granted.as_override(),), WANTED_SECONDS)
        approve_override(connection, act("bob"), str(granted.id))
        until(lambda: len(heard.inputs.overrides[0].approvals) == 1, WANTED_SECONDS)
        revoke_override(connection, act("bob"), str(granted.id))
        until(lambda: heard.inputs.overrides[0].until <= now(), WANTED_SECONDS)


def test_the_active_policy_and_the_newest_calendar_become_files(
    where: Target, connection: psycopg.Connection, tmp_path: Path
) -> None:
    with following(where, tmp_path, policy=True, calendar=True) as heard:
        until(lambda: "no policy is active" in (heard.inputs.trouble or ""))
        assert "no calendar was imported" in (heard.inputs.trouble or "")
        digests = [activate(connection, f"name: p{n}\n".encode()) for n in range(4)]
        rows = weddings(50)
        done = import_(connection, rows)
        until(lambda: digests[-1] in (heard.inputs.policy_path or ""))
        until(lambda: heard.inputs.calendar_path)
        assert heard.inputs.trouble is None
        assert heard.inputs.calendar_sha256 == done.sha256
        path = Path(heard.inputs.policy_path or "")
        assert hashlib.sha256(path.read_bytes()).hexdigest() == digests[-1]
        calendar = Path(heard.inputs.calendar_path or "")
        # Read by the project's own reader, each wedding is what was imported.
        assert list(read_rows([str(calendar)])) == rows
        assert datetime.fromtimestamp(calendar.stat().st_mtime, UTC) == done.imported_at
        assert {p.stat().st_mode & 0o777 for p in (path, calendar)} == {0o600}
        # What holds and what held before it; the rest is removed.
        assert f"policy-{digests[-1]}.yaml" in {p.name for p in tmp_path.glob("policy-*")}
        until(lambda: len(list(tmp_path.glob("policy-*"))) <= 2)
        fewer = import_(connection, rows[:3])
        until(lambda: heard.inputs.calendar_sha256 == fewer.sha256)
        import_(connection, rows[:2])
        until(lambda: str(fewer.sha256) not in (heard.inputs.calendar_path or ""))
        until(lambda: not calendar.exists())
        # Another thread keeps the snapshot, after it was told: its young file goes with that.
        until(lambda: not list(tmp_path.glob(".new-*")))


def test_a_lock_does_not_wait_for_a_large_calendar(
    where: Target, connection: psycopg.Connection, tmp_path: Path
) -> None:
    rows = weddings(60_000)
    with following(where, tmp_path, calendar=True) as heard:
        until(lambda: heard.inputs.read_at is not None)
        import_(connection, rows)
        made = lock(connection)
        until(lambda: made.as_lock() in heard.inputs.locks, WANTED_SECONDS)
        until(lambda: heard.inputs.calendar_path, 20)
        with open(heard.inputs.calendar_path or "", "rb") as stream:
            assert sum(1 for _ in stream) == len(rows)


def test_flags_that_name_files_leave_the_database_out(
    where: Target, connection: psycopg.Connection, tmp_path: Path
) -> None:
    activate(connection, b"name: p\n")
    import_(connection, weddings(2))
    with following(where, tmp_path) as heard:
        read(heard)
        assert (heard.inputs.policy_path, heard.inputs.calendar_path) == (None, None)


def test_what_has_ended_long_ago_is_left_out(
    where: Target, connection: psycopg.Connection, tmp_path: Path
) -> None:
    granted = override(connection)
    made = lock(connection)
    for days, table_id in ((2, granted.id), (402, made.id)):
        connection.execute(
            "UPDATE infrastructure_deployment_locks SET made_at = %(at)s, starts_at = %(at)s,"
            " ends_at = %(at)s + interval '1 hour' WHERE id = %(id)s",
            {"at": now() - timedelta(days=days), "id": table_id},
        )
    recent = lock(connection, end=now() + timedelta(seconds=60))
    released = lock(connection)
    release_lock(connection, act(), str(released.id))
    with following(where, tmp_path) as heard:
        read(heard)
        assert [held.id for held in heard.inputs.locks] == [str(recent.id), str(released.id)]
        assert heard.inputs.overrides == ()


def test_rows_that_cannot_be_read_end_nothing(
    where: Target, connection: psycopg.Connection, tmp_path: Path
) -> None:
    """A later release, or a hand in the table, has left what this one does not know."""
    table = "infrastructure_deployment_locks"
    good = lock(connection)
    eternal = lock(connection)
    odd_scope = lock(connection)
    later, both, unheard_of = (lock(connection) for _ in range(3))
    granted, odd_words = override(connection), override(connection)
    connection.execute(f"ALTER TABLE {table} ADD COLUMN mood text NOT NULL DEFAULT 'grim'".encode())
    for checked in ("actions_check", "kind_check", "check3"):
        connection.execute(f"ALTER TABLE {table} DROP CONSTRAINT {table}_{checked}".encode())
    for text, id_ in (
        ("starts_at = '-infinity', ends_at = 'infinity'", eternal.id),
        ("services = ARRAY[NULL]::text[]", odd_scope.id),
        ("actions = '{migrate}'", later.id),
        ("kind = 'moratorium'", unheard_of.id),
        ("actions = '{migrate,deploy}'", both.id),
        ("ends_at = 'infinity'", granted.id),
        ("""approvals = '[{"by": 7}]'""", odd_words.id),
    ):
        connection.execute(f"UPDATE {table} SET {text} WHERE id = %s".encode(), [id_])
    with following(where, tmp_path) as heard:
        until(lambda: heard.inputs.read_at is not None)
        trouble = heard.inputs.trouble or ""
        assert f"lock {odd_scope.id} cannot be read and is taken for everything" in trouble
        assert f"override {odd_words.id} cannot be read and is left out" in trouble
        assert "a row of locks and overrides cannot be read and is left out" in trouble
        held = {each.id: each for each in heard.inputs.locks}
        assert set(held) == {str(e.id) for e in (good, eternal, odd_scope, both)}
        assert held[str(eternal.id)].end is None
        assert held[str(eternal.id)].start == datetime(1970, 1, 1, tzinfo=UTC)
        assert held[str(odd_scope.id)].scope == Scope()
        assert held[str(both.id)].actions == (Action.DEPLOY,)
        assert [each.id for each in heard.inputs.overrides] == [str(granted.id)]


def test_its_age_is_told_while_nothing_changes(where: Target, tmp_path: Path) -> None:
    with following(where, tmp_path) as heard:
        read(heard)
        first = heard.inputs.read_at
        assert first is not None
        until(lambda: heard.inputs.read_at != first, 5)
        assert heard.inputs.read_at is not None
        assert now() - heard.inputs.read_at < timedelta(seconds=5)


def test_changes_without_notification_are_found_and_said(
    where: Target, connection: psycopg.Connection, tmp_path: Path
) -> None:
    """As behind a pooler that gives each transaction another session."""
    pace = Pace(poll=0.5, unannounced_poll=0.05, late=0.2, look=0.05)
    with following(where, tmp_path, pace=pace) as heard:
        read(heard)
        made = lock(connection)
        until(lambda: made.as_lock() in heard.inputs.locks)
        assert heard.inputs.trouble is None
        for hours in (1, 2):
            end = now() + timedelta(hours=hours)
            connection.execute("UPDATE infrastructure_deployment_locks SET ends_at = %s", [end])
            until(lambda end=end: _ends(heard.inputs.locks) == [end])  # type: ignore[misc]
        until(lambda: "without notification" in (heard.inputs.trouble or ""))


def test_what_drops_out_by_its_age_is_no_change(
    where: Target, connection: psycopg.Connection, tmp_path: Path
) -> None:
    granted = override(connection)
    connection.execute(
        "UPDATE infrastructure_deployment_locks SET made_at = %(at)s, starts_at = %(at)s,"
        " ends_at = %(at)s + interval '3 seconds' WHERE id = %(id)s",
        {"at": now() - timedelta(days=1), "id": granted.id},
    )
    pace = Pace(poll=0.2, late=0.1, look=0.05)
    with following(where, tmp_path, pace=pace) as heard:
        read(heard)
        before = heard.inputs.read_at
        assert len(heard.inputs.overrides) == 1
        until(lambda: heard.inputs.overrides == ())
        assert before is not None
        until(lambda: (heard.inputs.read_at or before) - before > timedelta(seconds=4))
        assert heard.inputs.trouble is None


def _ends(locks: tuple[ManualLock, ...]) -> list[datetime | None]:
    return [held.end for held in locks]


def test_a_calendar_whose_rows_are_gone_is_not_taken(
    where: Target, connection: psycopg.Connection, tmp_path: Path
) -> None:
    done = import_(connection, weddings(5))
    connection.execute("DELETE FROM weddings WHERE place = 3")
    with following(where, tmp_path, calendar=True, pace=QUICK) as heard:
        until(lambda: "4 of 5 weddings are there" in (heard.inputs.trouble or ""))
        assert heard.inputs.calendar_path is None
        whole = import_(connection, weddings(6))
        forget_imports(connection, keep=1)
        until(lambda: heard.inputs.calendar_sha256 == whole.sha256)
        until(lambda: heard.inputs.trouble is None)
        assert done.sha256 not in (heard.inputs.calendar_path or "")


def test_a_file_that_was_removed_is_fetched_again(
    where: Target, connection: psycopg.Connection, tmp_path: Path
) -> None:
    activate(connection, b"name: p\n")
    with following(where, tmp_path, policy=True, pace=Pace(poll=0.1, look=0.05)) as heard:
        path = Path(until(lambda: heard.inputs.policy_path) or "")
        path.unlink()
        until(path.exists)
        assert path.read_bytes() == b"name: p\n"


def test_a_folder_that_takes_nothing_keeps_no_lock_from_workers(
    where: Target, connection: psycopg.Connection, tmp_path: Path
) -> None:
    state = tmp_path / "state"
    state.mkdir()
    activate(connection, b"name: p\n")
    with following(where, state, policy=True) as heard:
        read(heard)
        held = heard.inputs.policy_path
        state.rename(tmp_path / "gone")
        activate(connection, b"name: q\n")
        until(lambda: "the policy cannot be fetched: No such file" in (heard.inputs.trouble or ""))
        assert heard.inputs.policy_path == held
        made = lock(connection)
        until(lambda: made.as_lock() in heard.inputs.locks, WANTED_SECONDS)
        (tmp_path / "gone").rename(state)
