"""The how-to, followed to the letter on a control plane of its own; pods run on kwok's nodes."""

import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gate.store import embedded
from tests.cluster.manifests.stage import GATE, PLATFORM, ZONES, staged
from tests.controlplane.plane import ControlPlane
from tests.docs.pages import ROOT, blocks
from tests.manifests.building import K8S

pytestmark = pytest.mark.xdist_group("manifests-followed")

PAGE = ROOT / "docs" / "how-to" / "deploy.md"
BOOKINGS = "app.kubernetes.io/name=bookings"


class Follower:
    """Somebody who has the repository, and runs the page's commands one block after the other."""

    def __init__(self, plane: ControlPlane, folder: Path) -> None:
        self.plane = plane
        self._folder = folder
        self.database = folder / "postgres"
        self._left = blocks(PAGE, "sh")
        shutil.copytree(K8S, folder / "k8s")
        for made, example in (("policy.yaml", "policy.yaml"), ("weddings.csv", "calendar.csv")):
            shutil.copy(ROOT / "examples" / example, folder / made)
        self._environment = {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "HOME": str(folder),
            "KUBECONFIG": str(plane.kubeconfig()),
            "KUBERC": "off",
            "GATE_DSN": "embedded",
            "GATE_DATA_DIR": str(self.database),
        }

    def run(self, commands: str) -> str:
        """Run commands in bash; the first that fails is a failure of the test."""
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", commands], cwd=self._folder, check=False,
            env=self._environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, timeout=180,
        )  # fmt: skip
        assert done.returncode == 0, f"{commands}\n{done.stdout}"
        return done.stdout

    def follow(self, last: str) -> str:
        """Run the next blocks, up to the one with those words; what that one printed."""
        while self._left:
            block = self._left.pop(0)
            printed = self.run(block)
            if last in block:
                return printed
        raise AssertionError(f"no block with {last}")


@pytest.fixture(scope="module")
def follower(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Follower]:
    folder = tmp_path_factory.mktemp("followed")
    with staged(folder / "plane") as plane:
        made = Follower(plane, folder)
        try:
            yield made
        finally:
            embedded.stop(made.database)


def ready_pods(plane: ControlPlane, namespace: str, label: str) -> list[Any]:
    """The pods of a part that are ready."""
    pods = plane.get(f"/api/v1/namespaces/{namespace}/pods?labelSelector={label}")["items"]
    return [
        pod
        for pod in pods
        if any(
            each["type"] == "Ready" and each["status"] == "True"
            for each in pod["status"].get("conditions", ())
        )
    ]


def test_from_nothing_to_a_protected_cluster_and_back(follower: Follower) -> None:
    """In one test, for each step stands on those before."""
    follower.follow("rollout status deployment/bookings")
    the_platform_stands_at_its_floor(follower.plane)
    follower.follow("rollout status deployment/saturday-gate-server")
    the_gate_stands(follower.plane)
    # What the worker's pod does; there is nothing in kwok's.
    follower.run("gate fallback run --once --environment production")
    printed = follower.follow("gate fallback status")
    assert "Installed in mode enforce" in printed
    assert "configmap/trial created (server dry run)" in printed
    assert "bookings" in printed
    follower.follow("delete job saturday-gate-migration")
    follower.follow("delete -k deploy")
    answer = follower.plane.request("GET", f"/api/v1/namespaces/{GATE}")
    assert answer.status == 404


def the_platform_stands_at_its_floor(plane: ControlPlane) -> None:
    """Ten, by the autoscaler; one zone has no more than its share."""
    plane.wait_for("ten are ready", lambda: len(ready_pods(plane, PLATFORM, BOOKINGS)) == 10)
    pods = ready_pods(plane, PLATFORM, BOOKINGS)
    zones = Counter(int(pod["spec"]["nodeName"].removeprefix("node-")) % ZONES for pod in pods)
    assert max(zones.values()) - min(zones.values()) <= 1
    assert {pod["spec"]["priority"] for pod in pods} == {1_000_000}
    assert all(len(pod["status"]["containerStatuses"]) == 2 for pod in pods)
    path = f"/apis/policy/v1/namespaces/{PLATFORM}/poddisruptionbudgets/bookings"
    plane.wait_for(
        "one pod may go", lambda: plane.get(path)["status"].get("disruptionsAllowed") == 1
    )
    # Applied again, it is the autoscaler's number that stays.
    plane.kubectl("apply", "-k", str(K8S / "platform"), check=True)
    path = f"/apis/apps/v1/namespaces/{PLATFORM}/deployments/bookings"
    assert plane.get(path)["spec"]["replicas"] == 10


def the_gate_stands(plane: ControlPlane) -> None:
    """As many of each part as it asks for, the webhook's on nodes of their own."""
    for part, count in (("webhook", 3), ("server", 2), ("fallback", 2), ("prescale", 2)):
        assert len(ready_pods(plane, GATE, f"app.kubernetes.io/component={part}")) == count
    webhooks = ready_pods(plane, GATE, "app.kubernetes.io/component=webhook")
    assert len({pod["spec"]["nodeName"] for pod in webhooks}) == 3
