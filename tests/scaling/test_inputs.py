"""Policy and calendar of a run, from the database where no files are named."""

from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from gate.core.decision import Level
from gate.core.instants import parse_instant
from gate.inputs import Compiled, Unreadable
from gate.service.scaling.inputs import read_stored
from gate.service.scaling.judging import judge
from gate.store.connect import Target
from tests.schemas import connection, where
from tests.service.acting import activate, import_, weddings

__all__ = ["connection", "where"]
pytestmark = pytest.mark.store

POLICY = b"version: 1\ntimezone: Europe/London\nload: {capacity: {fallback: 25}}\n"
AT = parse_instant("2026-06-13T12:00:00Z")
SPANS = {"ahead": timedelta(minutes=30), "hold": timedelta(hours=1)}


def test_both_come_from_the_database(where: Target, connection: psycopg.Connection) -> None:
    activate(connection, POLICY)
    imported = import_(connection, weddings(500))
    found = read_stored(where, None, ())
    assert isinstance(found, Compiled)
    assert found.facts.calendar.sha256 == imported.sha256
    judged = judge(found, AT, **SPANS)
    assert judged.capacity is not None
    assert (judged.level, judged.capacity.fallback) == (Level.HIGH, 25)


def test_a_file_stands_in_for_either(
    where: Target, connection: psycopg.Connection, tmp_path: Path
) -> None:
    activate(connection, POLICY)
    calendar = tmp_path / "weddings.csv"
    calendar.write_text("id,date,timezone\n")
    found = read_stored(where, None, (str(calendar),))
    assert isinstance(found, Compiled)
    assert judge(found, AT, **SPANS).level == Level.NORMAL


def test_what_is_not_there_leads_to_the_fallback(
    where: Target, connection: psycopg.Connection
) -> None:
    found = read_stored(where, None, ())
    assert isinstance(found, Unreadable)
    judged = judge(found, AT, **SPANS)
    assert (judged.fallback, judged.level, judged.capacity) == (True, None, None)
    activate(connection, POLICY)
    found = read_stored(where, None, ())
    assert isinstance(found, Unreadable)
    assert "no calendar" in str(found.problems[0])


def test_a_database_that_is_away_leads_to_the_fallback(where: Target) -> None:
    nowhere = Target(
        dsn="host=/nonexistent", schema=where.schema, embedded_folder=where.embedded_folder
    )
    found = read_stored(nowhere, None, ())
    assert isinstance(found, Unreadable)
    assert judge(found, AT, **SPANS).fallback


def test_files_do_where_the_database_is_away(where: Target, tmp_path: Path) -> None:
    nowhere = Target(
        dsn="host=/nonexistent", schema=where.schema, embedded_folder=where.embedded_folder
    )
    policy, calendar = tmp_path / "policy.yaml", tmp_path / "weddings.csv"
    policy.write_bytes(POLICY)
    calendar.write_text("id,date,timezone\n")
    assert isinstance(read_stored(nowhere, str(policy), (str(calendar),)), Compiled)
