"""The question: an AdmissionReview as a kube-apiserver sends it for a new image of a Deployment."""

import json
from typing import Any

UID = "705ab4f5-6393-11e8-b7cc-42010a800002"
USER = "system:serviceaccount:ci:deployer"
NAME = "bookings"
IMAGES = ("registry.example/bookings:2026.11.3", "registry.example/bookings:2026.11.4")
_KIND = {"group": "apps", "version": "v1", "kind": "Deployment"}
_RESOURCE = {"group": "apps", "version": "v1", "resource": "deployments"}
_LABELS = {
    "app.kubernetes.io/name": NAME,
    "app.kubernetes.io/part-of": "wedding-platform",
    "app.kubernetes.io/managed-by": "pipeline",
}
_SELECTOR = {"app.kubernetes.io/name": NAME}
# What a server-side merge tells list entries apart by.
_LIST_KEYS = ("name", "containerPort", "mountPath", "type")


def _probe(path: str, **seconds: int) -> dict[str, Any]:
    return {
        "httpGet": {"path": path, "port": "http", "scheme": "HTTP"},
        "timeoutSeconds": 2,
        "successThreshold": 1,
        **seconds,
    }


def _container(image: str, variables: dict[str, str]) -> dict[str, Any]:
    return {
        "name": "web",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "ports": [{"name": "http", "containerPort": 8080, "protocol": "TCP"}],
        "env": [{"name": key, "value": value} for key, value in variables.items()],
        "resources": {
            "requests": {"cpu": "250m", "memory": "256Mi"},
            "limits": {"cpu": "1", "memory": "512Mi"},
        },
        "readinessProbe": _probe("/readyz", periodSeconds=5, failureThreshold=3),
        "livenessProbe": _probe("/healthz", periodSeconds=10, failureThreshold=3),
        "volumeMounts": [{"name": "config", "mountPath": "/etc/bookings", "readOnly": True}],
        "securityContext": {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True},
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File",
    }


def _pod(image: str) -> dict[str, Any]:
    variables = {
        "DATABASE_HOST": "bookings-primary.database.svc",
        "DATABASE_POOL_SIZE": "20",
        "PHOTO_BUCKET": "wedding-photos-production",
        "RSVP_QUEUE": "rsvp-incoming",
        "LOG_LEVEL": "info",
    }
    return {
        "containers": [_container(image, variables)],
        "restartPolicy": "Always",
        "terminationGracePeriodSeconds": 45,
        "dnsPolicy": "ClusterFirst",
        "securityContext": {"runAsNonRoot": True, "fsGroup": 10001},
        "schedulerName": "default-scheduler",
        "priority": 0,
        "volumes": [{"name": "config", "configMap": {"name": "bookings", "defaultMode": 420}}],
    }


def deployment(namespace: str, image: str) -> dict[str, Any]:
    """A Deployment as people apply it."""
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": NAME, "namespace": namespace, "labels": _LABELS},
        "spec": {
            "replicas": 10,
            "revisionHistoryLimit": 10,
            "progressDeadlineSeconds": 600,
            "selector": {"matchLabels": _SELECTOR},
            "strategy": {
                "type": "RollingUpdate",
                "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": 0},
            },
            "template": {
                "metadata": {
                    "labels": _LABELS,
                    "annotations": {"prometheus.io/scrape": "true", "prometheus.io/port": "8080"},
                },
                "spec": _pod(image),
            },
        },
    }


def fields_of(value: object) -> dict[str, Any]:
    """The ``fieldsV1`` of whoever set all of a value."""
    if isinstance(value, dict):
        return {f"f:{key}": fields_of(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return {_entry_key(entry): {".": {}, **fields_of(entry)} for entry in value}
    return {}


def _entry_key(entry: dict[str, Any]) -> str:
    key = next(key for key in _LIST_KEYS if key in entry)
    return "k:" + json.dumps({key: entry[key]}, separators=(",", ":"))


def _stored(namespace: str, image: str, generation: int) -> dict[str, Any]:
    """The Deployment as the API server keeps it, with who set what, and its status."""
    made = deployment(namespace, image)
    labels = {"labels": made["metadata"]["labels"]}
    status = {
        "observedGeneration": 7,
        "replicas": 10,
        "updatedReplicas": 10,
        "readyReplicas": 10,
        "availableReplicas": 10,
        "conditions": [
            {
                "type": name,
                "status": "True",
                "reason": reason,
                "lastUpdateTime": "2026-11-16T10:31:41Z",
                "lastTransitionTime": "2026-11-02T09:12:05Z",
            }
            for name, reason in (
                ("Available", "MinimumReplicasAvailable"),
                ("Progressing", "NewReplicaSetAvailable"),
            )
        ],
    }
    managers = (
        ("pipeline", None, {"metadata": labels, "spec": made["spec"]}),
        ("kube-controller-manager", "status", {"status": status}),
    )
    metadata = {
        **made["metadata"],
        "uid": "3f7b7a3c-6d39-4b0f-8a3e-6a6d7f0e3b11",
        "resourceVersion": "48213377",
        "generation": generation,
        "creationTimestamp": "2026-02-03T08:15:42Z",
        "annotations": {"deployment.kubernetes.io/revision": "7"},
        "managedFields": [
            {
                "manager": manager,
                "operation": "Update",
                "apiVersion": "apps/v1",
                "time": "2026-11-16T10:31:41Z",
                "fieldsType": "FieldsV1",
                "fieldsV1": fields_of(owned),
                **({"subresource": subresource} if subresource else {}),
            }
            for manager, subresource, owned in managers
        ],
    }
    return {**made, "metadata": metadata, "status": status}


def review(namespace: str) -> bytes:
    """An UPDATE of the Deployment in a namespace: one image changes. About 11 KB."""
    request = {
        "uid": UID,
        "kind": _KIND,
        "resource": _RESOURCE,
        "requestKind": _KIND,
        "requestResource": _RESOURCE,
        "name": NAME,
        "namespace": namespace,
        "operation": "UPDATE",
        "userInfo": {
            "username": USER,
            "uid": "6a1c7f0e-5d0a-4bb2-9c8d-0f5be6a7c001",
            "groups": ["system:serviceaccounts", "system:serviceaccounts:ci", "platform"],
        },
        "object": _stored(namespace, IMAGES[1], 8),
        "oldObject": _stored(namespace, IMAGES[0], 7),
        "dryRun": False,
        "options": {
            "kind": "PatchOptions",
            "apiVersion": "meta.k8s.io/v1",
            "fieldManager": "pipeline",
        },
    }
    document = {"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": request}
    return json.dumps(document, separators=(",", ":")).encode()
