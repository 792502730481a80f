"""Objects that the webhook's tests change: small, and without pods where none are asked for."""

from typing import Any

Manifest = dict[str, Any]
APP = "registry.example/app"
FIRST, SECOND = f"{APP}:1", f"{APP}:2"
# No node has it: a DaemonSet that asks for it has no pods.
_NOWHERE = {"example.com/nowhere": "true"}
_COLLECTIONS = {
    "Deployment": ("apis/apps/v1", "deployments"),
    "StatefulSet": ("apis/apps/v1", "statefulsets"),
    "DaemonSet": ("apis/apps/v1", "daemonsets"),
    "HorizontalPodAutoscaler": ("apis/autoscaling/v2", "horizontalpodautoscalers"),
    "ConfigMap": ("api/v1", "configmaps"),
    "Secret": ("api/v1", "secrets"),
    "Service": ("api/v1", "services"),
    "Ingress": ("apis/networking.k8s.io/v1", "ingresses"),
}


def path_of(namespace: str, manifest: Manifest) -> str:
    """Where the API has an object."""
    group, plural = _COLLECTIONS[manifest["kind"]]
    return f"/{group}/namespaces/{namespace}/{plural}/{manifest['metadata']['name']}"


def one_of_each(name: str) -> tuple[Manifest, ...]:
    """An object of every kind that the gate judges, without pods."""
    return (
        *(deployment(name), stateful_set(name), daemon_set(name), autoscaler(name, 1, 3)),
        *(config_map(name, a="b"), secret(name), service(name), ingress(name)),
    )


def deployment(name: str, *, image: str = FIRST, replicas: int = 0, **spec: Any) -> Manifest:
    """A Deployment."""
    filled = {"replicas": replicas, **_selected(name, image), **spec}
    return _object("apps/v1", "Deployment", name, spec=filled)


def stateful_set(name: str, *, image: str = FIRST, replicas: int = 0, **spec: Any) -> Manifest:
    """A StatefulSet."""
    filled = {"replicas": replicas, "serviceName": name, **_selected(name, image), **spec}
    return _object("apps/v1", "StatefulSet", name, spec=filled)


def daemon_set(name: str, *, image: str = FIRST) -> Manifest:
    """A DaemonSet that no node takes."""
    return _object("apps/v1", "DaemonSet", name, spec=_selected(name, image, nodeSelector=_NOWHERE))


def autoscaler(name: str, low: int, high: int, *, target: str = "nothing") -> Manifest:
    """A HorizontalPodAutoscaler of a Deployment, by default of one that is not there."""
    metric = {"type": "Utilization", "averageUtilization": 60}
    spec = {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": target},
        "minReplicas": low,
        "maxReplicas": high,
        "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": metric}}],
    }
    return _object("autoscaling/v2", "HorizontalPodAutoscaler", name, spec=spec)


def config_map(name: str, *, labels: dict[str, str] | None = None, **data: str) -> Manifest:
    """A ConfigMap."""
    made = _object("v1", "ConfigMap", name, data=data)
    made["metadata"]["labels"] = labels or {}
    return made


def secret(name: str, *, kind: str = "Opaque", labels: dict[str, str] | None = None) -> Manifest:
    """A Secret, with what one of type kubernetes.io/tls must have."""
    made = _object("v1", "Secret", name, type=kind, data={"tls.crt": "YQ==", "tls.key": "Yg=="})
    made["metadata"]["labels"] = labels or {}
    return made


def service(name: str) -> Manifest:
    """A Service."""
    return _object("v1", "Service", name, spec={"selector": {"app": name}, "ports": [{"port": 80}]})


def ingress(name: str) -> Manifest:
    """An Ingress with a backend and no rules."""
    backend = {"service": {"name": name, "port": {"number": 80}}}
    return _object("networking.k8s.io/v1", "Ingress", name, spec={"defaultBackend": backend})


def _object(version: str, kind: str, name: str, **content: Any) -> Manifest:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name}, **content}


def _selected(name: str, image: str, **pod: Any) -> dict[str, Any]:
    container = {"name": "app", "image": image}
    template = {
        "metadata": {"labels": {"app": name}},
        "spec": {"containers": [container], "terminationGracePeriodSeconds": 0, **pod},
    }
    return {"selector": {"matchLabels": {"app": name}}, "template": template}
