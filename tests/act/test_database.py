"""The Action with a database: the decision is in its ledger before the job goes on."""

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql

from gate.store.connect import Target
from tests.act.running import Repository
from tests.postgres import fresh_schema, server

pytestmark = pytest.mark.xdist_group("act")

SOCKETS = "/run/gate-postgres"


@pytest.fixture
def target() -> Iterator[Target]:
    with fresh_schema(prefix="act") as made:
        yield made


def job() -> str:
    """A job whose containers see the folder of the server's socket."""
    volume = f"{server().base / 'run'}:{SOCKETS}"
    return f'container: {{image: "python:3.11-slim-bookworm", volumes: ["{volume}"]}}'


def test_a_decision_is_recorded(repository: Repository, target: Target) -> None:
    dsn = f"host={SOCKETS} port=5432 user=gate dbname=gate"
    environ = {"GATE_SCHEMA": target.schema}
    ended = repository.run({"dsn": dsn, "audit": "required"}, environ=environ, job=job())
    assert ended.code == 0
    assert ended.seen.outputs["recorded"] == "true"
    assert not ended.annotations("warning")
    with psycopg.connect(target.dsn) as connection:
        query = sql.SQL("SELECT id::text, door FROM {} WHERE kind = 'decision'").format(
            sql.Identifier(target.schema, "saturday_protection_audit")
        )
        assert connection.execute(query).fetchall() == [
            (ended.seen.outputs["decision-id"], "action")
        ]


def test_without_the_record_there_is_no_go(repository: Repository, target: Target) -> None:
    dsn = f"host={SOCKETS} port=1 user=gate dbname=gate connect_timeout=2"
    ended = repository.run({"dsn": dsn, "audit": "required"}, job=job())
    assert ended.code == 4
    assert ended.seen.outputs.get("recorded", "false") == "false"
