"""How soon a delivery of GitHub's is answered: it is stored durably before it is.

`gate serve` on an embedded PostgreSQL, over HTTP, with the policy and calendar of `examples/`. Each
delivery is a new one, signed, as large as GitHub's are; half ask for a deployment, half tell of a
pull request. ``at rest``: one after another. ``in a burst``: eight clients at once. The workers run
beside it, with credentials for a GitHub that refuses every connection, so that they are as busy as
they get. The p99 is to be at most 100 ms. Beside it: the same without a database to write to, a
delivery that is none of the gate's business (204).

    python benchmarks/bench_github_webhook.py [--deliveries 2000]
"""

import argparse
import http.client
import os
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.report import percentile, publish  # noqa: E402
from gate.github.webhook.signature import Secrets  # noqa: E402
from tests.api.gate_serve import GateServe, running  # noqa: E402
from tests.app.payloads import delivery, pull_request, requested  # noqa: E402
from tests.postgres import fresh_schema  # noqa: E402

SECRETS = Secrets([b"of the benchmark"])
WANTED_MS = 100.0
PADDING_BYTES = 24_000
"""A pull request's payload is some 25 kB."""
CLIENTS = 8


def content(number: int) -> tuple[str, dict[str, Any]]:
    """The event and payload of one delivery."""
    padding = {"padding": "x" * PADDING_BYTES}
    if number % 2:
        return "pull_request", pull_request() | padding
    return "deployment_protection_rule", requested(number + 1) | padding


class Client:
    """A connection that is kept, as GitHub's are not: what is timed is the server."""

    def __init__(self, server: GateServe) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)

    def deliver(self, event: str, payload: Any, wanted: int) -> float:
        """Milliseconds until the answer."""
        headers, body = delivery(event, payload, SECRETS)
        started = time.perf_counter()
        self._connection.request("POST", "/github/webhook", body, headers)
        answer = self._connection.getresponse()
        answer.read()
        spent = time.perf_counter() - started
        if answer.status != wanted:
            sys.exit(f"answered {answer.status}, not {wanted}")
        return spent * 1000


def measured(server: GateServe, deliveries: int, clients: int, *, stored: bool) -> dict[str, Any]:
    """Deliver so many; the figures."""
    local = threading.local()

    def one(number: int) -> float:
        if not hasattr(local, "client"):
            local.client = Client(server)
        client: Client = local.client
        if not stored:
            return client.deliver("push", {"padding": "x" * PADDING_BYTES}, 204)
        return client.deliver(*content(first + number), 202)

    first = time.time_ns() // 1_000_000
    started = time.perf_counter()
    with ThreadPoolExecutor(clients) as threads:
        spent = list(threads.map(one, range(deliveries)))
    seconds = time.perf_counter() - started
    return {
        "deliveries": "stored (202)" if stored else "not ours (204)",
        "clients": clients,
        "number": deliveries,
        "a second": round(deliveries / seconds),
        "p50 ms": round(percentile(spent, 50), 2),
        "p99 ms": round(percentile(spent, 99), 2),
        "max ms": round(max(spent), 2),
    }


def main() -> int:
    """Measure, print and write; 1 where p99 is above what is wanted."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--deliveries", type=int, default=2000)
    given = parser.parse_args()
    environ = {
        "GATE_GITHUB_WEBHOOK_SECRET": "of the benchmark",
        "GITHUB_TOKEN": "of_the_benchmark",
        "GITHUB_API_URL": "http://127.0.0.1:9",
        "GATE_CACHE_DIR": os.environ.get("GATE_CACHE_DIR", ""),
    }
    examples = ROOT / "examples"
    options = (
        *("--policy", str(examples / "policy.yaml")),
        *("--calendar", str(examples / "calendar.csv")),
    )
    rows = []
    with (
        tempfile.TemporaryDirectory() as folder,
        fresh_schema() as where,
        running(Path(folder), where, *options, environ=environ) as server,
    ):
        measured(server, 200, CLIENTS, stored=True)
        for clients in (1, CLIENTS):
            rows += [
                measured(server, given.deliveries, clients, stored=stored)
                for stored in (False, True)
            ]
    worst = max(row["p99 ms"] for row in rows)
    publish("github-webhook", rows, [f"wanted: p99 at most {WANTED_MS:g} ms; worst: {worst} ms"])
    return 1 if worst > WANTED_MS else 0


if __name__ == "__main__":
    sys.exit(main())
