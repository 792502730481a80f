"""Cache settings as the database has them: a row a change, the last one holds."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from gate.core.decision import Level
from gate.service.scaling.cache import (
    CacheConfig,
    current_config,
    record_applied,
    record_change,
)
from gate.store.connect import connect
from gate.store.queries import query
from tests.postgres import fresh_schema

AT = datetime(2026, 6, 13, 6, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def connection() -> Iterator[psycopg.Connection]:
    with fresh_schema() as target, connect(target) as opened:
        yield opened


def config(level: Level, at: datetime = AT, **settings: str) -> CacheConfig:
    return CacheConfig(level=level, settings=settings, valid_from=at)


def rows(connection: psycopg.Connection) -> int:
    found = connection.execute("SELECT count(*) FROM infrastructure_cache_configs").fetchone()
    return int(found[0]) if found else -1


def test_each_change_of_the_level_is_a_row(connection: psycopg.Connection) -> None:
    assert current_config(connection) is None
    normal = record_change(connection, config(Level.NORMAL, ttl="60"))
    assert record_change(connection, config(Level.NORMAL, AT + HOUR, ttl="60")) == normal
    high = record_change(connection, config(Level.HIGH, AT + 2 * HOUR, ttl="300"))
    assert current_config(connection) == high
    record_change(connection, config(Level.NORMAL, AT + 3 * HOUR, ttl="60"))
    assert rows(connection) == 3
    held = current_config(connection)
    assert held is not None
    assert (held.level, held.valid_from) == (Level.NORMAL, AT + 3 * HOUR)


def test_other_settings_of_the_same_level_are_a_change(connection: psycopg.Connection) -> None:
    record_change(connection, config(Level.HIGH, ttl="300"))
    record_change(connection, config(Level.HIGH, AT + HOUR, ttl="301"))
    record_change(connection, config(Level.HIGH, AT + 2 * HOUR))
    assert rows(connection) == 3


def test_a_clock_that_went_back_makes_no_older_row(connection: psycopg.Connection) -> None:
    record_change(connection, config(Level.NORMAL))
    for level in (Level.HIGH, Level.NORMAL, Level.HIGH):
        record_change(connection, config(level, AT - HOUR))
        held = current_config(connection)
        assert held is not None
        assert held.level is level


def test_when_it_was_applied_is_noted_once(connection: psycopg.Connection) -> None:
    made = record_change(connection, config(Level.HIGH))
    record_applied(connection, made, AT - HOUR)
    held = current_config(connection)
    assert held is not None
    assert held.applied_at == AT, "never before it was valid"
    record_applied(connection, made, AT + HOUR)
    assert current_config(connection) == held
    assert record_change(connection, config(Level.HIGH, AT + HOUR)) == held


def test_the_last_row_is_found_by_the_index(connection: psycopg.Connection) -> None:
    connection.execute(
        "INSERT INTO infrastructure_cache_configs (level, valid_from, settings)"
        " SELECT (array['NORMAL', 'HIGH', 'MAXIMUM'])[1 + n % 3],"
        " timestamptz '2026-01-01Z' + n * interval '1 h', '{}' FROM generate_series(1, 5000) AS n"
    )
    connection.execute("ANALYZE infrastructure_cache_configs")
    plan = connection.execute(b"EXPLAIN " + query("cache", "current")).fetchall()
    text = "\n".join(str(row[0]) for row in plan)
    assert "infrastructure_cache_configs_level_valid_from_key" in text
    assert "Seq Scan on infrastructure_cache_configs" not in text
