"""`gate serve` and a real Prometheus that scrapes a real value."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests

from gate.store.connect import session
from gate.store.cultures import newest_profiles
from gate.store.load import load_parts
from tests.api.gate_serve import running
from tests.observed.prometheus import Exposed
from tests.postgres import fresh_schema
from tests.webhook import gate_webhook
from tests.webhook.gate_webhook import until
from tests.webhook.reviews import review

pytestmark = [pytest.mark.prometheus]
_REQUEST = {"action": "deploy", "invoker": "automation"}


def _scraped(url: str, value: float) -> None:
    """Wait until Prometheus has scraped this value."""

    def told() -> list[float]:
        answer = requests.get(f"{url}/api/v1/query", {"query": "live"}, timeout=5).json()
        return [float(each["value"][1]) for each in answer["data"]["result"]]

    until(lambda: told() == [value], what=f"{value} is scraped")


def _observing(folder: Path, prometheus: str) -> tuple[str, ...]:
    """The options of a policy that observes this server, and of a calendar without weddings."""
    policy, calendar = folder / "policy.yaml", folder / "weddings.csv"
    calendar.write_text("id,date,timezone\n")
    policy.write_text(
        "version: 1\ntimezone: Europe/London\nwindows: []\nload:\n"
        f"  observed: {{source: prometheus, url: '{prometheus}', query: live}}\n"
    )
    return "--policy", str(policy), "--calendar", str(calendar)


def _gauge(server: gate_webhook.GateWebhook, name: str) -> float:
    lines = server.get("/metrics").body.decode().splitlines()
    return next((float(line.split()[1]) for line in lines if line.startswith(f"{name} ")), -1.0)


def test_the_first_answer_of_a_server_knows_the_load(
    tmp_path: Path, prometheus: str, exposed: Exposed
) -> None:
    exposed.value = 2000.0
    _scraped(prometheus, 2000.0)
    begun = datetime.now(UTC)
    inputs = (*_observing(tmp_path, prometheus), "--dev")
    with (
        fresh_schema() as target,
        session(target) as connection,
        running(tmp_path, target, *inputs) as server,
    ):
        decision = server.decide(_REQUEST)
        until(lambda: newest_profiles(connection, datetime.now(UTC)), what="profiles")
        sampled = until(
            lambda: load_parts(connection, datetime.now(UTC), timedelta(minutes=10)),
            what="samples",
        )
    assert sampled[0].source == "booked"
    assert (decision["verdict"], decision["level"], decision["recorded"]) == (
        "deny", "MAXIMUM", True,
    )  # fmt: skip
    observed = decision["load"]["observed"]
    assert (observed["state"], observed["demand"]) == ("fresh", 2000.0)
    assert datetime.fromisoformat(observed["until"]) > begun


def test_the_webhook_denies_by_what_is_observed_from_its_first_answer(
    tmp_path: Path, prometheus: str, exposed: Exposed
) -> None:
    exposed.value = 1500.0
    _scraped(prometheus, 1500.0)
    options = (*_observing(tmp_path, prometheus), "--workers", "1", "--drain", "0s")
    with gate_webhook.running(tmp_path, *options) as server:
        # The first deploys of a kind are decided, later ones are cut from a stencil: all the same.
        answers = [server.review(review()) for _ in range(4)]
        until(lambda: 0 <= _gauge(server, "gate_observed_load_age_seconds") < 60)
        assert _gauge(server, "gate_observed_load_failed") == 0
    assert [answer["allowed"] for answer in answers] == [False] * 4
    assert {answer["auditAnnotations"]["phase"] for answer in answers} == {"locked"}
