"""The targets of a cluster and, while something is waited for, their workloads, as they change.

Each kind is listed once and then watched: with nothing to do, that is one call in four to five
minutes a kind.
"""

import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Generic, Protocol, TypeVar

import msgspec
from kubernetes.client import ApiClient, AppsV1Api, AutoscalingV2Api, CustomObjectsApi

from gate.cluster.scaling.joining import joined, unlisted_owners
from gate.cluster.scaling.reading import read_target
from gate.cluster.scaling.values import HPA, PRESCALE_LABEL, SCALED_OBJECT, Target
from gate.service.keeper.reflector import Kind, Reflector, Watching

WORKLOADS = ("Deployment", "StatefulSet")
"""The kinds whose ready replicas are followed."""
Connect = Callable[[], ApiClient | None]
Key = tuple[str, str, str]


class HasUid(Protocol):
    """What a shelf holds."""

    @property
    def uid(self) -> str:
        """The object's uid."""


E = TypeVar("E", bound=HasUid)


class SeenTarget(msgspec.Struct, frozen=True, kw_only=True):
    """A target, and how many replicas its autoscaler wants (None: it does not say)."""

    target: Target
    desired: int | None

    @property
    def uid(self) -> str:
        """The object's uid."""
        return self.target.uid


class Workload(msgspec.Struct, frozen=True, kw_only=True):
    """What an autoscaler scales: replicas that are wanted, and that are Ready."""

    uid: str
    kind: str
    namespace: str
    name: str
    replicas: int
    ready: int
    trouble: str | None

    @property
    def key(self) -> Key:
        """Namespace, kind, name."""
        return self.namespace, self.kind, self.name


class Shelf(Generic[E]):
    """The objects of one kind as they are known; ``changed`` is called after each change."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._guard = threading.Lock()
        self._held: dict[str, E] = {}
        self.synced = False
        self.lost: str | None = None

    def held(self) -> dict[str, E]:
        """All of them, by uid."""
        with self._guard:
            return dict(self._held)

    def listed(self, kind: str, added: Iterable[E], removed: Iterable[str]) -> None:
        """Hear the whole, as differences."""
        del kind
        self._take(added, removed, synced=True)

    def changed(self, added: Iterable[E], removed: Iterable[str]) -> None:
        """Hear of some."""
        self._take(added, removed, synced=False)

    def well(self, kind: str) -> None:
        """It is followed."""
        del kind
        if self.lost is not None:
            self.lost = None
            self._changed()

    def trouble(self, kind: str, text: str) -> None:
        """It is not."""
        del kind
        if self.lost != text:
            self.lost = text
            self._changed()

    def _take(self, added: Iterable[E], removed: Iterable[str], *, synced: bool) -> None:
        with self._guard:
            for uid in removed:
                self._held.pop(uid, None)
            self._held.update((each.uid, each) for each in added)
            self.synced = self.synced or synced
        self._changed()


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """The targets as they are known now; ``synced``: all have been listed."""

    targets: tuple[Target, ...]
    desired: Mapping[str, int]
    """Replicas that an autoscaler wants, by its uid."""
    synced: bool
    troubles: tuple[str, ...]


class Targets:
    """Follows labelled autoscalers and ScaledObjects, of a namespace or of all."""

    def __init__(
        self,
        connect: Connect,
        namespace: str | None,
        changed: Callable[[], None],
        watching: Watching = Watching(),  # noqa: B008 - frozen
    ) -> None:
        self._connect = connect
        self._namespace = namespace
        self._changed = changed
        self._watching = watching
        self._autoscalers = _Followed(_autoscalers(namespace), connect, changed, watching)
        self._scaled = _Followed(_scaled(namespace, labelled=True), connect, changed, watching)
        self._labelled_only = True

    def start(self) -> None:
        """Begin to follow."""
        self._autoscalers.start()
        self._scaled.start()

    def end(self) -> None:
        """Follow no more."""
        self._autoscalers.end()
        self._scaled.end()

    def known(self) -> Known:
        """What is known now."""
        hpas, scaled = self._autoscalers.shelf, self._scaled.shelf
        seen = hpas.held()
        autoscalers = [each.target for each in seen.values()]
        objects = [each.target for each in scaled.held().values()]
        if self._labelled_only and scaled.synced and unlisted_owners(autoscalers, objects):
            self._widen()
            return self.known()
        if not scaled.synced:
            # The plain autoscalers must not wait for KEDA; those that it owns are no use alone.
            autoscalers = [each for each in autoscalers if each.owner is None]
        return Known(
            targets=joined(autoscalers, objects),
            desired={uid: each.desired for uid, each in seen.items() if each.desired is not None},
            synced=hpas.synced and (scaled.synced or scaled.lost is not None),
            troubles=tuple(lost for shelf in (hpas, scaled) if (lost := shelf.lost)),
        )

    def _widen(self) -> None:
        """Follow ScaledObjects without the label, too: one owns a labelled autoscaler."""
        self._labelled_only = False
        self._scaled.end()
        kind = _scaled(self._namespace, labelled=False)
        self._scaled = _Followed(kind, self._connect, self._changed, self._watching)
        self._scaled.start()


class Workloads:
    """Follows Deployments and StatefulSets, each kind only while it is asked for."""

    def __init__(
        self,
        connect: Connect,
        namespace: str | None,
        changed: Callable[[], None],
        watching: Watching = Watching(),  # noqa: B008 - frozen
    ) -> None:
        self._new: Callable[[str], _Followed[Workload]] = lambda kind: _Followed(
            _workloads(kind, namespace), connect, changed, watching
        )
        self._followed: dict[str, _Followed[Workload]] = {}

    def follow(self, kinds: Iterable[str]) -> None:
        """Follow these kinds, and no other."""
        wanted = {kind for kind in kinds if kind in WORKLOADS}
        for kind in wanted - self._followed.keys():
            self._followed[kind] = self._new(kind)
            self._followed[kind].start()
        for kind in self._followed.keys() - wanted:
            self._followed.pop(kind).end()

    def known(self) -> tuple[dict[Key, Workload], frozenset[str]]:
        """Those that are known, and the kinds that have been listed whole."""
        found = [each for one in self._followed.values() for each in one.shelf.held().values()]
        synced = frozenset(kind for kind, one in self._followed.items() if one.shelf.synced)
        return {each.key: each for each in found}, synced


class _Followed(Generic[E]):
    """A reflector with its shelf and its thread."""

    def __init__(
        self, kind: Kind[E], connect: Connect, changed: Callable[[], None], watching: Watching
    ) -> None:
        self.shelf: Shelf[E] = Shelf(changed)
        self._reflector = Reflector(kind, connect, self.shelf, watching)
        self._stop = threading.Event()
        self._thread = threading.Thread(
            target=self._reflector.run, args=[self._stop], name=kind.plural, daemon=True
        )

    def start(self) -> None:
        self._thread.start()

    def end(self) -> None:
        self._stop.set()
        self._reflector.break_off()


def _autoscalers(namespace: str | None) -> Kind[SeenTarget]:
    def lister(client: ApiClient) -> Callable[..., Any]:
        api: Any = AutoscalingV2Api(client)
        if namespace is None:
            everywhere = api.list_horizontal_pod_autoscaler_for_all_namespaces
            return lambda **options: everywhere(label_selector=_LABELLED, **options)
        one = api.list_namespaced_horizontal_pod_autoscaler
        return lambda **options: one(namespace, label_selector=_LABELLED, **options)

    def entry(document: Any) -> SeenTarget:
        desired = (document.get("status") or {}).get("desiredReplicas")
        target = read_target(document, HPA)
        return SeenTarget(target=target, desired=desired if isinstance(desired, int) else None)

    return Kind(plural="horizontalpodautoscalers", lister=lister, entry=entry)


_LABELLED = f"{PRESCALE_LABEL}=true"


def _scaled(namespace: str | None, *, labelled: bool) -> Kind[SeenTarget]:
    place = ("keda.sh", "v1alpha1", "scaledobjects")
    chosen = {"label_selector": _LABELLED} if labelled else {}

    def lister(client: ApiClient) -> Callable[..., Any]:
        api: Any = CustomObjectsApi(client)
        if namespace is None:
            everywhere = api.list_cluster_custom_object
            return lambda **options: everywhere(*place, **chosen, **options)
        group, version, plural = place
        one = api.list_namespaced_custom_object
        return lambda **options: one(group, version, namespace, plural, **chosen, **options)

    def entry(document: Any) -> SeenTarget:
        return SeenTarget(target=read_target(document, SCALED_OBJECT), desired=None)

    return Kind(plural="scaledobjects", lister=lister, entry=entry, optional=True)


def _workloads(kind: str, namespace: str | None) -> Kind[Workload]:
    word = {"Deployment": "deployment", "StatefulSet": "stateful_set"}[kind]

    def lister(client: ApiClient) -> Callable[..., Any]:
        api: Any = AppsV1Api(client)
        if namespace is None:
            everywhere: Callable[..., Any] = getattr(api, f"list_{word}_for_all_namespaces")
            return everywhere
        one = getattr(api, f"list_namespaced_{word}")
        return lambda **options: one(namespace, **options)

    return Kind(
        plural=f"{kind.lower()}s", lister=lister, entry=lambda document: _workload(kind, document)
    )


def _workload(kind: str, document: Any) -> Workload:
    meta, spec, status = (document.get(part) or {} for part in ("metadata", "spec", "status"))
    return Workload(
        uid=meta["uid"],
        kind=kind,
        namespace=meta["namespace"],
        name=meta["name"],
        replicas=spec.get("replicas", 1),
        ready=status.get("readyReplicas") or 0,
        trouble=_trouble(status.get("conditions") or ()),
    )


def _trouble(conditions: Iterable[Mapping[str, Any]]) -> str | None:
    """Why pods are not made: a quota, an admission webhook, a deadline."""
    for each in conditions:
        failed = each.get("type") == "ReplicaFailure" and each.get("status") == "True"
        stuck = each.get("type") == "Progressing" and each.get("status") == "False"
        if failed or stuck:
            return " ".join((each.get("message") or each.get("reason") or "").split())[:300]
    return None
