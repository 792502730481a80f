"""What the API server is told about the webhook: which changes to send, where, and whom to trust.

Pure: from checked values to the ValidatingWebhookConfiguration.

No match condition hides a change. The webhook counts what it allows without a judgement (changes
of metadata, of exempt controllers), so these must reach it; and a condition that says again in CEL
what the gate knows would be a second truth that drifts. There is one exception, which has to be
asked for: the exact names that the policy exempts. The gate allows these in any case, and with
``failurePolicy: Fail`` they would otherwise stop where the gate stops: an autoscaler on a Saturday.
"""

import base64
import re
from collections.abc import Sequence
from typing import Any, Literal
from urllib.parse import urlsplit

import msgspec

from gate.cluster.requests import NEVER_MATCHED

FailurePolicy = Literal["Fail", "Ignore"]
PROTECT_LABEL = "saturday-gate.io/protect"
"""The label, ``"true"``, by which a namespace opts in."""
WEBHOOK_NAME = "validate.saturday-gate.io"
"""How the API server names the webhook in a refusal."""
VALIDATE_PATH = "/validate"
DEFAULT_NAME = "saturday-gate"
_NAMESPACE_NAME = "kubernetes.io/metadata.name"
_INJECT = "cert-manager.io/inject-ca-from"
_MAX_PORT = 65_535
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_SUBDOMAIN = re.compile(rf"(?=.{{1,253}}\Z){_LABEL.pattern}(\.{_LABEL.pattern})*")


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """Operations on resources of one API group that the API server sends."""

    group: str
    versions: tuple[str, ...] = ("v1",)
    resources: tuple[str, ...]
    operations: tuple[str, ...] = ("CREATE", "UPDATE", "DELETE")


RULES = (
    Rule(group="apps", resources=("deployments", "statefulsets", "daemonsets")),
    # A wildcard in the rule above would not name subresources. ReplicaSets have a scale, too, but
    # the Deployment that owns one puts its replicas back.
    Rule(
        group="apps",
        resources=("deployments/scale", "statefulsets/scale"),
        operations=("UPDATE",),
    ),
    Rule(group="autoscaling", versions=("v1", "v2"), resources=("horizontalpodautoscalers",)),
    Rule(group="", resources=("configmaps", "secrets", "services")),
    Rule(group="networking.k8s.io", resources=("ingresses",)),
)
"""Everything that the gate judges (the table of changes), and nothing else."""


class Service(msgspec.Struct, frozen=True, kw_only=True):
    """The webhook as a Service of the cluster."""

    namespace: str
    name: str
    port: int = 443

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}:{self.port}"


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What a configuration says. ``target`` is a Service or an https URL.

    ``ca`` is PEM as `gate.cluster.bundle` gives it, or None where cert-manager's injector fills it
    in from the Certificate ``inject_ca_from`` (NAMESPACE/NAME). ``unsent_users`` are exact user
    names whose requests are not sent at all: only those that the policy exempts belong there.
    """

    target: Service | str
    own_namespace: str
    name: str = DEFAULT_NAME
    failure_policy: FailurePolicy = "Fail"
    timeout_seconds: int = 3
    ca: bytes | None = None
    inject_ca_from: str | None = None
    unsent_users: tuple[str, ...] = ()


def configuration(settings: Settings) -> dict[str, Any]:
    """The ValidatingWebhookConfiguration (admissionregistration.k8s.io/v1) as plain data."""
    excluded = dict.fromkeys((NEVER_MATCHED, settings.own_namespace))
    webhook: dict[str, Any] = {
        "name": WEBHOOK_NAME,
        "clientConfig": _client(settings),
        "rules": [_rule(rule) for rule in RULES],
        "namespaceSelector": {
            "matchLabels": {PROTECT_LABEL: "true"},
            "matchExpressions": [
                {"key": _NAMESPACE_NAME, "operator": "NotIn", "values": list(excluded)}
            ],
        },
        "failurePolicy": settings.failure_policy,
        "matchPolicy": "Equivalent",
        "sideEffects": "NoneOnDryRun",
        "admissionReviewVersions": ["v1"],
        "timeoutSeconds": settings.timeout_seconds,
    }
    if settings.unsent_users:
        webhook["matchConditions"] = [_not_by(settings.unsent_users)]
    metadata: dict[str, Any] = {
        "name": settings.name,
        "labels": {"app.kubernetes.io/name": DEFAULT_NAME},
    }
    if settings.inject_ca_from is not None:
        metadata["annotations"] = {_INJECT: settings.inject_ca_from}
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": metadata,
        "webhooks": [webhook],
    }


def sends(group: str, version: str, resource: str, operation: str) -> bool:
    """Whether the rules name this; ``resource`` with its subresource, such as a scale."""
    return any(
        group == rule.group
        and version in rule.versions
        and resource in rule.resources
        and operation in rule.operations
        for rule in RULES
    )


def parse_url(text: str) -> str:
    """The webhook's URL, ``/validate`` filled in where it has no path; ValueError otherwise."""
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise ValueError(f"{text!r} is no URL: {error}") from None
    if parts.scheme != "https":
        raise ValueError(f"{text!r} is not https; the API server calls nothing else")
    if not host or port == 0 or not text.isprintable() or " " in text:
        raise ValueError(f"{text!r} is not https://HOST:PORT{VALIDATE_PATH}")
    if "@" in parts.netloc or "?" in text or "#" in text:
        raise ValueError(f"{text!r} has a user, a query or a fragment; the API server refuses that")
    return text if parts.path.strip("/") else f"https://{parts.netloc}{VALIDATE_PATH}"


def parse_service(text: str) -> Service:
    """``NAMESPACE/NAME[:PORT]``; ValueError otherwise."""
    path, colon, port = text.partition(":")
    namespace, slash, name = path.partition("/")
    if not slash or not _LABEL.fullmatch(namespace) or not _LABEL.fullmatch(name):
        raise ValueError(f"{text!r} is not NAMESPACE/NAME[:PORT] of a Service")
    if not colon:
        return Service(namespace=namespace, name=name)
    if not re.fullmatch(r"[0-9]{1,5}", port) or not 0 < int(port) <= _MAX_PORT:
        raise ValueError(f"{port!r} is no port")
    return Service(namespace=namespace, name=name, port=int(port))


def parse_namespace(text: str) -> str:
    """The name of a namespace; ValueError otherwise."""
    if not _LABEL.fullmatch(text):
        raise ValueError(f"{text!r} cannot name a namespace")
    return text


def parse_name(text: str) -> str:
    """The name of a configuration; ValueError otherwise."""
    if not _SUBDOMAIN.fullmatch(text):
        raise ValueError(f"{text!r} cannot name an object; use a-z, 0-9, - and .")
    return text


def parse_certificate_name(text: str) -> str:
    """``NAMESPACE/NAME`` of a cert-manager Certificate; ValueError otherwise."""
    namespace, slash, name = text.partition("/")
    if not slash or not _LABEL.fullmatch(namespace) or not _SUBDOMAIN.fullmatch(name):
        raise ValueError(f"{text!r} is not NAMESPACE/NAME of a Certificate")
    return text


def _client(settings: Settings) -> dict[str, Any]:
    target = settings.target
    client: dict[str, Any]
    if isinstance(target, Service):
        named = {"namespace": target.namespace, "name": target.name, "port": target.port}
        client = {"service": {**named, "path": VALIDATE_PATH}}
    else:
        client = {"url": target}
    if settings.ca is not None:
        client["caBundle"] = base64.b64encode(settings.ca).decode()
    return client


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "apiGroups": [rule.group],
        "apiVersions": list(rule.versions),
        "operations": list(rule.operations),
        "resources": list(rule.resources),
        "scope": "Namespaced",
    }


def _not_by(users: Sequence[str]) -> dict[str, str]:
    # A JSON text that leaves other characters as they are is a CEL string, too.
    names = ", ".join(msgspec.json.encode(user).decode() for user in users)
    return {"name": "not-exempt", "expression": f"!(request.userInfo.username in [{names}])"}
