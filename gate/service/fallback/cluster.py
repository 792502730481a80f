"""What the fallback's worker reads of a cluster, and what it writes.

The time comes from the API server's own answers (``Date``), to the second: a worker whose clock is
wrong must not hold a lock open.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec
from kubernetes.client import (
    AdmissionregistrationV1Api,
    ApiClient,
    CoordinationV1Api,
    CoreV1Api,
    V1ConfigMap,
    V1ObjectMeta,
)

from gate.cluster.configuration import PROTECT_LABEL
from gate.cluster.fallback.documents import (
    BINDING_KIND,
    LEASE_LABELS,
    LEASE_NAMESPACE,
    PREFIX,
    Document,
)
from gate.cluster.fallback.probe import PROBE_NAME, PROBE_WARNING
from gate.service.keeper.kube import ClusterUnavailable, Refused, called, named_client

FIELD_MANAGER = "saturday-gate-fallback"
_MERGE = "application/merge-patch+json"
_APPLY = "application/apply-patch+yaml"
_TIMEOUTS_SECONDS = (3.0, 10.0)
_NOT_FOUND = 404


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """A Lease that is the lock's clock: whose, and when it was renewed last."""

    name: str
    renewed: datetime | None


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A protected namespace and its annotations."""

    name: str
    annotations: dict[str, str]


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """The clocks of the lock, and the time of the API server that told them."""

    readings: tuple[Reading, ...]
    now: datetime


class Probe(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a webhook answered, and the time of the API server that asked it."""

    answered: bool
    now: datetime


class Cluster:
    """Calls of one cluster. Every method raises `ClusterUnavailable`."""

    def __init__(self, client: ApiClient) -> None:
        self._core = CoreV1Api(client)
        self._admission = AdmissionregistrationV1Api(client)
        self._coordination = CoordinationV1Api(client)

    @classmethod
    def connect(cls, kubeconfig: str | None, environ: Mapping[str, str]) -> "Cluster":
        """By ``--kubeconfig``, else KUBECONFIG, else from inside a cluster; nothing is asked yet.

        InputError where no cluster is named, or a file that is none.
        """
        return cls(named_client(kubeconfig, environ))

    def seen(self) -> Seen:
        """The Leases of the API servers."""
        selector = ",".join(f"{key}={value}" for key, value in LEASE_LABELS.items())
        answer = called(
            "read the API servers' Leases",
            lambda: self._coordination.list_namespaced_lease(
                LEASE_NAMESPACE, label_selector=selector, **_raw()
            ),
        )
        found = msgspec.json.decode(answer.data, type=_Leases)
        readings = (
            Reading(name=each.metadata.name, renewed=each.spec.renewTime) for each in found.items
        )
        return Seen(readings=tuple(readings), now=_time_of(answer.headers))

    def places(self) -> list[Place]:
        """The protected namespaces, by name, without those that are being deleted."""
        answer = called(
            "list the protected namespaces",
            lambda: self._core.list_namespace(label_selector=f"{PROTECT_LABEL}=true", **_raw()),
        )
        found = msgspec.json.decode(answer.data, type=_Namespaces).items
        return sorted(
            (
                Place(name=each.metadata.name, annotations=each.metadata.annotations or {})
                for each in found
                if each.metadata.deletionTimestamp is None
            ),
            key=lambda place: place.name,
        )

    def annotate(self, namespace: str, notes: Mapping[str, str | None]) -> None:
        """Set annotations of a namespace; None removes one."""
        body = {"metadata": {"annotations": dict(notes)}}
        called(
            f"annotate namespace {namespace}",
            lambda: self._core.patch_namespace(namespace, body, **_written(_MERGE)),
        )

    def probe(self, namespace: str) -> Probe:
        """Ask the webhook, through the API server, whatever the answer to the change itself is."""
        body = V1ConfigMap(metadata=V1ObjectMeta(name=PROBE_NAME))
        try:
            headers = called(
                "probe the webhook",
                lambda: self._core.create_namespaced_config_map(
                    namespace, body, dry_run="All", **_raw()
                ),
            ).headers
        except Refused as error:
            headers = error.headers
        warned = any(PROBE_WARNING in each for each in headers.getlist("Warning"))
        return Probe(answered=warned, now=_time_of(headers))

    def read(self, kind: str, name: str) -> Document | None:
        """A policy or a binding, None where there is none."""
        try:
            answer = called(f"read {kind} {name}", lambda: self._call("read", kind, name))
        except Refused as error:
            if error.status == _NOT_FOUND:
                return None
            raise
        document: Document = msgspec.json.decode(answer.data)
        return document

    def put(self, document: Document) -> None:
        """Make a policy or binding what the document says, whoever wrote it before.

        Lists are replaced whole, unlike by an apply, which joins those of several writers.
        """
        kind, name = document["kind"], document["metadata"]["name"]
        gone = {f"{PREFIX}/{key}": None for key in ("policy", "environment", "calendar-sha256")}
        notes = {**gone, **document["metadata"]["annotations"]}
        merged = {**document, "metadata": {**document["metadata"], "annotations": notes}}
        what = f"write {kind} {name}"
        try:
            called(what, lambda: self._call("patch", kind, name, merged, **_written(_MERGE)))
        except Refused as error:
            if error.status != _NOT_FOUND:
                raise
            called(what, lambda: self._call("patch", kind, name, document, **_written(_APPLY)))

    def _call(self, verb: str, kind: str, name: str, *body: Any, **options: Any) -> Any:
        suffix = "_binding" if kind == BINDING_KIND else ""
        method = getattr(self._admission, f"{verb}_validating_admission_policy{suffix}")
        return method(name, *body, **(options or _raw()))


def _raw() -> dict[str, Any]:
    return {"_preload_content": False, "_request_timeout": _TIMEOUTS_SECONDS}


def _written(content_type: str) -> dict[str, Any]:
    forced = {"force": True} if content_type == _APPLY else {}
    return {**_raw(), "field_manager": FIELD_MANAGER, "_content_type": content_type, **forced}


def _time_of(headers: Any) -> datetime:
    """The API server's time; its own clock is the one that the lock goes by."""
    try:
        return parsedate_to_datetime(headers.get("Date", "")).astimezone(UTC)
    except (TypeError, ValueError):
        raise ClusterUnavailable("the API server's answer has no date") from None


class _Metadata(msgspec.Struct):
    name: str = ""
    annotations: dict[str, str] | None = None
    deletionTimestamp: str | None = None  # noqa: N815 - as Kubernetes names it


class _LeaseSpec(msgspec.Struct):
    renewTime: datetime | None = None  # noqa: N815 - as Kubernetes names it


class _Lease(msgspec.Struct):
    metadata: _Metadata
    spec: _LeaseSpec = msgspec.field(default_factory=_LeaseSpec)


class _Leases(msgspec.Struct):
    items: list[_Lease]


class _Namespace(msgspec.Struct):
    metadata: _Metadata


class _Namespaces(msgspec.Struct):
    items: list[_Namespace]
