"""Kubernetes' own controllers do their part during a lock, in which nobody else may do as much."""

from collections.abc import Iterator
from typing import Any

import pytest

from gate.core.document.defaults import DEFAULT_EXEMPT
from tests.cluster.gate import AUTOMATION, EXEMPT, HUMAN, Gate, kubectl
from tests.cluster.gate_manifests import (
    Manifest,
    autoscaler,
    config_map,
    daemon_set,
    deployment,
    ingress,
    secret,
    service,
    stateful_set,
)
from tests.controlplane.plane import ControlPlane

pytestmark = pytest.mark.xdist_group("webhook")
_SYSTEM = "system:serviceaccount:kube-system:"
_COLLECTIONS = {
    "Deployment": "/apis/apps/v1/namespaces/{}/deployments",
    "StatefulSet": "/apis/apps/v1/namespaces/{}/statefulsets",
    "DaemonSet": "/apis/apps/v1/namespaces/{}/daemonsets",
    "HorizontalPodAutoscaler": "/apis/autoscaling/v2/namespaces/{}/horizontalpodautoscalers",
    "ConfigMap": "/api/v1/namespaces/{}/configmaps",
    "Secret": "/api/v1/namespaces/{}/secrets",
    "Service": "/api/v1/namespaces/{}/services",
    "Ingress": "/apis/networking.k8s.io/v1/namespaces/{}/ingresses",
}


@pytest.fixture
def locked(gate: Gate) -> Iterator[str]:
    """A namespace inside a window, in which the gate judges from the test's beginning."""
    with gate.plane.namespace("locked") as namespace, gate.protected(namespace):
        yield namespace


def make(plane: ControlPlane, namespace: str, made: Manifest, **metadata: Any) -> Any:
    """Create an object as one who is exempt."""
    body = {**made, "metadata": {**made["metadata"], **metadata}}
    done = kubectl(
        plane, EXEMPT, "create", "--namespace", namespace, "--filename", "-", "--output=json",
        sent=_json(body),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return plane.get(_path(namespace, made["kind"], made["metadata"]["name"]))


def _json(value: object) -> str:
    import json

    return json.dumps(value)


def _path(namespace: str, kind: str, name: str = "") -> str:
    return f"{_COLLECTIONS[kind].format(namespace)}/{name}".rstrip("/")


def owned_by(owner: Any) -> list[dict[str, Any]]:
    """The owner references of what is deleted with an object."""
    return [
        {
            "apiVersion": owner["apiVersion"],
            "kind": owner["kind"],
            "name": owner["metadata"]["name"],
            "uid": owner["metadata"]["uid"],
        }
    ]


def ready(plane: ControlPlane, namespace: str, kind: str, name: str) -> int:
    status = plane.get(_path(namespace, kind, name))["status"]
    found: int = status.get("readyReplicas", status.get("numberReady", 0))
    return found


def callers(plane: ControlPlane, namespace: str) -> dict[str, set[str]]:
    """Who wrote what in a namespace, of the kinds that the gate judges."""
    found: dict[str, set[str]] = {}
    for event in plane.audit_events(namespace):
        if any(".saturday-gate.io/" in name for name in event.get("annotations") or ()):
            found.setdefault(event["user"]["username"], set()).add(event["objectRef"]["resource"])
    return found
