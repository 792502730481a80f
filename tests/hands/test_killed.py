"""A command that is killed in the middle has done nothing, and may be run again."""

import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from gate.store.connect import Target, connect
from tests.cli.run import gate
from tests.service.until import until

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = {
    "infrastructure_scaling_events": (
        *("scale", "set", "shop/checkout", "--min", "60", "--reason", "a sale"),
        *("--until", "2099-01-01T00:00:00Z"),
    ),
    "emergencies": ("emergency", "activate", "--reason", "x", "--until", "2099-01-01T00:00:00Z"),
}


@pytest.mark.parametrize("table", list(COMMANDS))
def test_killed_before_its_ledger_row_it_has_done_nothing(
    table: str, where: Target, connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("KUBECONFIG", "KUBERNETES_SERVICE_HOST"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GATE_DSN", where.dsn)
    monkeypatch.setenv("GATE_SCHEMA", where.schema)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
    with connect(where) as other, other.transaction():
        # Whoever appends to the ledger waits for this row.
        other.execute("SELECT * FROM ledger_head FOR UPDATE")
        process = subprocess.Popen(
            [sys.executable, "-m", "gate", *COMMANDS[table]], env=os.environ, cwd=ROOT
        )
        try:
            until(lambda: connection.execute(waiting).fetchone() != (0,))
        finally:
            process.kill()
            process.wait(10)
    until(lambda: connection.execute(waiting).fetchone() == (0,))
    counts = [
        connection.execute(f"SELECT count(*) FROM {name}".encode()).fetchone()
        for name in (table, "infrastructure_deployment_locks", "saturday_protection_audit")
    ]
    assert counts == [(0,), (0,), (0,)]
    assert gate(*COMMANDS[table]).code == 0
    assert connection.execute(f"SELECT count(*) FROM {table}".encode()).fetchone() == (1,)
