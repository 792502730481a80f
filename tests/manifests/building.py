"""What `kubectl kustomize` makes of `k8s/`."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.cluster_cli.conftest import DATA
from tests.controlplane import programs

Object = dict[str, Any]
K8S = Path(__file__).parents[2] / "k8s"
PLATFORM = "platform"
OVERLAYS = ("overlays/dev", "overlays/production", "overlays/ha")
BUILDS = (PLATFORM, *OVERLAYS)
AUTHORITY = DATA / "ca.crt"
"""What a person puts where the component of self-managed certificates looks for it."""
BUILT_IN = frozenset(
    {
        "", "admissionregistration.k8s.io", "apps", "autoscaling", "batch", "networking.k8s.io",
        "policy", "rbac.authorization.k8s.io", "scheduling.k8s.io",
    }
)  # fmt: skip
"""Groups of the API itself; other kinds are custom resources."""


@cache
def build(name: str) -> tuple[Object, ...]:
    """The objects of a folder of `k8s/`, with an authority for those that ask for one."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "k8s"
        shutil.copytree(K8S, copy)
        shutil.copy(AUTHORITY, copy / "components/self-managed/ca.crt")
        return kustomize(copy / name)


def kustomize(folder: Path) -> tuple[Object, ...]:
    """The objects that kustomize makes of a folder; a failure or a warning fails the test."""
    done = subprocess.run(
        [str(programs.kubectl()), "kustomize", str(folder)],
        capture_output=True, text=True, check=False, timeout=60,
        env={"PATH": os.defpath, "HOME": str(folder), "KUBERC": "off"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return tuple(yaml.safe_load_all(done.stdout))


def group_of(each: Object) -> str:
    """The API group of an object, "" for the core's."""
    group, slash, _ = str(each["apiVersion"]).partition("/")
    return group if slash else ""


def key_of(each: Object) -> tuple[str, str, str, str]:
    """Group, kind, namespace and name."""
    metadata = each["metadata"]
    return group_of(each), each["kind"], metadata.get("namespace", ""), metadata["name"]


def of_kind(objects: tuple[Object, ...], *kinds: str) -> list[Object]:
    """Those of some kinds."""
    return [each for each in objects if each["kind"] in kinds]


def named(objects: tuple[Object, ...], kind: str, name: str) -> Object:
    """The one object of a kind and name."""
    (found,) = (each for each in of_kind(objects, kind) if each["metadata"]["name"] == name)
    return found


def template_of(each: Object) -> Object | None:
    """The pod template of what makes pods."""
    spec = each.get("spec", {})
    if each["kind"] == "CronJob":
        spec = spec["jobTemplate"]["spec"]
    if each["kind"] in {"Deployment", "StatefulSet", "Job", "CronJob"}:
        template: Object = spec["template"]
        return template
    return None


def workloads(objects: tuple[Object, ...]) -> Iterator[tuple[Object, Object]]:
    """What makes pods, with its template."""
    for each in objects:
        template = template_of(each)
        if template is not None:
            yield each, template


def gate_containers(objects: tuple[Object, ...]) -> Iterator[tuple[Object, Object]]:
    """The containers that run the gate's image, each with its workload."""
    for each, template in workloads(objects):
        if template["metadata"]["labels"]["app.kubernetes.io/name"] == "saturday-gate":
            for container in template["spec"]["containers"]:
                yield each, container
