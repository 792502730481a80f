"""``gate fallback run`` as a process, with a database that has the manual locks."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gate.service import following
from tests.cli.run import gate
from tests.cluster.fallback.clock import lease
from tests.cluster.fallback.lab import HOUR, LEASES, NO_LEVEL, Lab, span, workload
from tests.cluster.fallback.test_worker import Files, passes, standby, working
from tests.cluster.fallback.witness import witness
from tests.controlplane.webhooks import webhook
from tests.postgres import fresh_schema

pytestmark = pytest.mark.xdist_group("fallback")

START = "import sys; from gate.cli.main import main; sys.exit(main())"


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


@pytest.fixture(scope="module")
def namespace(lab: Lab) -> Iterator[str]:
    with lab.namespace(workload()) as name:
        yield name


@contextmanager
def running(*arguments: str, schema: str) -> Iterator[subprocess.Popen[str]]:
    """The command in a process of its own, which is killed if it does not end."""
    environment = {k: v for k, v in os.environ.items() if k not in {"KUBECONFIG", "GATE_DSN"}}
    with subprocess.Popen(
        [sys.executable, "-c", START, "fallback", "run", *arguments],
        env={**environment, "GATE_SCHEMA": schema},
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def refusal(lab: Lab, namespace: str) -> str:
    """What a refused person reads; nothing where the change passes."""
    answer = lab.create(namespace, workload("Deployment", "other"), dry=True)
    return str(answer.body.get("message", ""))


def test_locks_reach_the_cluster_from_the_database(
    lab: Lab, namespace: str, files: Files, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    files.write(f"windows: []\n{NO_LEVEL}")
    released = "is locked until it is released"
    with fresh_schema() as target:
        monkeypatch.setenv("GATE_SCHEMA", target.schema)
        arguments = [
            "--policy", str(files.policy), "--calendar", str(files.calendar),
            "--kubeconfig", str(lab.plane.kubeconfig()), "--dsn", target.dsn,
            "--state", str(tmp_path / "state"),
        ]  # fmt: skip
        with running(*arguments, schema=target.schema) as process:
            words = ["--dsn", target.dsn, "--json", "--namespace", namespace, "--by", "alice"]
            done = gate("lock", "set", *words, "--reason", "the cake fell over")
            assert done.code == 0, done.err
            lab.plane.wait_for("the lock holds", lambda: released in refusal(lab, namespace))
            identifier = done.json["id"]
            by = ["--dsn", target.dsn, "--by", "alice"]
            assert gate("lock", "release", identifier, *by).code == 0
            # It ended just now: the clock may take ten seconds to agree.
            lab.plane.wait_for("it has an end", lambda: released not in refusal(lab, namespace))
            assert gate("fallback", "run", "--once", *arguments[:-2]).code == 0
            process.send_signal(signal.SIGTERM)
            _, said = process.communicate(timeout=30)
            assert process.returncode == 0
    events = [json.loads(line)["event"] for line in said.splitlines()]
    assert "fallback-started" in events
    assert events[-1] == "fallback-ended"
    assert "applied" in events
    assert "alert" not in events[: events.index("applied")], said


def test_without_its_database_it_installs_nothing(
    lab: Lab, files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lock compiled without the manual ones would open what they hold."""
    monkeypatch.setattr(following, "CONNECTING_SECONDS", 0.5)
    files.write(f"windows: []\n{NO_LEVEL}")
    done = gate(
        "fallback", "run", "--once", "--policy", files.policy, "--calendar", files.calendar,
        "--kubeconfig", lab.plane.kubeconfig(), "--dsn", "postgresql://127.0.0.1:1/nothing",
    )  # fmt: skip
    assert done.code == 4


def test_a_dead_lease_is_no_matter_while_the_webhook_answers(
    lab: Lab, namespace: str, files: Files, tmp_path: Path
) -> None:
    """Of an API server that died within a lock that is over."""
    path = LEASES.format("kube-system")
    dead = lease("dead", datetime.now(UTC) - 2 * HOUR)
    lab.plane.request("POST", path, dead).ok()
    try:
        files.write(f"windows:\n{span(-3 * HOUR, -HOUR)}{NO_LEVEL}")
        with (
            witness(lab.plane, tmp_path) as served,
            webhook(lab.plane, served.url, namespace=namespace, failure_policy="Ignore"),
        ):
            served.answers = False
            with working(lab, files) as worker:
                lab.plane.wait_for("it is locked", lambda: not passes(lab, namespace))
                lab.plane.wait_for("it is said", lambda: "leases" in worker.board.alerts)
                assert "Lease dead was renewed" in worker.board.alerts["leases"]
                served.answers = True
                lab.plane.wait_for("it stands aside", lambda: passes(lab, namespace))
                assert standby(lab, namespace) is not None
        # What was written after the death opens that Lease's view for good.
        assert passes(lab, namespace)
    finally:
        lab.plane.request("DELETE", f"{path}/dead").ok()
        lab.annotate(namespace, {"saturday-gate.io/standby-until": None})
