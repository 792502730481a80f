"""Kyverno's admission controller as a plain process beside an API server."""

import base64
import json
from typing import Any

from benchmarks.webhook import build
from benchmarks.webhook.definitions import APPLY, define
from benchmarks.webhook.freeze import FROZEN, Freeze
from benchmarks.webhook.site import DIRECT, LABEL, Site
from benchmarks.webhook.target import Target
from tests.controlplane.processes import Process, free_port

_NAMESPACE = "kyverno"
_POLICY = "freeze"
_SECRETS = tuple(f"kyverno-svc.kyverno.svc.kyverno-tls-{each}" for each in ("ca", "pair"))
# What its chart leaves out of the events unless told otherwise.
_OMITTED = ("PolicyApplied", "PolicySkipped")
_ALL_EVENTS = (*_OMITTED, "PolicyViolation", "PolicyError")
# It registers its webhook for what its policies match, which must not be other targets' namespaces.
_SELECTED = {"key": LABEL, "operator": "In", "values": [DIRECT, "kyverno"]}


class Kyverno(Target):
    """Kyverno with a ValidatingPolicy; each denial is also an Event, unless `events` are off."""

    def __init__(self, site: Site, *, events: bool) -> None:
        super().__init__(site)
        self.name = "Kyverno" if events else "Kyverno, no events"
        self._omitted = _OMITTED if events else _ALL_EVENTS
        self.registers_itself = True
        # Of two that share an API server, the first one leads and is the one that is registered.
        self.through_api_server = events

    def prepare(self) -> Process:
        """See `Target`."""
        plane = self.site.api_server()
        kyverno = build.program("kyverno")
        define(plane, build.documents("kyverno"))
        text = "\n---\n".join(json.dumps(each) for each in self._objects())
        plane.kubectl(*APPLY, "-", input=text, check=True)
        self.port = free_port()
        metrics, runtime_metrics = free_port(), free_port()
        command = [
            str(kyverno),
            f"--kubeconfig={plane.kubeconfig('kyverno', ('system:masters',))}",
            f"--serverIP=127.0.0.1:{self.port}",
            "--webhookServerHost=127.0.0.1",
            f"--webhookServerPort={self.port}",
            f"--caSecretName={_SECRETS[0]}",
            f"--tlsSecretName={_SECRETS[1]}",
            "--disableCertManagerController",
            f"--metricsPort={metrics}",
            f"--controllerRuntimeMetricsAddress=127.0.0.1:{runtime_metrics}",
            f"--omitEvents={','.join(self._omitted)}",
        ]
        environment = {
            "KYVERNO_NAMESPACE": _NAMESPACE,
            "KYVERNO_SERVICEACCOUNT_NAME": "kyverno-admission-controller",
            "KYVERNO_DEPLOYMENT": "kyverno-admission-controller",
            "KYVERNO_POD_NAME": self.folder.name.lower(),
            "INIT_CONFIG": "kyverno",
            "METRICS_CONFIG": "kyverno-metrics",
        }
        return self.process_of(command, environment)

    def url(self, prefix: str) -> str:
        """The path of the one policy."""
        return f"https://127.0.0.1:{self.port}/vpol/{_POLICY}"

    def _objects(self) -> list[dict[str, Any]]:
        serving = self.site.serving
        authority = self.site.authority
        pairs = ((authority, authority.with_suffix(".key")), (serving.certificate, serving.key))
        return [
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": _NAMESPACE}},
            *(
                _secret(name, certificate.read_bytes(), key.read_bytes())
                for name, (certificate, key) in zip(_SECRETS, pairs, strict=True)
            ),
            _policy(self.site.freeze),
        ]


def _secret(name: str, certificate: bytes, key: bytes) -> dict[str, Any]:
    pair = {"tls.crt": certificate, "tls.key": key}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/tls",
        "metadata": {"name": name, "namespace": _NAMESPACE},
        "data": {key: base64.b64encode(value).decode() for key, value in pair.items()},
    }


def _policy(freeze: Freeze) -> dict[str, Any]:
    days = freeze.sunday_first()
    others = next(prefix for prefix in days if prefix != FROZEN)
    today = f'time.now().getDayOfWeek("{freeze.zone}")'
    frozen = f'request.namespace.startsWith("{FROZEN}") ? {days[FROZEN]} : {days[others]}'
    return {
        "apiVersion": "policies.kyverno.io/v1",
        "kind": "ValidatingPolicy",
        "metadata": {"name": _POLICY},
        "spec": {
            "validationActions": ["Deny"],
            "evaluation": {"background": {"enabled": False}},
            "matchConstraints": {
                "namespaceSelector": {"matchExpressions": [_SELECTED]},
                "resourceRules": [
                    {
                        "apiGroups": ["apps"],
                        "apiVersions": ["v1"],
                        "operations": ["CREATE", "UPDATE", "DELETE"],
                        "resources": ["deployments", "statefulsets", "daemonsets"],
                    }
                ],
            },
            "variables": [{"name": "days", "expression": frozen}],
            "validations": [
                {
                    "expression": f"!({today} in variables.days)",
                    "message": f"nothing is deployed on these days in {freeze.zone}",
                }
            ],
        },
    }
