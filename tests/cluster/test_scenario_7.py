"""Scenario 7: from 10 to 50 replicas Ready, and the fallback on 350 targets after a fault.

The figures are printed; what is asserted is that the states are reached, within bounds that a busy
machine does not break.
"""

import time
from concurrent.futures import ThreadPoolExecutor

from gate.store.connect import Target
from tests.cluster.prescale_working import MAXIMUM, Site, events
from tests.cluster.prescaling import HPAS
from tests.controlplane.processes import wait_for
from tests.figures import Figures

TARGETS = 350
BOUND_SECONDS = 120.0


def test_ten_become_fifty(site: Site, where: Target, figures: Figures) -> None:
    site.deployment(replicas=10)
    site.hpa(low=10, high=30)
    path = f"/apis/apps/v1/namespaces/{site.namespace}/deployments/web"
    wait_for("10 are Ready", lambda: site.plane.get(path)["status"].get("readyReplicas") == 10)
    with site.working(where=where):
        site.plan("MAXIMUM")
        site.until(MAXIMUM, seconds=BOUND_SECONDS)
        wait_for("50 are Ready", lambda: any(at for (at,) in events(where, "ready_at")),
                 seconds=BOUND_SECONDS)  # fmt: skip
    ((applied, desired, ready),) = events(where, "applied_at, desired_at, ready_at")
    assert site.plane.get(path)["status"]["readyReplicas"] == 50
    figures(
        f"10 to 50 replicas: patch to desired {(desired - applied).total_seconds():.1f} s,"
        f" desired to Ready {(ready - desired).total_seconds():.1f} s (wanted: 20 s together)"
    )


def test_the_fallback_stands_on_350_targets(site: Site, figures: Figures) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: site.hpa(f"web-{number}"), range(TARGETS)))
    with site.working() as worker:
        wait_for("it has begun", lambda: worker.holds and worker.rounds > 1)
        fault = time.monotonic()
        site.put(site.policy, "version: [")

        def stand() -> bool:
            items = site.plane.get(HPAS.format(site.namespace))["items"]
            return all(each["spec"]["minReplicas"] >= 20 for each in items)

        wait_for("all stand at the fallback", stand, seconds=BOUND_SECONDS)
        seconds = time.monotonic() - fault
    figures(f"fault to fallback floors on {TARGETS} targets {seconds:.1f} s (wanted: 5 s)")
