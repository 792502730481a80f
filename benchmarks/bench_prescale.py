"""Pre-scaling on a real control plane, all of whose parts run on the same machine.

    python benchmarks/bench_prescale.py [--targets 350] [--rounds 3] [--minutes 6]

One run over all targets; a fault and the fallback on all of them; 10 → 50 replicas on kwok's nodes;
and the worker with nothing to do, whose calls the API server's audit log counts.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.report import median, publish
from gate.inputs import read_inputs
from gate.service.scaling.cluster import Scalers
from gate.service.scaling.judging import judge
from gate.service.scaling.run import Run, run_once
from gate.service.scaling.worker.service import AHEAD, HOLD
from gate.store.connect import Target
from tests.cluster.prescale_working import MAXIMUM, Site, events
from tests.cluster.prescaling import HPAS, with_keda
from tests.controlplane.plane import ADMIN
from tests.controlplane.processes import wait_for
from tests.controlplane.running import Running, started
from tests.postgres import fresh_schema

_AUDIT = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [{"level": "Metadata", "users": [ADMIN]}],
}
_LONG_SECONDS = 300.0
Row = dict[str, Any]


def one_run(site: Site, targets: int, rounds: int) -> Iterator[Row]:
    """All targets up in one run, and nothing to do in the next; then down again."""
    scalers = Scalers.connect(str(site.plane.kubeconfig()), os.environ)
    figures: dict[str, list[tuple[float, int]]] = {}
    for _ in range(rounds):
        for what, level in (("up", "MAXIMUM"), ("again", "MAXIMUM"), ("back", "NORMAL")):
            site.plan(level)
            began = time.monotonic()
            done = _run(site, scalers)
            assert done.as_planned, done.troubles
            figures.setdefault(what, []).append((time.monotonic() - began, done.api_calls))
    for what, seen in figures.items():
        yield {
            "what": f"one run over {targets} targets: {what}",
            "seconds": round(median([seconds for seconds, _ in seen]), 2),
            "wanted": "≤ 15",
            "API calls": max(calls for _, calls in seen),
        }


def _run(site: Site, scalers: Scalers) -> Run:
    inputs = read_inputs(str(site.policy), [str(site.calendar)])
    judged = judge(inputs, datetime.now(UTC), ahead=AHEAD, hold=HOLD)
    return run_once(scalers, judged, namespace=site.namespace)


def fallback(site: Site, log: Path, targets: int, rounds: int) -> Iterator[Row]:
    """From a policy that breaks to the last floor of the fallback."""
    policy = site.policy.read_text()
    seen, made = [], []
    with site.working() as worker:
        wait_for("it has begun", lambda: worker.holds and worker.rounds > 1)
        for _ in range(rounds):
            before = _calls(log)
            began = time.monotonic()
            site.put(site.policy, "version: [")
            wait_for("the fallback", lambda: _all(site, lambda low: low >= 20))
            seen.append(time.monotonic() - began)
            made.append(sum(_of_targets(_calls(log) - before)))
            site.put(site.policy, policy)
            wait_for("the plan", lambda: _all(site, lambda low: low == 10))
    yield {
        "what": f"fault → fallback floors on {targets} targets",
        "seconds": round(median(seen), 2),
        "wanted": "≤ 5",
        "API calls": max(made),
    }


def _of_targets(calls: Counter[tuple[str, str]]) -> Iterator[int]:
    return (n for (_, kind), n in calls.items() if kind == "horizontalpodautoscalers")


def _all(site: Site, good: Callable[[int], bool]) -> bool:
    items = site.plane.get(HPAS.format(site.namespace))["items"]
    return all(good(each["spec"]["minReplicas"]) for each in items)


def ready(running: Running, folder: Path, where: Target, rounds: int) -> Iterator[Row]:
    """10 → 50, by the times that are recorded; each round in a namespace of its own.

    An autoscaler that came down from 50 a moment ago still wants 50.
    """
    for number in range(rounds):
        with site_of(running, folder, f"ready-{number}") as site, site.working(where=where):
            site.deployment(replicas=10)
            site.hpa(low=10, high=30)
            wait_for("10 are Ready", partial(_ready, site, 10), seconds=_LONG_SECONDS)
            site.plan("MAXIMUM")
            site.until(MAXIMUM)
            wait_for("50 are Ready", partial(_seen, where, number + 1),
                     seconds=_LONG_SECONDS)  # fmt: skip
    times = _times(where)
    for what, seconds in (
        ("patch → desired", [(desired - applied) for applied, desired, _ in times]),
        ("desired → 50 Ready", [(done - desired) for _, desired, done in times]),
    ):
        middle = median([each.total_seconds() for each in seconds])
        yield {"what": what, "seconds": round(middle, 2), "wanted": "≤ 20 in all", "API calls": ""}


def _seen(where: Target, number: int) -> bool:
    return len(_times(where)) >= number


def _ready(site: Site, wanted: int) -> bool:
    path = f"/apis/apps/v1/namespaces/{site.namespace}/deployments/web"
    return bool(site.plane.get(path)["status"].get("readyReplicas") == wanted)


def _times(where: Target) -> list[Any]:
    rows = events(where, "to_min, applied_at, desired_at, ready_at")
    return [row[1:] for row in rows if row[0] == 50 and row[3] is not None]


def steady(site: Site, log: Path, minutes: float) -> Iterator[Row]:
    """Calls a minute of each kind with nothing to do, by the audit log."""
    site.deployment(replicas=10)
    site.hpa(low=10, high=30)
    site.plan("HIGH")
    with site.working() as worker:
        wait_for("all are raised", lambda: _all(site, lambda low: low == 35))
        wait_for("all are Ready", lambda: not worker.awaits, seconds=_LONG_SECONDS)
        before = _calls(log)
        rounds = worker.rounds
        time.sleep(minutes * 60)
        made = _calls(log) - before
        assert worker.rounds > rounds
    for (verb, kind), calls in sorted(made.items()):
        yield {
            "what": f"nothing to do for {minutes:g} min: {verb} {kind}, a minute",
            "seconds": "",
            "wanted": "(Lease)" if kind == "leases" else "≤ 1",
            "API calls": round(calls / minutes, 2),
        }


def _calls(log: Path) -> Counter[tuple[str, str]]:
    """Requests of the Python client, each counted once, by verb and kind."""
    seen: dict[str, tuple[str, str]] = {}
    for line in log.read_text().splitlines():
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if event.get("userAgent", "").startswith("OpenAPI-Generator"):
            seen[event["auditID"]] = event["verb"], event["objectRef"]["resource"]
    return Counter(seen.values())


@contextmanager
def site_of(running: Running, folder: Path, name: str, targets: int = 0) -> Iterator[Site]:
    """A namespace with so many HPAs, which scale nothing."""
    place = folder / name
    place.mkdir()
    with running.plane.namespace() as namespace:
        site = Site(running.plane, namespace, place)
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda number: site.hpa(f"web-{number}"), range(targets)))
        yield site


def main() -> None:
    """Print and write the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--targets", type=int, default=350)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--minutes", type=float, default=6.0, help="with nothing to do")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gate-bench-") as made, fresh_schema() as where:
        folder = Path(made)
        audit = folder / "audit.json"
        audit.write_text(json.dumps(_AUDIT))
        flags = [f"--audit-policy-file={audit}"]
        with started(folder / "plane", whole=True, nodes=5, api_server_flags=flags) as running:
            with_keda(running.plane)
            log = running.plane.folder / "logs" / "audit-0.log"
            rows: list[Row] = []
            rows += ready(running, folder, where, chosen.rounds)
            with site_of(running, folder, "many", chosen.targets) as site:
                rows += one_run(site, chosen.targets, chosen.rounds)
                rows += fallback(site, log, chosen.targets, chosen.rounds)
            if chosen.minutes:
                with site_of(running, folder, "steady") as site:
                    rows += steady(site, log, chosen.minutes)
    publish("prescale", rows, ["etcd, API server, controllers, scheduler and kwok run beside it"])


if __name__ == "__main__":
    main()
