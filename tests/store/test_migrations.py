"""The migrations runner: whole or not at all, once, in order, unchanged."""

import threading
from pathlib import Path

import psycopg
import pytest

from gate.core.problems import InputError
from gate.store.connect import Target, connect, connect_anyway
from gate.store.errors import StoreOutdated
from gate.store.migrations import migrate, outdated, read, status
from tests.postgres import fresh_schema

TABLES = {
    "saturday_protection_audit",
    "infrastructure_deployment_locks",
    "infrastructure_scaling_events",
    "wedding_load_monitoring",
    "infrastructure_performance_metrics",
    "infrastructure_health_checks",
    "infrastructure_failures",
    "emergency_notifications",
    "infrastructure_notifications",
    "cultural_wedding_optimizations",
    "infrastructure_cache_configs",
    "weddings",
    "wedding_imports",
    "policies",
    "ledger_checkpoints",
    "ledger_head",
    "github_deliveries",
    "github_protection_requests",
    "emergencies",
    "schema_migrations",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path, "0001_first.sql", "pre", "CREATE TABLE first (n bigint);")
    write(tmp_path, "0002_second.sql", "post", "CREATE TABLE second (n bigint);")
    write(tmp_path, "0003_third.sql", "pre", "INSERT INTO first SELECT count(*) FROM second;")
    return tmp_path


def write(folder: Path, name: str, phase: str, text: str) -> None:
    (folder / name).write_text(f"-- phase: {phase}\n{text}\n")


@pytest.fixture
def empty():  # type: ignore[no-untyped-def]
    with fresh_schema(migrated=False) as where, connect_anyway(where) as opened:
        yield where, opened


Empty = tuple[Target, psycopg.Connection]


def tables(connection: psycopg.Connection) -> set[str]:
    rows = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")
    return {name for (name,) in rows}


def test_the_products_tables_with_who_writes_and_reads_them(
    connection: psycopg.Connection,
) -> None:
    assert tables(connection) == TABLES
    rows = connection.execute(
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace ="
        " current_schema()::regnamespace AND relname <> 'schema_migrations' AND"
        " coalesce(obj_description(oid, 'pg_class'), '') !~ '^Written by: .+ → read by: .+'"
    ).fetchall()
    assert rows == []


def test_times_are_instants(connection: psycopg.Connection) -> None:
    rows = connection.execute(
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema ="
        " current_schema() AND data_type = 'timestamp without time zone'"
    ).fetchall()
    assert rows == []


def test_every_foreign_key_has_an_index(connection: psycopg.Connection) -> None:
    rows = connection.execute(
        "SELECT conrelid::regclass, conname FROM pg_constraint AS c WHERE contype = 'f' AND"
        " connamespace = current_schema()::regnamespace AND NOT EXISTS (SELECT FROM pg_index AS i"
        " WHERE i.indrelid = c.conrelid AND i.indkey[0] = c.conkey[1])"
    ).fetchall()
    assert rows == []


def test_a_second_run_does_nothing(where: Target, connection: psycopg.Connection) -> None:
    assert migrate(connection, where.schema) == []
    assert {each.state for each in status(connection, where.schema)} == {"applied"}


def test_status_and_phases(empty: Empty, folder: Path) -> None:
    where, connection = empty
    assert outdated(connection, where.schema, folder) == ("0001_first", "0003_third")
    assert [each.state for each in status(connection, where.schema, folder)] == ["pending"] * 3
    done = migrate(connection, where.schema, phase="pre", folder=folder)
    assert [str(each) for each in done] == ["0001_first"]
    done = migrate(connection, where.schema, folder=folder)
    assert [str(each) for each in done] == ["0002_second", "0003_third"]
    assert outdated(connection, where.schema, folder) == ()


def test_a_migration_that_fails_leaves_nothing(empty: Empty, folder: Path) -> None:
    where, connection = empty
    write(folder, "0002_second.sql", "pre", "CREATE TABLE second (n bigint); SELECT 1 / 0;")
    with pytest.raises(psycopg.errors.DivisionByZero):
        migrate(connection, where.schema, folder=folder)
    assert tables(connection) == {"schema_migrations", "first"}
    states = [each.state for each in status(connection, where.schema, folder)]
    assert states == ["applied", "pending", "pending"]
    write(folder, "0002_second.sql", "pre", "CREATE TABLE second (n bigint);")
    assert len(migrate(connection, where.schema, folder=folder)) == 2


def test_a_changed_file_is_refused(empty: Empty, folder: Path) -> None:
    where, connection = empty
    migrate(connection, where.schema, phase="pre", folder=folder)
    write(folder, "0001_first.sql", "pre", "CREATE TABLE first (n integer);")
    with pytest.raises(InputError, match=r"0001_first\.sql: differs from what was applied"):
        migrate(connection, where.schema, folder=folder)
    assert status(connection, where.schema, folder)[0].state == "changed"
    assert tables(connection) == {"schema_migrations", "first"}


def test_a_renamed_file_is_refused(empty: Empty, folder: Path) -> None:
    where, connection = empty
    migrate(connection, where.schema, folder=folder)
    (folder / "0002_second.sql").rename(folder / "0002_other.sql")
    with pytest.raises(InputError, match="0002_other"):
        migrate(connection, where.schema, folder=folder)


def test_a_migration_that_was_skipped_is_refused(empty: Empty, folder: Path) -> None:
    where, connection = empty
    migrate(connection, where.schema, folder=folder)
    connection.execute("DELETE FROM schema_migrations WHERE number = 2")
    with pytest.raises(InputError, match=r"0003_third.* although 0002 was not"):
        migrate(connection, where.schema, folder=folder)


def test_a_newer_database_is_tolerated(empty: Empty, folder: Path) -> None:
    where, connection = empty
    migrate(connection, where.schema, folder=folder)
    (folder / "0003_third.sql").unlink()
    assert migrate(connection, where.schema, folder=folder) == []
    assert outdated(connection, where.schema, folder) == ()
    assert status(connection, where.schema, folder)[2].state == "newer"


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("4_name.sql", "-- phase: pre\n", "NNNN_name.sql"),
        ("0004_Name.sql", "-- phase: pre\n", "NNNN_name.sql"),
        ("0004_name.sql", "-- phase: later\n", "-- phase: pre"),
        ("0004_name.sql", "SELECT 1\n", "-- phase: pre"),
        ("0005_name.sql", "-- phase: pre\n", "number 0004 comes next"),
        ("0003_again.sql", "-- phase: pre\n", "number 0004 comes next"),
    ],
)
def test_files_that_are_no_migrations(folder: Path, name: str, text: str, said: str) -> None:
    (folder / name).write_text(text)
    with pytest.raises(InputError, match=said):
        read(folder)


def test_parallel_runs_wait_for_one_another() -> None:
    done: list[int] = []
    failures: list[BaseException] = []

    def run(where: Target) -> None:
        try:
            with connect_anyway(where) as connection:
                done.append(len(migrate(connection, where.schema)))
        except BaseException as error:
            failures.append(error)

    with fresh_schema(migrated=False) as where:
        threads = [threading.Thread(target=run, args=(where,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []
        assert sorted(done) == [0, 0, 0, len(read())]


def test_a_database_without_them_is_outdated(empty: Empty) -> None:
    where, connection = empty
    with pytest.raises(StoreOutdated, match="gate db migrate"):
        connect(where)
    migrate(connection, where.schema)
    connect(where).close()


def test_an_owner_of_a_schema_alone_can_migrate(empty: Empty) -> None:
    """No superuser, no CREATEROLE, and not even the right to make schemas."""
    where, connection = empty
    row = connection.execute(
        "SELECT rolsuper, rolcreaterole, rolcreatedb FROM pg_roles WHERE rolname = current_user"
    ).fetchone()
    assert row == (False, False, False)
    connection.execute(f"CREATE SCHEMA {where.schema}".encode())
    assert len(migrate(connection, where.schema)) == len(read())
