"""Admission reviews as an API server sends them."""

import uuid
from typing import Any


def deployment(*, image: str = "api:1", replicas: int = 3, padding: int = 0) -> dict[str, Any]:
    """A Deployment; ``padding`` bytes of annotation make it large."""
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": "api",
            "namespace": "bookings",
            "uid": "0f0e0d0c-0000-4000-8000-000000000001",
            "annotations": {"padding": "x" * padding},
        },
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": "api"}},
            "template": {
                "metadata": {"labels": {"app": "api"}},
                "spec": {"containers": [{"name": "api", "image": image}]},
            },
        },
    }


def review(
    *,
    operation: str = "UPDATE",
    user: str = "alice@example.com",
    groups: tuple[str, ...] = ("system:authenticated",),
    namespace: str = "bookings",
    dry_run: bool = False,
    new: dict[str, Any] | None = None,
    old: dict[str, Any] | None = None,
    padding: int = 0,
) -> dict[str, Any]:
    """By default a new image for a Deployment."""
    if new is None and operation != "DELETE":
        new = deployment(image="api:2", padding=padding)
    if old is None and operation != "CREATE":
        old = deployment(padding=padding)
    return {
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": str(uuid.uuid4()),
            "kind": {"group": "apps", "version": "v1", "kind": "Deployment"},
            "resource": {"group": "apps", "version": "v1", "resource": "deployments"},
            "requestKind": {"group": "apps", "version": "v1", "kind": "Deployment"},
            "requestResource": {"group": "apps", "version": "v1", "resource": "deployments"},
            "name": "api",
            "namespace": namespace,
            "operation": operation,
            "userInfo": {"username": user, "groups": list(groups)},
            "object": new,
            "oldObject": old,
            "dryRun": dry_run,
            "options": {"apiVersion": "meta.k8s.io/v1", "kind": "UpdateOptions"},
        },
    }
