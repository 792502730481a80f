"""A control plane that has the custom resources and the nodes that the manifests ask for."""

import base64
import contextlib
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.controlplane import running
from tests.controlplane.plane import ControlPlane
from tests.manifests.building import Object
from tests.manifests.crds import CRDS

GATE, PLATFORM = "saturday-gate", "wedding-platform"
AUDIT = Path(__file__).with_name("audit.yaml")
ZONES = 3
NODES = 6
_CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


@contextlib.contextmanager
def staged(folder: Path) -> Iterator[ControlPlane]:
    """The plane, with namespaces and priorities not yet there."""
    flags = [f"--audit-policy-file={AUDIT}"]
    with running.started(folder, whole=True, nodes=0, api_server_flags=flags) as started:
        plane = started.plane
        for number in range(NODES):
            _add_node(plane, number)
        for each in CRDS:
            plane.request("POST", _CRDS, each).ok()
        plane.wait_for("nodes take pods", lambda: plane.ready_nodes() == NODES)
        plane.wait_for("the custom resources are served", lambda: all(map(_served(plane), CRDS)))
        yield plane


def _add_node(plane: ControlPlane, number: int) -> None:
    name = f"node-{number}"
    labels = {
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        "topology.kubernetes.io/zone": f"z{number % ZONES}",
    }
    metadata = {"name": name, "labels": labels, "annotations": {"kwok.x-k8s.io/node": "fake"}}
    # kwok adds cores and memory to what a node has told.
    disk = {"ephemeral-storage": "200Gi"}
    status = {"capacity": disk, "allocatable": disk}
    body = {"apiVersion": "v1", "kind": "Node", "metadata": metadata, "status": status}
    plane.request("POST", "/api/v1/nodes", body).ok()


def _served(plane: ControlPlane) -> Any:
    def served(crd: Mapping[str, Any]) -> bool:
        spec = crd["spec"]
        version = spec["versions"][0]["name"]
        path = f"/apis/{spec['group']}/{version}/{spec['names']['plural']}"
        return plane.request("GET", path).status == 200

    return served


def text_of(objects: Iterable[Object]) -> str:
    """Documents as kubectl reads them."""
    return "\n---\n".join(json.dumps(each) for each in objects)


def token_of(plane: ControlPlane, name: str) -> str:
    """A token of a service account of the gate's, as a pod gets it."""
    path = f"/api/v1/namespaces/{GATE}/serviceaccounts/{name}/token"
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    token: str = plane.request("POST", path, body).ok()["status"]["token"]
    return token


def account(plane: ControlPlane, name: str, folder: Path) -> Path:
    """A kubeconfig of a service account of the gate's."""
    token = token_of(plane, name)
    authority = base64.b64encode(plane.ca.read_bytes()).decode()
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {
                "name": "test",
                "cluster": {"server": plane.urls[0], "certificate-authority-data": authority},
            }
        ],
        "users": [{"name": name, "user": {"token": token}}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": name}}],
        "current-context": "test",
    }
    made = folder / f"{name}.kubeconfig"
    made.write_text(json.dumps(config))
    return made
