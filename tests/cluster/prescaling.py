"""What the tests of pre-scaling put on a control plane, and how they run the command over it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.cli.run import Outcome, gate
from tests.controlplane.objects import autoscaler, deployment
from tests.controlplane.plane import ADMIN, ControlPlane

LABELS = {"saturday-gate.io/prescale": "true"}
ORIGINAL = "saturday-gate.io/original"
RAISED = "saturday-gate.io/raised"
MERGE = "application/merge-patch+json"
HPAS = "/apis/autoscaling/v2/namespaces/{}/horizontalpodautoscalers"
SCALED = "/apis/keda.sh/v1alpha1/namespaces/{}/scaledobjects"
NORMAL, HIGH, MAXIMUM = (f"2026-06-{day}T12:00:00Z" for day in ("01", "10", "11"))
"""Instants of these levels: the load needs 20 replicas on the tenth, 45 on the eleventh."""
_POLICY = """\
version: 1
timezone: UTC
load: {hours: {0: 1}, saturday: 1, season: {factor: 1}}
"""
_CALENDAR = """\
id,date,timezone,guests
high,2026-06-10,UTC,90000
maximum,2026-06-11,UTC,202500
"""


class Prescaling:
    """One namespace, and the command over it."""

    def __init__(self, plane: ControlPlane, namespace: str, folder: Path) -> None:
        self.plane = plane
        self.namespace = namespace
        self.folder = folder
        self.policy = folder / "policy.yaml"
        self.policy.write_text(_POLICY)
        self.calendar = folder / "weddings.csv"
        self.calendar.write_text(_CALENDAR)

    def run(self, at: str, *more: str) -> Outcome:
        """``gate prescale --once --json`` of the namespace, around an instant."""
        inputs = ("--policy", self.policy, "--calendar", self.calendar)
        where = ("--kubeconfig", self.plane.kubeconfig(), "--namespace", self.namespace)
        return gate("prescale", *inputs, *where, "--once", "--json", "--at", at, *more)

    def entry(self, at: str, *more: str, code: int = 0) -> Any:
        """The one entry of such a run."""
        done = self.run(at, *more)
        assert done.code == code, done
        (entry,) = done.json
        return entry

    def hpa(
        self,
        name: str = "web",
        *,
        low: int = 10,
        high: int = 30,
        annotations: Mapping[str, str] | None = None,
        scales: str | None = None,
        **metadata: Any,
    ) -> Any:
        """Make a labelled HPA of a Deployment (by default its namesake), which may not exist."""
        document = autoscaler(name, self.namespace, low=low, high=high)
        document["spec"]["scaleTargetRef"]["name"] = scales or name
        document["metadata"] |= {"labels": LABELS, "annotations": annotations or {}, **metadata}
        return self.plane.request("POST", HPAS.format(self.namespace), document).ok()

    def scaled_object(
        self, name: str, *, labels: Mapping[str, str] | None = None, **spec: Any
    ) -> Any:
        """Make a ScaledObject of a Deployment of the same name."""
        document = {
            "apiVersion": "keda.sh/v1alpha1",
            "kind": "ScaledObject",
            "metadata": {"name": name, "labels": LABELS if labels is None else labels},
            "spec": {"scaleTargetRef": {"name": name}, **spec},
        }
        return self.plane.request("POST", SCALED.format(self.namespace), document).ok()

    def deployment(self, name: str = "web", replicas: int = 10) -> None:
        """A Deployment for kwok to run."""
        path = f"/apis/apps/v1/namespaces/{self.namespace}/deployments"
        body = deployment(name, self.namespace, replicas=replicas)
        self.plane.request("POST", path, body).ok()

    def read(self, name: str = "web", path: str = HPAS) -> Any:
        """The object."""
        return self.plane.get(f"{path.format(self.namespace)}/{name}")

    def range(self, name: str = "web") -> tuple[int, int]:
        """Floor and ceiling of an HPA."""
        spec = self.read(name)["spec"]
        return spec["minReplicas"], spec["maxReplicas"]

    def notes(self, name: str = "web") -> dict[str, Any]:
        """The gate's annotations of an HPA, decoded."""
        annotations = self.read(name)["metadata"].get("annotations", {})
        prefix = "saturday-gate.io/"
        return {
            key.removeprefix(prefix): json.loads(text)
            for key, text in annotations.items()
            if key in {ORIGINAL, RAISED}
        }

    def change(
        self, name: str = "web", *, manager: str = "tester", path: str = HPAS, **spec: int
    ) -> None:
        """Somebody else's change of the spec."""
        self.plane.request(
            "PATCH",
            f"{path.format(self.namespace)}/{name}?fieldManager={manager}",
            {"spec": spec},
            content_type=MERGE,
            user=ADMIN,
        ).ok()


def moved(entry: Any) -> tuple[int, int, int, int]:
    """From and to of an entry: min, max, min, max."""
    return (entry["from"]["min"], entry["from"]["max"], entry["to"]["min"], entry["to"]["max"])


def with_keda(plane: ControlPlane) -> None:
    """Let the cluster know ScaledObjects, without anything that acts on them."""
    path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    made = plane.request("POST", path, _SCALED_OBJECTS)
    assert made.status in {201, 409}, made
    plane.wait_for("the API of ScaledObjects", lambda: _is_served(plane))


def _is_served(plane: ControlPlane) -> bool:
    return plane.request("GET", "/apis/keda.sh/v1alpha1/scaledobjects").status == 200


_OPEN = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
_SCALED_OBJECTS = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "scaledobjects.keda.sh"},
    "spec": {
        "group": "keda.sh",
        "scope": "Namespaced",
        "names": {
            "kind": "ScaledObject",
            "listKind": "ScaledObjectList",
            "plural": "scaledobjects",
            "singular": "scaledobject",
        },
        "versions": [
            {
                "name": "v1alpha1",
                "served": True,
                "storage": True,
                "subresources": {"status": {}},
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "properties": {"spec": _OPEN, "status": _OPEN},
                    }
                },
            }
        ],
    },
}
