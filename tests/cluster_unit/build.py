"""Objects and admission reviews in a few words."""

import copy
import json
from typing import Any

from gate.cluster.changes import Change, Context, classify
from gate.cluster.history import History
from gate.cluster.review import Review, read_review

Json = dict[str, Any]

OWNER = "6f1c2f5e-5b9d-4a55-9d3c-0d6b6c6f9f11"
RESTARTED = "kubectl.kubernetes.io/restartedAt"
KINDS = {
    "Deployment": ("apps", "v1", "deployments"),
    "StatefulSet": ("apps", "v1", "statefulsets"),
    "DaemonSet": ("apps", "v1", "daemonsets"),
    "HorizontalPodAutoscaler": ("autoscaling", "v2", "horizontalpodautoscalers"),
    "ConfigMap": ("", "v1", "configmaps"),
    "Secret": ("", "v1", "secrets"),
    "Service": ("", "v1", "services"),
    "Ingress": ("networking.k8s.io", "v1", "ingresses"),
    "Pod": ("", "v1", "pods"),
    "CronJob": ("batch", "v1", "cronjobs"),
    "Rollout": ("argoproj.io", "v1alpha1", "rollouts"),
}
FLOOR = 10


def template(image: str = "checkout:1", **annotations: str) -> Json:
    """A pod template; the annotation ``restarted`` is the one that kubectl sets."""
    metadata: Json = {"labels": {"app": "checkout"}}
    if annotations:
        metadata["annotations"] = {
            RESTARTED if name == "restarted" else name: value for name, value in annotations.items()
        }
    containers = [{"name": "web", "image": image, "resources": {}}]
    return {"metadata": metadata, "spec": {"containers": containers, "restartPolicy": "Always"}}


def thing(kind: str = "Deployment", /, **members: Any) -> Json:
    """An object of a kind; members go beside its metadata, None takes one out."""
    group, version, _ = KINDS[kind]
    found: Json = {
        "apiVersion": f"{group}/{version}" if group else version,
        "kind": kind,
        "metadata": {"name": "checkout", "namespace": "wedding-platform", "uid": OWNER},
        **_body(kind),
    }
    found |= members
    return {name: value for name, value in found.items() if value is not None}


def _body(kind: str) -> Json:
    bodies: dict[str, Json] = {
        "Deployment": {
            "spec": {"replicas": 3, "template": template(), "selector": {}},
            "status": {"replicas": 3},
        },
        "StatefulSet": {"spec": {"replicas": 3, "template": template(), "serviceName": "x"}},
        "DaemonSet": {"spec": {"template": template(), "updateStrategy": {"type": "OnDelete"}}},
        "HorizontalPodAutoscaler": {
            "spec": {"minReplicas": 10, "maxReplicas": 50, "scaleTargetRef": {"name": "checkout"}}
        },
        "ConfigMap": {"data": {"a": "1"}},
        "Secret": {"type": "Opaque", "data": {"a": "MQ=="}},
        "Service": {"spec": {"ports": [{"port": 80}]}},
        "Ingress": {"spec": {"rules": []}},
    }
    return bodies.get(kind, {"spec": {"a": 1}})


def spec(base: Json, **fields: Any) -> Json:
    """The object with these fields of its spec changed, None takes one out."""
    found = copy.deepcopy(base)
    found["spec"] |= fields
    found["spec"] = {name: value for name, value in found["spec"].items() if value is not None}
    return found


def meta(base: Json, **fields: Any) -> Json:
    """The object with these fields of its metadata changed."""
    found = copy.deepcopy(base)
    found["metadata"] |= fields
    return found


def scale(replicas: int | None) -> Json:
    """A Scale as the API server writes it: without the field where it is none."""
    return {
        "apiVersion": "autoscaling/v1",
        "kind": "Scale",
        "metadata": {"name": "checkout", "namespace": "wedding-platform", "uid": OWNER},
        "spec": {} if replicas is None else {"replicas": replicas},
        "status": {"replicas": 3, "selector": "app=checkout"},
    }


def envelope(new: Any, old: Any, operation: str | None = None, **fields: Any) -> Json:
    """An AdmissionReview as decoded JSON, of the kind of the object; fields of its request last."""
    kind = next((o["kind"] for o in (new, old) if isinstance(o, dict) and "kind" in o), "Pod")
    group, version, resource = KINDS.get(kind, KINDS["Pod"])
    guessed = "CREATE" if old is None else "DELETE" if new is None else "UPDATE"
    request = {
        "uid": "705ab4f5-6393-11e8-b7cc-42010a800002",
        "kind": {"group": group, "version": version, "kind": kind},
        "resource": {"group": group, "version": version, "resource": resource},
        "name": "checkout",
        "namespace": "wedding-platform",
        "operation": operation or guessed,
        "userInfo": {"username": "alice@example.org", "groups": ["system:authenticated"]},
        "object": new,
        "oldObject": old,
        "dryRun": False,
        "options": {"apiVersion": "meta.k8s.io/v1", "kind": "UpdateOptions"},
    }
    return {
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": request | fields,
    }


def named(kind: str, version: str | None = None, group: str | None = None) -> Json:
    """A kind as a review names it; by default with its own group and version."""
    known = KINDS.get(kind, ("", "v1", ""))
    of = known[0] if group is None else group
    return {"group": of, "version": version or known[1], "kind": kind}


def scale_envelope(new: Any, old: Any, resource: str = "deployments", **fields: Any) -> Json:
    """A review of the ``scale`` of a workload."""
    named_fields = {
        "kind": named("Scale", group="autoscaling"),
        "resource": {"group": "apps", "version": "v1", "resource": resource},
        "subResource": "scale",
    }
    return envelope(new, old, **named_fields | fields)


def body(of: Any) -> bytes:
    """Decoded JSON as the bytes of a request."""
    return json.dumps(of, separators=(",", ":")).encode()


def read(of: Any) -> Review:
    """The review that decoded JSON is."""
    return read_review(body(of))


def change(of: Any, history: History | None = None, invoker: Any = "human") -> Change:
    """What a review (decoded JSON, or bytes) does."""
    review = read_review(of) if isinstance(of, bytes) else read(of)
    return classify(review, Context(invoker, FLOOR, history or History()))


def actions(of: Any, history: History | None = None, invoker: Any = "human") -> list[str]:
    """The names of what a review does."""
    return [str(action) for action in change(of, history, invoker).actions]
