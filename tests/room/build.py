"""Objects of a cluster in a few words, as the API server writes them."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import msgspec

from gate.cluster.scaling.reading import read_target
from gate.cluster.scaling.room import Finding, Holdings, Report, Room, assess
from gate.cluster.scaling.room import shapes as of
from gate.cluster.scaling.values import Target
from gate.core.decision import Level
from gate.core.peaks import Peak
from tests.core.build import policy

CAPACITY = policy().load.capacity
AT = datetime(2026, 6, 8, tzinfo=UTC)
WEEK = AT + timedelta(days=7)
T = TypeVar("T", bound=of.Shape)
Document = dict[str, Any]


def peak(level: Level = Level.MAXIMUM, needed: int = 50) -> Peak:
    """A peak within the ceiling."""
    return Peak(at=AT, needed=needed, level=level, shortfall=0, beyond=())


def shaped(kind: type[T], document: Mapping[str, Any]) -> T:
    """The object as the product reads it from the API."""
    return msgspec.json.decode(msgspec.json.encode(document), type=kind)


def node(name: str = "n1", cpu: str = "4", memory: str = "16Gi", pods: str = "110",
         *, ready: str = "True", **more: Any) -> of.Node:  # fmt: skip
    """A node; ``labels`` and fields of its spec as keywords."""
    labels = {"kubernetes.io/hostname": name, **more.pop("labels", {})}
    return shaped(of.Node, {
        "metadata": {"name": name, "labels": labels},
        "spec": more,
        "status": {
            "allocatable": {"cpu": cpu, "memory": memory, "pods": pods},
            "conditions": [{"type": "Ready", "status": ready}],
        },
    })  # fmt: skip


def pod_spec(cpu: str | None = "1", memory: str | None = None, **more: Any) -> Document:
    """The spec of a Pod of one container; fields beside it as keywords."""
    requests = {k: v for k, v in (("cpu", cpu), ("memory", memory)) if v is not None}
    return {"containers": [{"name": "app", "resources": {"requests": requests}}], **more}


def workload(spec: Document | None = None, *, name: str = "shop", namespace: str = "wed",
             replicas: int = 10, ready: int = 10) -> of.Workload:  # fmt: skip
    """A Deployment whose Pods have the label ``app``."""
    return shaped(of.Workload, {
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": spec or pod_spec()},
        },
        "status": {"readyReplicas": ready},
    })  # fmt: skip


def pods(number: int, on: str = "n1", *, name: str = "shop", namespace: str = "wed",
         spec: Document | None = None) -> list[of.Pod]:  # fmt: skip
    """Running Pods of a workload; ``on`` empty: they wait for a node."""
    where = {"nodeName": on} if on else {}
    document = {
        "metadata": {"name": name, "namespace": namespace, "labels": {"app": name}},
        "spec": {**(spec or pod_spec()), **where},
        "status": {"phase": "Running" if on else "Pending"},
    }
    return [shaped(of.Pod, document)] * number


def hpa(*, name: str = "shop", namespace: str = "wed", low: int = 10, high: int = 50,
        scales: str = "Deployment", **annotations: str) -> Target:  # fmt: skip
    """A labelled autoscaler of the workload of its name."""
    return read_target({
        "kind": "HorizontalPodAutoscaler",
        "metadata": {
            "name": name, "namespace": namespace, "uid": f"uid-{name}", "resourceVersion": "1",
            "labels": {"saturday-gate.io/prescale": "true"},
            "annotations": {
                f"saturday-gate.io/{key}": value for key, value in annotations.items()
            },
        },
        "spec": {
            "minReplicas": low, "maxReplicas": high,
            "scaleTargetRef": {"kind": scales, "name": name},
        },
    })  # fmt: skip


def quota(hard: Mapping[str, str], used: Mapping[str, str], **spec: Any) -> of.Quota:
    """A ResourceQuota ``q`` of namespace ``wed``."""
    return shaped(of.Quota, {
        "metadata": {"name": "q", "namespace": "wed"},
        "spec": {"hard": dict(hard), **spec},
        "status": {"hard": dict(hard), "used": dict(used)},
    })  # fmt: skip


def limits(*items: Document) -> of.LimitRange:
    """A LimitRange of namespace ``wed``."""
    return shaped(of.LimitRange, {
        "metadata": {"name": "l", "namespace": "wed"}, "spec": {"limits": list(items)},
    })  # fmt: skip


def budget(name: str = "pdb", **spec: Any) -> of.Budget:
    """A PodDisruptionBudget of the Pods of ``shop``."""
    selector = {"matchLabels": {"app": "shop"}}
    return shaped(of.Budget, {
        "metadata": {"name": name, "namespace": "wed"}, "spec": {"selector": selector, **spec},
    })  # fmt: skip


def holdings(nodes: Iterable[of.Node] = (), there: Iterable[of.Pod] = (),
             workloads: Iterable[of.Workload] = (), **more: Any) -> Holdings:  # fmt: skip
    """What a cluster holds; quotas and the like as tuples by keyword."""
    by_key = {(w.metadata.namespace, "Deployment", w.metadata.name): w for w in workloads}
    return Holdings(nodes=tuple(nodes), pods=tuple(there), workloads=by_key, **more)


def report(held: Holdings, *targets: Target, most: Peak | None = None) -> Report:
    """The report of a week, by default at MAXIMUM."""
    return assess(targets or (hpa(),), held, most or peak(), CAPACITY, at=AT, until=WEEK)


def only(held: Holdings, target: Target | None = None, most: Peak | None = None) -> Room:
    """The room of a single target."""
    (room,) = report(held, target or hpa(), most=most).targets
    return room


def finding(room: Room, code: str) -> Finding:
    """The one finding of a code."""
    (found,) = [each for each in room.findings if each.code == code]
    return found
