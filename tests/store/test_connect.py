"""Which database is meant, and what its absence means."""

import socket
from pathlib import Path

import psycopg
import pytest

from gate.core.problems import InputError
from gate.store.connect import Target, connect_anyway, pool, session, store_errors, target
from gate.store.errors import StoreOutdated, StoreUnavailable
from gate.store.queries import queries, query
from tests.postgres import server


def test_the_environment_is_read_where_nothing_is_given() -> None:
    found = target(None, {"GATE_DSN": "host=db", "GATE_SCHEMA": "my_gate", "HOME": "/home/a"})
    assert (found.dsn, found.schema) == ("host=db", "my_gate")
    assert found.embedded_folder == Path("/home/a/.local/share/saturday-gate/postgres")
    assert target("embedded", {"GATE_DSN": "host=db", "HOME": "/h"}).dsn == "embedded"
    assert target("embedded", {"GATE_DATA_DIR": "/srv/pg"}).embedded_folder == Path("/srv/pg")
    assert target("embedded", {"HOME": "/h", "GATE_SCHEMA": ""}).schema == "gate"


@pytest.mark.parametrize("schema", ["Gate", "1st", "a;b", 'a"b', "pg_gate", "information_schema"])
@pytest.mark.parametrize("tail", ["", "\n"])
def test_schemas_that_cannot_be(schema: str, tail: str) -> None:
    with pytest.raises(InputError, match="GATE_SCHEMA"):
        target("embedded", {"GATE_SCHEMA": schema + tail, "HOME": "/h"})
    with pytest.raises(InputError, match="GATE_SCHEMA"):
        target("embedded", {"GATE_SCHEMA": "a" * 64, "HOME": "/h"})


@pytest.mark.parametrize(
    "dsn", ["nonsense", "postgresql://[", "host", "port=1 = 2", "a=b", "x\x00"]
)
def test_bad_dsns_are_bad_input(dsn: str) -> None:
    with pytest.raises(InputError, match="no PostgreSQL connection string"):
        target(dsn, {"HOME": "/h"})


def test_a_bad_dsn_is_not_repeated() -> None:
    with pytest.raises(InputError) as caught:
        target("postgresql://a:s3cret@[", {"HOME": "/h"})
    assert "s3cret" not in str(caught.value)
    assert "s3cret" not in repr(target("host=db password=s3cret", {"HOME": "/h"}))


def test_no_database_is_bad_input() -> None:
    with pytest.raises(InputError, match="no database is named"):
        target(None, {"HOME": "/h"})
    with pytest.raises(InputError, match="GATE_DATA_DIR"):
        target("embedded", {"GATE_DATA_DIR": "relative"})


def test_a_database_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    gone = Target(dsn=f"host={tmp_path} dbname=x", schema="gate", embedded_folder=tmp_path)
    with pytest.raises(StoreUnavailable, match="not available"):
        connect_anyway(gone)


def test_a_database_that_does_not_answer_is_unavailable(tmp_path: Path) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        dead = Target(
            dsn=f"host=127.0.0.1 port={silent.getsockname()[1]} sslmode=disable",
            schema="gate",
            embedded_folder=tmp_path,
            connect_timeout_seconds=2,
        )
        with pytest.raises(StoreUnavailable):
            connect_anyway(dead)


def test_a_session_speaks_utc_in_its_schema(where: Target) -> None:
    with session(where) as connection:
        row = connection.execute("SELECT current_schema(), current_setting('TimeZone')").fetchone()
        assert row == (where.schema, "UTC")
        assert connection.autocommit
    assert connection.closed


def test_a_lost_connection_is_unavailable(where: Target) -> None:
    def use_after_the_end() -> None:
        with session(where) as connection, psycopg.connect(superuser, autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s, 5000)", [connection.info.backend_pid])
            connection.execute("SELECT 1")

    superuser = server().dsn(user="postgres")
    with pytest.raises(StoreUnavailable, match="not available"):
        use_after_the_end()


def test_a_table_that_is_missing_means_outdated() -> None:
    with pytest.raises(StoreOutdated, match="gate db migrate"), store_errors():
        raise psycopg.errors.UndefinedTable("relation does not exist")
    with pytest.raises(StoreUnavailable, match="refuses"), store_errors():
        raise psycopg.errors.InsufficientPrivilege("permission denied")
    with pytest.raises(psycopg.errors.SyntaxError), store_errors():
        raise psycopg.errors.SyntaxError("a bug")


def test_a_pool_serves_and_recovers(where: Target) -> None:
    with pool(where, smallest=1, largest=2) as connections:
        with connections.connection() as connection:
            pid = connection.info.backend_pid
            row = connection.execute("SELECT current_schema()").fetchone()
            assert row == (where.schema,)
        with psycopg.connect(server().dsn(user="postgres"), autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
        with connections.connection() as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
            assert connection.info.backend_pid != pid


def test_queries_by_name() -> None:
    assert query("ledger", "by_seq") == b"seq = %(which)s"
    assert queries("acts").keys() >= {"notify", "entries"}
    with pytest.raises(LookupError, match="no query 'nothing'"):
        query("ledger", "nothing")
