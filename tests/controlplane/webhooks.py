"""Register a webhook for a namespace, and wait until the API server calls it."""

import base64
import contextlib
import functools
import secrets
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.controlplane.plane import ControlPlane

RULES: tuple[Mapping[str, Any], ...] = (
    {
        "apiGroups": ["apps"],
        "apiVersions": ["v1"],
        "operations": ["CREATE", "UPDATE", "DELETE"],
        "resources": [
            "deployments",
            "deployments/scale",
            "statefulsets",
            "statefulsets/scale",
            "daemonsets",
        ],
    },
    {
        "apiGroups": ["", "networking.k8s.io"],
        "apiVersions": ["v1"],
        "operations": ["CREATE", "UPDATE", "DELETE"],
        "resources": ["configmaps", "secrets", "services", "ingresses"],
    },
    {
        "apiGroups": ["autoscaling"],
        "apiVersions": ["*"],
        "operations": ["CREATE", "UPDATE", "DELETE"],
        "resources": ["horizontalpodautoscalers"],
    },
)
"""Everything that the gate judges."""
_PATH = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"
# Nothing listens on this port: whoever calls it is refused at once.
_NOWHERE = "https://127.0.0.1:1/"


@contextlib.contextmanager
def webhook(
    plane: ControlPlane,
    url: str,
    *,
    namespace: str,
    rules: Sequence[Mapping[str, Any]] = RULES,
    failure_policy: str = "Fail",
    timeout_seconds: int = 3,
    side_effects: str = "NoneOnDryRun",
    ca: Path | None = None,
    match_conditions: Sequence[Mapping[str, str]] = (),
) -> Iterator[str]:
    """A validating webhook at `url` for one namespace, in force in the block; its object's name.

    The URL's certificate must be of `ca` (PEM), by default of the plane's own authority: see
    `ControlPlane.serving_certificate`.
    """
    name = f"test-{secrets.token_hex(5)}"
    selector = {"matchLabels": {"kubernetes.io/metadata.name": namespace}}
    bundle = base64.b64encode((ca or plane.ca).read_bytes()).decode()
    common = {"admissionReviewVersions": ["v1"], "namespaceSelector": selector}
    gate = common | {
        "name": f"{name}.saturday-gate.io",
        "clientConfig": {"url": url, "caBundle": bundle},
        "rules": list(rules),
        "failurePolicy": failure_policy,
        "timeoutSeconds": timeout_seconds,
        "sideEffects": side_effects,
        "matchConditions": list(match_conditions),
    }
    body = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": name},
        "webhooks": [gate, common | _sign(name)],
    }
    plane.request("POST", _PATH, body).ok()
    try:
        for server in range(len(plane.urls)):
            plane.wait_for(
                f"{plane.urls[server]} calls the webhook",
                functools.partial(_in_force, plane, namespace, name, server),
            )
        yield name
    finally:
        plane.request("DELETE", f"{_PATH}/{name}")


def _sign(name: str) -> dict[str, Any]:
    """An entry beside the one wanted, which refuses one service account that is only tried.

    The API server takes up both at the same moment: a refusal says that the webhook is in force,
    without a call of it (unless `rules` match service accounts).
    """
    return {
        "name": f"sign.{name}.saturday-gate.io",
        "clientConfig": {"url": _NOWHERE},
        "rules": [
            {
                "apiGroups": [""],
                "apiVersions": ["v1"],
                "operations": ["CREATE"],
                "resources": ["serviceaccounts"],
            }
        ],
        "failurePolicy": "Fail",
        "timeoutSeconds": 1,
        "sideEffects": "None",
        "matchConditions": [{"name": "sign", "expression": f"object.metadata.name == '{name}'"}],
    }


def _in_force(plane: ControlPlane, namespace: str, name: str, server: int) -> bool:
    body = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}}
    path = f"/api/v1/namespaces/{namespace}/serviceaccounts?dryRun=All"
    answer = plane.request("POST", path, body, server=server)
    return answer.status == 500 and f"sign.{name}" in str(answer.body)
