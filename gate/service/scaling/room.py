"""Shortfalls told in advance: what a cluster holds is read, and judged against the days to come."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Generic, TypeVar

import msgspec
from kubernetes.client import ApiClient, AppsV1Api, CoreV1Api, PolicyV1Api

from gate.cluster.scaling.room import WORKLOADS, Holdings, Report, assess
from gate.cluster.scaling.room.shapes import (
    Budget,
    LimitRange,
    Node,
    Pod,
    Quota,
    Shape,
    Workload,
)
from gate.cluster.scaling.values import Target
from gate.core.demand import Demand
from gate.core.instants import micros
from gate.core.peaks import peak
from gate.core.plan import AHEAD, HOLD
from gate.core.policy import Capacity
from gate.service.keeper.kube import ClusterUnavailable, Refused
from gate.service.scaling.calls import Caller
from gate.service.scaling.cluster import Scalers

_PAGE = 500
_TIMEOUTS_SECONDS = (3.0, 30.0)
_GONE = 410
_RUNNING = "status.phase!=Succeeded,status.phase!=Failed"
_PLURALS = {
    "Deployment": "deployment",
    "StatefulSet": "stateful_set",
    "ReplicaSet": "replica_set",
}
T = TypeVar("T", bound=Shape)


def shortfalls(
    client: ApiClient,
    demand: Demand,
    capacity: Capacity,
    *,
    at: datetime,
    span: timedelta,
    namespace: str | None = None,
    ahead: int = AHEAD,
    hold: int = HOLD,
) -> Report:
    """What would be short in ``[at, at + span)``, on every labelled autoscaler at once.

    ``ahead`` and ``hold`` are the plan's, in microseconds. With a namespace, only its targets are
    judged, beside all Pods that are on the nodes now. Raises `ClusterUnavailable`.
    """
    until = at + span
    most = peak(demand, capacity, micros(at), micros(until), ahead=ahead, hold=hold)
    listing = Scalers(client).targets(namespace)
    holdings = read_holdings(client, listing.targets, namespace) if listing.targets else Holdings()
    report = assess(listing.targets, holdings, most, capacity, at=at, until=until)
    return msgspec.structs.replace(report, troubles=listing.troubles)


def read_holdings(
    client: ApiClient, targets: Iterable[Target], namespace: str | None = None
) -> Holdings:
    """Nodes and running Pods of the whole cluster; the rest of one namespace, or of all.

    One list a kind, in pages; of workloads only the kinds that a target scales. Raises
    `ClusterUnavailable`.
    """
    read = _Reader(client, namespace)
    kinds = {each.scales.kind for each in targets if each.scales is not None}
    workloads: dict[tuple[str, str, str], Workload] = {}
    for kind in sorted(kinds & WORKLOADS):
        for each in read.of_namespace(AppsV1Api, _PLURALS[kind], Workload):
            workloads[each.metadata.namespace, kind, each.metadata.name] = each
    return Holdings(
        nodes=tuple(read.everywhere("list_node", Node)),
        pods=tuple(read.everywhere("list_pod_for_all_namespaces", Pod, field_selector=_RUNNING)),
        workloads=workloads,
        quotas=tuple(read.of_namespace(CoreV1Api, "resource_quota", Quota)),
        limit_ranges=tuple(read.of_namespace(CoreV1Api, "limit_range", LimitRange)),
        budgets=tuple(read.of_namespace(PolicyV1Api, "pod_disruption_budget", Budget)),
    )


class _Meta(msgspec.Struct, frozen=True, rename={"more": "continue"}):
    more: str = ""


class _Page(msgspec.Struct, Generic[T], frozen=True):
    metadata: _Meta
    items: list[T] | None = None


class _Reader:
    def __init__(self, client: ApiClient, namespace: str | None) -> None:
        self._client = client
        self._namespace = namespace
        self._call = Caller()

    def of_namespace(self, group: type[Any], plural: str, shape: type[T]) -> list[T]:
        """All of a kind in the namespace, or in all."""
        api = group(self._client)
        if self._namespace is None:
            return self._list(getattr(api, f"list_{plural}_for_all_namespaces"), plural, shape)
        listing = partial(getattr(api, f"list_namespaced_{plural}"), self._namespace)
        return self._list(listing, plural, shape)

    def everywhere(self, method: str, shape: type[T], **options: str) -> list[T]:
        """All of a kind of the cluster."""
        api = CoreV1Api(self._client)
        return self._list(partial(getattr(api, method), **options), method, shape)

    def _list(self, ask: Callable[..., Any], plural: str, shape: type[T]) -> list[T]:
        what = f"list {_plain(plural)}s"
        while True:
            try:
                return list(self._pages(ask, what, shape))
            except Refused as error:
                # The place where the next page begins was forgotten: from the beginning.
                if error.status != _GONE:
                    raise

    def _pages(self, ask: Callable[..., Any], what: str, shape: type[T]) -> Sequence[T]:
        found: list[T] = []
        more: dict[str, str] = {}
        while True:
            options = {"limit": _PAGE, "_preload_content": False, **more}
            call = partial(ask, _request_timeout=_TIMEOUTS_SECONDS, **options)
            answer = self._call(what, call)
            try:
                page = msgspec.json.decode(answer.data, type=_Page[shape])  # type: ignore[valid-type]
            except msgspec.MsgspecError as error:
                raise ClusterUnavailable(f"cannot {what}: {error}") from None
            found += page.items or ()
            if not page.metadata.more:
                return found
            more = {"_continue": page.metadata.more}


def _plain(method: str) -> str:
    """``list_pod_for_all_namespaces`` as ``pod``."""
    return method.removeprefix("list_").removesuffix("_for_all_namespaces").replace("_", " ")
