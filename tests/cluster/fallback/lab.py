"""What the tests do to an API server: put a lock in force, and try changes on it."""

import json
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from gate.cluster.fallback.documents import Document, Options, compile_lock
from gate.core.timeline import Timeline
from tests.controlplane.plane import ADMIN, Answer, ControlPlane
from tests.core.build import timeline

ADMISSION = "/apis/admissionregistration.k8s.io/v1"
LEASES = "/apis/coordination.k8s.io/v1/namespaces/{}/leases"
PROTECTED = {"saturday-gate.io/protect": "true"}
MERGE = "application/merge-patch+json"
APPLY = "application/apply-patch+yaml"
_PATHS = {
    "ValidatingAdmissionPolicy": "validatingadmissionpolicies",
    "ValidatingAdmissionPolicyBinding": "validatingadmissionpolicybindings",
}
_SENTINEL = "sentinel"
_CHANGE = "test/change"


def span(start: timedelta, end: timedelta, **window: object) -> str:
    """A window around now, as a line of a policy's ``windows``."""
    now = datetime.now(UTC).replace(microsecond=0)
    times = {"start": _text(now + start), "end": _text(now + end)}
    return f"  - {json.dumps({'name': secrets.token_hex(4), **times, **window})}\n"


def _text(instant: datetime) -> str:
    return instant.isoformat().replace("+00:00", "Z")


HOUR = timedelta(hours=1)
NO_LEVEL = "level_lock: {at: never}\n"


def inside(more: str = "", **window: object) -> Timeline:
    """A policy that is locked now, for an hour to come."""
    return timeline(f"windows:\n{span(-HOUR, HOUR, **window)}{NO_LEVEL}{more}")


def outside(more: str = "") -> Timeline:
    """A policy that was locked two hours ago and is in the lead of another lock."""
    windows = span(-2 * HOUR, -HOUR) + span(HOUR, 2 * HOUR)
    return timeline(f"windows:\n{windows}lead: 2h\n{NO_LEVEL}{more}")


class Lab:
    """An API server with a lock."""

    def __init__(self, plane: ControlPlane) -> None:
        self.plane = plane
        self._sign = ""

    # --- the lock ------------------------------------------------------------------------------

    def install(
        self, line: Timeline, *, at: datetime | None = None, **options: Any
    ) -> tuple[Document, ...]:
        """Compile a lock, apply it, and wait until it is in force."""
        chosen = Options(at=at or datetime.now(UTC), **{"weeks": 2, **options})
        lock = compile_lock(line, "c" * 64, chosen)
        self.apply(lock.documents)
        return lock.documents

    def apply(self, documents: Iterable[Mapping[str, Any]]) -> None:
        """Apply documents and wait until the API server judges by them."""
        for document in documents:
            self.put(document)
        self.settle()

    def put(self, document: Mapping[str, Any]) -> None:
        """Create an object, or replace the one of that name."""
        path = self.path(document)
        current = self.plane.request("GET", path)
        if current.status == 404:
            self.plane.request("POST", path.rpartition("/")[0], document).ok()
            return
        version = current.ok()["metadata"]["resourceVersion"]
        metadata = {**document["metadata"], "resourceVersion": version}
        self.plane.request("PUT", path, {**document, "metadata": metadata}).ok()

    def remove(self, documents: Iterable[Mapping[str, Any]]) -> None:
        """Delete documents and wait until nothing judges by them."""
        for document in documents:
            self.plane.request("DELETE", self.path(document)).ok()
        self.settle()

    @staticmethod
    def path(document: Mapping[str, Any]) -> str:
        """Where a policy or binding lives."""
        return f"{ADMISSION}/{_PATHS[document['kind']]}/{document['metadata']['name']}"

    def settle(self) -> None:
        """Until a sign that was put up after everything else is seen.

        The API server takes all policies and bindings up together, in the order of their changes.
        """
        last, self._sign = self._sign, f"{_SENTINEL}-{secrets.token_hex(6)}"
        policy, binding = _sentinel(self._sign)
        for document in (policy, binding):
            self.put(document)
        if last:
            self.plane.request("DELETE", self.path(_sentinel(last)[1])).ok()
        wanted = f"binding '{self._sign}' denied request: {self._sign} "
        self.plane.wait_for(f"{self._sign} is seen", lambda: wanted in self.sentinel())

    def sentinel(self, namespace: str = "default") -> str:
        """What the sign says: its name, the Lease's time, the namespace's last change by us."""
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": _SENTINEL}}
        path = f"/api/v1/namespaces/{namespace}/configmaps?dryRun=All"
        return str(self.plane.request("POST", path, body).body.get("message", ""))

    # --- changes -------------------------------------------------------------------------------

    @contextmanager
    def namespace(
        self, *objects: Mapping[str, Any], labels: Mapping[str, str] | None = None
    ) -> Iterator[str]:
        """A protected namespace with objects in it."""
        with self.plane.namespace("fallback") as name:
            for each in objects:
                self.create(name, each).ok()
            chosen = PROTECTED if labels is None else labels
            self.annotate(name, {}, labels=chosen)
            yield name
            self.annotate(name, {}, labels=dict.fromkeys(PROTECTED))

    def annotate(
        self,
        namespace: str,
        notes: Mapping[str, str | None],
        *,
        labels: Mapping[str, Any] | None = None,
    ) -> None:
        """Set or remove (None) annotations of a namespace, and wait until the API server knows."""
        change = secrets.token_hex(6)
        metadata = {"annotations": {**notes, _CHANGE: change}, "labels": dict(labels or {})}
        self.patch(f"/api/v1/namespaces/{namespace}", {"metadata": metadata}, MERGE).ok()
        if not self._sign:
            self.settle()
        self.plane.wait_for("the change is seen", lambda: change in self.sentinel(namespace))

    def patch(
        self, path: str, body: object, content_type: str, *, query: str = "", **more: Any
    ) -> Answer:
        """PATCH."""
        full = f"{path}?{query}" if query else path
        return self.plane.request("PATCH", full, body, content_type=content_type, **more)

    def create(
        self, namespace: str, body: Mapping[str, Any], *, dry: bool = False, **who: Any
    ) -> Answer:
        """POST an object."""
        return self.plane.request("POST", self.objects(namespace, body, dry=dry), body, **who)

    @staticmethod
    def objects(
        namespace: str, body: Mapping[str, Any], *, name: str = "", dry: bool = False
    ) -> str:
        """The path of a kind, or of one object of it."""
        path = f"/apis/apps/v1/namespaces/{namespace}/{body['kind'].lower()}s"
        return f"{path}{'/' + name if name else ''}{'?dryRun=All' if dry else ''}"


def acting(user: str) -> dict[str, Any]:
    """Any user name, with every right."""
    return {
        "user": ADMIN,
        "headers": {
            "Impersonate-User": user,
            "Impersonate-Group": "system:masters",
        },
    }


def workload(kind: str = "Deployment", name: str = "web", **spec: Any) -> dict[str, Any]:
    """A workload of one container."""
    labels = {"app": name}
    template = {
        "metadata": {"labels": labels, "annotations": {"team": "bookings"}},
        "spec": {
            "containers": [
                {
                    "name": "app",
                    "image": "registry.example/app:1",
                    "env": [{"name": "MODE", "value": "live"}],
                }
            ]
        },
    }
    sized = {} if kind == "DaemonSet" else {"replicas": 2}
    named = {"serviceName": name} if kind == "StatefulSet" else {}
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": name},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": template,
            **sized,
            **named,
            **spec,
        },
    }


def _sentinel(sign: str) -> Sequence[Document]:
    notes = "namespaceObject.metadata.annotations"
    change = f"(has({notes}) && '{_CHANGE}' in {notes} ? {notes}['{_CHANGE}'] : '-')"
    said = f"'{sign} ' + string(params.spec.renewTime) + ' ' + {change}"
    policy = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": _SENTINEL},
        "spec": {
            "paramKind": {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease"},
            "matchConstraints": {
                "resourceRules": [
                    {
                        "apiGroups": [""],
                        "apiVersions": ["v1"],
                        "operations": ["CREATE"],
                        "resources": ["configmaps"],
                    }
                ]
            },
            "matchConditions": [
                {"name": "sentinel", "expression": f"object.metadata.name == '{_SENTINEL}'"}
            ],
            "validations": [{"expression": "false", "messageExpression": said}],
        },
    }
    binding = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": sign},
        "spec": {
            "policyName": _SENTINEL,
            "validationActions": ["Deny"],
            "paramRef": {
                "namespace": "kube-system",
                "selector": {"matchLabels": {"apiserver.kubernetes.io/identity": "kube-apiserver"}},
                "parameterNotFoundAction": "Deny",
            },
        },
    }
    return policy, binding
