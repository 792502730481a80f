"""With a database: decisions stand in the ledger, locks and overrides count, outages block."""

import json
import subprocess
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tests.action.support import LOCKED, Workspace, frozen
from tests.cli.conftest import Gate

if TYPE_CHECKING:
    from gate.store.connect import Target

pytestmark = pytest.mark.store


@pytest.fixture
def job(workspace: Workspace, store: "Target") -> Workspace:
    """A job with a database."""
    workspace.environ |= {"INPUT_DSN": store.dsn, "GATE_SCHEMA": store.schema}
    return workspace


def test_a_decision_is_recorded_as_the_actions(job: Workspace, gate: Gate) -> None:
    ended = job.run(environment="production", audit="required")
    assert (ended.code, ended.outputs["recorded"]) == (0, "true")
    (row,) = gate("audit", "list", "--json").json
    assert row["door"] == "action"
    assert row["id"] == ended.outputs["decision-id"]
    assert gate("audit", "verify").code == 0
    assert not (job.folder / "gate-decisions.jsonl").exists()


def test_a_manual_lock_denies_and_its_release_opens_a_wait(job: Workspace, gate: Gate) -> None:
    locked = gate("lock", "set", "--reason", "the cake is being cut", "--for", "4h", "--json")
    assert locked.code == 0, locked.err
    ended = job.run()
    assert ended.code == 3
    (reason,) = json.loads(ended.outputs["reasons"])
    assert reason["code"] == "manual-lock"
    job.write(frozen(timedelta(hours=-1), timedelta(seconds=2)))
    command, environ = job.command({"mode": "wait", "wait-timeout": "5m"})
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        while "waiting, at most until" not in process.stdout.readline():
            assert process.poll() is None
        assert gate("lock", "release", locked.json["id"]).code == 0
        assert process.wait(timeout=60) == 0


def test_a_refusal_says_how_to_override_it(job: Workspace) -> None:
    job.write(frozen(*LOCKED, "override: {roles: [sre-lead], max_ttl: 90m}\n"))
    message = job.run(environment="production").annotations("error")[0].message
    assert "gate override grant --actions deploy --for 90m --environment production" in message
    assert "start the workflow by hand" in message, "automation may not use one"
    job.environ["GITHUB_EVENT_NAME"] = "workflow_dispatch"
    assert "by hand" not in job.run().annotations("error")[0].message


def test_a_database_that_does_not_answer_is_undecided(job: Workspace) -> None:
    gone = "host=127.0.0.1 port=9 dbname=x password=secret-word"
    ended = job.run(dsn=gone, audit="required")
    assert (ended.code, ended.outputs["recorded"]) == (4, "false")
    (reason,) = json.loads(ended.outputs["reasons"])
    assert reason["code"] == "store-unavailable"
    assert "secret-word" not in ended.log + ended.summary
    assert job.run(dsn=gone).code == 4
    assert job.run(dsn=gone, mode="wait").code == 4
    assert job.run(dsn=gone, mode="report").code == 0


def test_the_policy_may_let_go_what_was_not_recorded_but_not_where_that_is_required(
    job: Workspace,
) -> None:
    gone = "host=127.0.0.1 port=9 dbname=x"
    job.write("version: 1\ntimezone: UTC\non_undecided: allow\n")
    assert job.run(dsn=gone).code == 0
    ended = job.run(dsn=gone, audit="required")
    assert (ended.code, ended.outputs["effect"]) == (4, "block")
