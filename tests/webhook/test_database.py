"""The webhook with a database: what comes from it, what goes into it."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from gate.store.connect import Target, connect
from tests.postgres import fresh_schema
from tests.servers import REPOSITORY
from tests.webhook.gate_webhook import GateWebhook, running, until
from tests.webhook.inputs import Inputs
from tests.webhook.reviews import review

WORKER = ["--workers", "1", "--drain", "0s"]
REACHED_WITHIN_SECONDS = 1.0


def gate(target: Target, *arguments: str) -> str:
    """A command on the same database."""
    done = subprocess.run(
        [sys.executable, "-m", "gate", *arguments, "--dsn", target.dsn],
        capture_output=True, text=True, check=False, cwd=REPOSITORY,
        env={"GATE_SCHEMA": target.schema, "PATH": "/usr/bin:/bin", "GATE_CACHE_DIR": ""},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def ids(target: Target) -> list[str]:
    with connect(target) as connection:
        rows = connection.execute(
            "SELECT id::text FROM saturday_protection_audit WHERE door = 'webhook'"
        ).fetchall()
    return [row[0] for row in rows]


def asked(server: GateWebhook) -> bool:
    allowed = server.review(review())["allowed"]
    assert isinstance(allowed, bool)
    return allowed


def test_a_lock_reaches_the_webhook_within_a_second(tmp_path: Path, inputs: Inputs) -> None:
    with fresh_schema() as target:
        options = [*inputs("open"), *WORKER, "--dsn", target.dsn]
        with running(tmp_path, *options, environ={"GATE_SCHEMA": target.schema}) as server:
            until(lambda: "snapshot_age_seconds" in server.get("/readyz").json)
            assert asked(server)
            placed = json.loads(
                gate(target, "lock", "set", "--reason", "storm over the venues", "--json")
            )
            began = time.monotonic()
            until(lambda: not asked(server), what="the lock holds")
            assert time.monotonic() - began < REACHED_WITHIN_SECONDS
            gate(target, "lock", "release", placed["id"])
            began = time.monotonic()
            until(lambda: asked(server), what="the lock is released")
            assert time.monotonic() - began < REACHED_WITHIN_SECONDS


def test_an_override_turns_a_denial_and_is_named(tmp_path: Path, inputs: Inputs) -> None:
    with fresh_schema() as target:
        options = [*inputs("locked"), *WORKER, "--dsn", target.dsn]
        with running(tmp_path, *options, environ={"GATE_SCHEMA": target.schema}) as server:
            until(lambda: "snapshot_age_seconds" in server.get("/readyz").json)
            assert not asked(server)
            granted = json.loads(
                gate(target, "override", "grant", "--reason", "payments are broken", "--for", "1h",
                     "--roles", "sre-lead", "--by", "ada", "--json")
            )  # fmt: skip
            gate(target, "override", "approve", granted["id"], "--by", "grace",
                 "--roles", "duty-manager")  # fmt: skip
            until(lambda: asked(server), what="the override holds")


def test_policy_and_calendar_come_from_the_database(tmp_path: Path, inputs: Inputs) -> None:
    _, policy, _, calendar = inputs("locked")
    with (
        fresh_schema() as target,
        running(
            tmp_path, *WORKER, "--dsn", target.dsn, environ={"GATE_SCHEMA": target.schema}
        ) as server,
    ):
        assert server.get("/readyz").status == 503
        answer = server.review(review())
        assert answer["allowed"] is False
        assert answer["auditAnnotations"]["verdict"] == "undecided"
        gate(target, "policy", "import", policy, "--activate")
        gate(target, "calendar", "import", calendar)
        until(lambda: server.get("/readyz").status == 200)
        answer = server.review(review())
        assert answer["auditAnnotations"]["verdict"] == "deny"


def test_a_restart_without_the_database_still_knows_the_locks(
    tmp_path: Path, inputs: Inputs
) -> None:
    # The way to the database is a link, which is cut.
    way = tmp_path / "way"
    with fresh_schema() as target:
        way.symlink_to(str(conninfo_to_dict(target.dsn)["host"]))
        dsn = make_conninfo(target.dsn, host=str(way))
        options = [*inputs("open"), *WORKER, "--dsn", dsn]
        environ = {"GATE_SCHEMA": target.schema}
        gate(target, "lock", "set", "--reason", "storm over the venues")
        with running(tmp_path, *options, environ=environ) as server:
            until(lambda: not asked(server))
    way.unlink()
    with running(tmp_path, *options, environ=environ) as server:
        until(lambda: not asked(server), what="the lock is known again")
        assert server.get("/readyz").status == 200


@pytest.mark.parametrize("named", [True, False])
def test_decisions_are_in_the_ledger_once(tmp_path: Path, inputs: Inputs, named: bool) -> None:
    """Also those that were answered while no database was named."""
    with fresh_schema() as target:
        first = ["--dsn", target.dsn] if named else []
        environ = {"GATE_SCHEMA": target.schema}
        with running(tmp_path, *inputs("locked"), *WORKER, *first, environ=environ) as server:
            answers = [server.review(review()) for _ in range(5)]
            assert server.review(review(dry_run=True))["allowed"] is False
        if not named:
            assert ids(target) == []
            with running(
                tmp_path, *inputs("locked"), *WORKER, "--dsn", target.dsn, environ=environ
            ):
                pass
        told = [answer["auditAnnotations"]["decision-id"] for answer in answers]
        assert sorted(ids(target)) == sorted(told)
