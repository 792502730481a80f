"""From its first answer on, a server knows what the database and the cluster know."""

from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from gate.ledger.acts.entries import Act
from gate.ledger.acts.locks import set_lock
from gate.ledger.identity import Writer
from gate.store.connect import connect
from tests.postgres import fresh_schema
from tests.webhook.gate_webhook import running
from tests.webhook.inputs import Inputs
from tests.webhook.reviews import review


def test_the_first_answer_heeds_a_manual_lock(tmp_path: Path, inputs: Inputs) -> None:
    with fresh_schema() as target:
        with connect(target) as connection:
            writer = Writer("command", f"c-{uuid4().hex}")
            act = Act(by="alice", now=datetime.now(UTC), writer=writer)
            set_lock(connection, act, uuid4(), reason="storm")
        options = [*inputs("open"), "--dsn", target.dsn, "--workers", "1", "--drain", "0s"]
        with running(tmp_path, *options, environ={"GATE_SCHEMA": target.schema}) as server:
            first = server.review(review())
    assert first["allowed"] is False
    assert "storm" in first["status"]["message"]


def test_a_database_that_does_not_answer_is_not_waited_for_long(
    tmp_path: Path, inputs: Inputs
) -> None:
    nobody = "postgresql://gate@127.0.0.1:1/gate"
    options = [*inputs("open"), "--dsn", nobody, "--workers", "1", "--drain", "0s"]
    with running(tmp_path, *options) as server:
        assert server.logged("not-informed")
        assert server.review(review())["allowed"] is True
