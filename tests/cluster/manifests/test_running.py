"""What the manifests ask for can be placed: pods become Ready on nodes that kwok plays."""

from collections import Counter
from typing import Any

import pytest

from tests.cluster.manifests.stage import GATE, NODES, PLATFORM, ZONES, text_of
from tests.controlplane.plane import ControlPlane
from tests.manifests import building
from tests.manifests.building import build

pytestmark = pytest.mark.xdist_group("manifests")


def ready_pods(plane: ControlPlane, namespace: str, component: str) -> list[Any]:
    """The pods of a part that are ready."""
    pods = plane.get(f"/api/v1/namespaces/{namespace}/pods?labelSelector={component}")["items"]
    return [
        pod
        for pod in pods
        if any(
            each["type"] == "Ready" and each["status"] == "True"
            for each in pod["status"].get("conditions", ())
        )
    ]


def test_the_platform_stands_at_its_floor_and_is_spread(plane: ControlPlane) -> None:
    plane.kubectl("apply", "-f", "-", input=text_of(build("platform")), check=True)
    bookings = "app.kubernetes.io/name=bookings"
    plane.wait_for(
        "ten pods are ready", lambda: len(ready_pods(plane, PLATFORM, bookings)) == 10, seconds=60
    )
    pods = ready_pods(plane, PLATFORM, bookings)
    zones = Counter(int(pod["spec"]["nodeName"].removeprefix("node-")) % ZONES for pod in pods)
    assert max(zones.values()) - min(zones.values()) <= 1
    assert {pod["spec"]["priority"] for pod in pods} == {1_000_000}
    assert all(len(pod["status"]["containerStatuses"]) == 2 for pod in pods)
    path = f"/apis/policy/v1/namespaces/{PLATFORM}/poddisruptionbudgets/bookings"
    plane.wait_for(
        "one pod may go", lambda: plane.get(path)["status"].get("disruptionsAllowed") == 1
    )
    # Applied again, it is the autoscaler's number that stays.
    plane.kubectl("apply", "-f", "-", input=text_of(build("platform")), check=True)
    path = f"/apis/apps/v1/namespaces/{PLATFORM}/deployments/bookings"
    assert plane.get(path)["spec"]["replicas"] == 10


def test_the_gate_stands_on_nodes_of_their_own(plane: ControlPlane) -> None:
    kinds = ("Deployment", "ServiceAccount", "ConfigMap", "PodDisruptionBudget")
    plane.kubectl(
        "apply", "-f", "-", check=True, input=text_of(building.of_kind(build("base"), *kinds))
    )
    for part, count in (("webhook", 3), ("server", 2), ("fallback", 2), ("prescale", 2)):
        label = f"app.kubernetes.io/component={part}"
        plane.wait_for(
            f"{part} is ready",
            lambda label=label, count=count: len(ready_pods(plane, GATE, label)) == count,  # type: ignore[misc]
        )
    webhooks = ready_pods(plane, GATE, "app.kubernetes.io/component=webhook")
    assert len({pod["spec"]["nodeName"] for pod in webhooks}) == 3
    assert NODES > 3
