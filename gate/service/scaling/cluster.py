"""What pre-scaling asks of a cluster: its autoscalers, and their patches."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import msgspec
from kubernetes.client import ApiClient, CustomObjectsApi

from gate.cluster.scaling.joining import joined, unlisted_owners
from gate.cluster.scaling.reading import read_target
from gate.cluster.scaling.values import (
    FIELD_MANAGER,
    HPA,
    PRESCALE_LABEL,
    SCALED_OBJECT,
    Kind,
    Target,
)
from gate.service.keeper.kube import ClusterUnavailable, Refused, named_client
from gate.service.scaling.calls import Caller, Patience

WIDTH = 16
"""How many calls are under way at most."""
_MERGE = "application/merge-patch+json"
_TIMEOUTS_SECONDS = (3.0, 15.0)
_PAGE = 500
_NOT_FOUND, _CONFLICT, _GONE = 404, 409, 410
_PLACES: dict[Kind, tuple[str, str, str]] = {
    HPA: ("autoscaling", "v2", "horizontalpodautoscalers"),
    SCALED_OBJECT: ("keda.sh", "v1alpha1", "scaledobjects"),
}


class ConflictError(Exception):
    """Somebody wrote the object since it was read."""


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """The targets of a cluster; ``troubles`` say which of them could not be listed."""

    targets: tuple[Target, ...]
    troubles: tuple[str, ...] = ()


class _Meta(msgspec.Struct, frozen=True, rename={"more": "continue"}):
    more: str = ""


class _Page(msgspec.Struct, frozen=True):
    metadata: _Meta
    items: list[dict[str, Any]] | None = None


class Scalers:
    """The autoscalers of one cluster, for one run or many; any thread may ask.

    Methods raise `ClusterUnavailable` where the API server cannot be reached or refuses.
    """

    def __init__(self, client: ApiClient, patience: Patience = Patience()) -> None:  # noqa: B008
        self._api = CustomObjectsApi(client)
        self._patience = patience
        self.call = Caller(patience)

    @classmethod
    def connect(
        cls,
        kubeconfig: str | None,
        environ: Mapping[str, str],
        patience: Patience = Patience(),  # noqa: B008 - frozen
    ) -> "Scalers":
        """By ``--kubeconfig``, else KUBECONFIG, else from inside a cluster; nothing is asked yet.

        InputError where no cluster is named, or a file that is none.
        """
        return cls(named_client(kubeconfig, environ, connections=WIDTH), patience)

    def begin(self) -> None:
        """A run begins: patience is counted anew."""
        self.call = Caller(self._patience)

    def targets(self, namespace: str | None = None) -> Listing:
        """The labelled autoscalers and ScaledObjects, of one namespace or of all.

        One list a kind, in pages; ScaledObjects a second time, without the label, where one of them
        owns a labelled autoscaler. A cluster without KEDA has none of these.
        """
        autoscalers = self._list(HPA, namespace, labelled=True) or []
        troubles: list[str] = []
        scaled: list[Target] = []
        try:
            found = self._list(SCALED_OBJECT, namespace, labelled=True)
            if found is not None and unlisted_owners(autoscalers, found):
                found = self._list(SCALED_OBJECT, namespace, labelled=False)
            scaled = found or []
        except ClusterUnavailable as error:
            # The plain autoscalers must not wait for KEDA; those that it owns are no use alone.
            troubles.append(str(error))
            autoscalers = [each for each in autoscalers if each.owner is None]
        return Listing(targets=joined(autoscalers, scaled), troubles=tuple(troubles))

    def read(self, target: Target) -> Target | None:
        """The target as it stands now; None where it is gone."""
        group, version, plural = _PLACES[target.kind]
        try:
            answer = self.call(
                f"read {target.kind} {target}",
                lambda: self._api.get_namespaced_custom_object(
                    group, version, target.namespace, plural, target.name, **_raw()
                ),
            )
        except Refused as error:
            if error.status == _NOT_FOUND:
                return None
            raise
        return read_target(msgspec.json.decode(answer.data), target.kind)

    def patch(self, target: Target, patch: Mapping[str, Any]) -> Target | None:
        """Write a merge patch; the target as it stands then, None where it is gone.

        Raises `ConflictError` where it is not the one that was read.
        """
        group, version, plural = _PLACES[target.kind]
        try:
            answer = self.call(
                f"patch {target.kind} {target}",
                lambda: self._api.patch_namespaced_custom_object(
                    group, version, target.namespace, plural, target.name, dict(patch),
                    field_manager=FIELD_MANAGER, _content_type=_MERGE, **_raw(),
                ),
            )  # fmt: skip
        except Refused as error:
            if error.status == _NOT_FOUND:
                return None
            if error.status == _CONFLICT:
                raise ConflictError(str(error)) from None
            raise
        return read_target(msgspec.json.decode(answer.data), target.kind)

    def _list(self, kind: Kind, namespace: str | None, *, labelled: bool) -> list[Target] | None:
        """The targets of a kind; None where the cluster has no ScaledObjects at all."""
        while True:
            try:
                return self._pages(kind, namespace, labelled=labelled)
            except Refused as error:
                if error.status == _NOT_FOUND and kind == SCALED_OBJECT:
                    return None
                # The place where the next page begins was forgotten: from the beginning.
                if error.status != _GONE:
                    raise

    def _pages(self, kind: Kind, namespace: str | None, *, labelled: bool) -> list[Target]:
        place = _PLACES[kind]
        chosen = {"label_selector": f"{PRESCALE_LABEL}=true"} if labelled else {}
        found: list[Target] = []
        more: dict[str, str] = {}
        while True:
            options = {"limit": _PAGE, **chosen, **more, **_raw()}
            answer = self.call(f"list {place[2]}", partial(self._ask, place, namespace, options))
            page = msgspec.json.decode(answer.data, type=_Page)
            found += (read_target(item, kind) for item in page.items or ())
            if not page.metadata.more:
                return found
            more = {"_continue": page.metadata.more}

    def _ask(
        self, place: tuple[str, str, str], namespace: str | None, options: dict[str, Any]
    ) -> Any:
        group, version, plural = place
        if namespace is None:
            return self._api.list_cluster_custom_object(group, version, plural, **options)
        return self._api.list_namespaced_custom_object(group, version, namespace, plural, **options)


def _raw() -> dict[str, Any]:
    return {"_preload_content": False, "_request_timeout": _TIMEOUTS_SECONDS}
