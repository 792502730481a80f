"""`gate serve` and a real Prometheus that scrapes a real value."""

import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests

from tests.api.gate_serve import running
from tests.observed.prometheus import Exposed
from tests.postgres import fresh_schema

pytestmark = [pytest.mark.prometheus]
_REQUEST = {"action": "deploy", "invoker": "automation"}


def _scraped(url: str, value: float) -> None:
    """Wait until Prometheus has scraped this value."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        answer = requests.get(f"{url}/api/v1/query", {"query": "live"}, timeout=5).json()
        if [float(each["value"][1]) for each in answer["data"]["result"]] == [value]:
            return
        time.sleep(0.05)
    raise AssertionError("never scraped")


def test_the_first_answer_of_a_server_knows_the_load(
    tmp_path: Path, prometheus: str, exposed: Exposed
) -> None:
    exposed.value = 2000.0
    _scraped(prometheus, 2000.0)
    policy, calendar = tmp_path / "policy.yaml", tmp_path / "weddings.csv"
    calendar.write_text("id,date,timezone\n")
    policy.write_text(
        "version: 1\ntimezone: Europe/London\nwindows: []\nload:\n"
        f"  observed: {{source: prometheus, url: '{prometheus}', query: live}}\n"
    )
    begun = datetime.now(UTC)
    inputs = ("--policy", str(policy), "--calendar", str(calendar), "--dev")
    with fresh_schema() as target, running(tmp_path, target, *inputs) as server:
        decision = server.decide(_REQUEST)
    assert (decision["verdict"], decision["level"], decision["recorded"]) == (
        "deny", "MAXIMUM", True,
    )  # fmt: skip
    observed = decision["load"]["observed"]
    assert (observed["state"], observed["demand"]) == ("fresh", 2000.0)
    assert datetime.fromisoformat(observed["until"]) > begun
