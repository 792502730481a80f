"""The lock and the gate's own webhook, one beside the other."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.run import gate
from tests.cluster.fallback.lab import HOUR, NO_LEVEL, Lab, span, workload
from tests.cluster.fallback.test_worker import Files, working
from tests.controlplane.plane import PERSON
from tests.controlplane.webhooks import webhook
from tests.postgres import fresh_schema
from tests.webhook.gate_webhook import running

pytestmark = pytest.mark.xdist_group("fallback")

RULES = "override: {roles: [sre-lead], approvals: 0}\n"


@pytest.fixture(scope="module")
def namespace(lab: Lab) -> Iterator[str]:
    with lab.namespace(workload()) as name:
        yield name


def test_an_override_holds_while_the_webhook_lives(
    lab: Lab, namespace: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the webhook knows it: the lock must let it pass, and must refuse when it has gone."""
    files = Files(tmp_path)
    files.write(f"{RULES}windows:\n{span(-HOUR, HOUR)}{NO_LEVEL}")
    inputs = ["--policy", str(files.policy), "--calendar", str(files.calendar)]

    def said() -> str:
        body = workload("Deployment", "other")
        answer = lab.create(namespace, body, dry=True, user=PERSON)
        return "passed" if answer.status == 201 else str(answer.body["message"])

    with fresh_schema() as target:
        monkeypatch.setenv("GATE_SCHEMA", target.schema)
        with (
            running(
                tmp_path, *inputs, "--dsn", target.dsn, environ={"GATE_SCHEMA": target.schema}
            ) as served,
            webhook(
                lab.plane,
                f"https://127.0.0.1:{served.port}/validate",
                namespace=namespace,
                failure_policy="Ignore",
                ca=served.authority.ca,
            ),
            working(lab, files),
        ):
            # Both refuse at first; then the lock stands aside, and the webhook alone does.
            lab.plane.wait_for("the webhook judges", lambda: "denied the request" in said())
            words = ["--dsn", target.dsn, "--by", "alice", "--roles", "sre-lead", "--for", "1h"]
            reason = ["--reason", "the checkout is down"]
            assert gate("override", "grant", *words, *reason).code == 0
            lab.plane.wait_for("the override counts", lambda: said() == "passed")
            served.kill()
            lab.plane.wait_for("the lock holds", lambda: "fallback lock" in said(), seconds=20)
