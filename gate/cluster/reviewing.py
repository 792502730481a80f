"""From a manifest to the AdmissionReview that an API server would send. Pure.

An update needs the object as it stands. Where that is one that the API server gave (it has a uid)
and the manifest is not, the manifest is laid over it as ``kubectl apply`` does: fields that only
the API server knows stay, those that the manifest had at its last application and no longer has go.
Otherwise the manifest is the whole new object, as with ``kubectl replace``, or as with the same
file at another time.
"""

import base64
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from gate.core.problems import InputError

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_AUTHENTICATED = "system:authenticated"
_SERVICE_ACCOUNT = "system:serviceaccount:"
_RESOURCES = {
    ("apps", "Deployment"): "deployments",
    ("apps", "StatefulSet"): "statefulsets",
    ("apps", "DaemonSet"): "daemonsets",
    ("autoscaling", "HorizontalPodAutoscaler"): "horizontalpodautoscalers",
    ("", "ConfigMap"): "configmaps",
    ("", "Secret"): "secrets",
    ("", "Service"): "services",
    ("networking.k8s.io", "Ingress"): "ingresses",
}
# Lists that Kubernetes merges entry by entry, and the fields that tell the entries apart: the
# first of these that an entry has.
_MERGED_BY: Mapping[str, tuple[str, ...]] = {
    "containers": ("name",),
    "initContainers": ("name",),
    "ephemeralContainers": ("name",),
    "volumes": ("name",),
    "env": ("name",),
    "imagePullSecrets": ("name",),
    "ports": ("containerPort", "port"),
    "volumeMounts": ("mountPath",),
    "volumeDevices": ("devicePath",),
    "hostAliases": ("ip",),
    "topologySpreadConstraints": ("topologyKey",),
    "ownerReferences": ("uid",),
}
_OPTIONS = {"CREATE": "CreateOptions", "UPDATE": "UpdateOptions", "DELETE": "DeleteOptions"}


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """Which object a manifest is about; the version of its API does not tell objects apart."""

    group: str
    kind: str
    namespace: str
    name: str


class Asking(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks the API server, and whether only to try."""

    user: str
    groups: tuple[str, ...] = ()
    dry_run: bool = False


def identity_of(content: Mapping[str, Any], namespace: str) -> Identity:
    """Which object it is; ``namespace`` is that of objects which name none.

    Raises `InputError` for a name or namespace that is none.
    """
    metadata = content.get("metadata")
    if not isinstance(metadata, dict):
        raise InputError.of("is missing or no object", field="metadata")
    name = metadata.get("name") or metadata.get("generateName")
    if not isinstance(name, str):
        raise InputError.of("is missing or no text", field="metadata.name")
    own = metadata.get("namespace") or namespace
    if not isinstance(own, str):
        raise InputError.of("is no text", field="metadata.namespace")
    group, _ = group_and_version(content)
    return Identity(group=group, kind=content["kind"], namespace=own, name=name)


def group_and_version(content: Mapping[str, Any]) -> tuple[str, str]:
    """The API group, empty for the core, and its version."""
    group, _, version = str(content["apiVersion"]).rpartition("/")
    return group, version


def resource_of(content: Mapping[str, Any]) -> str | None:
    """The resource of a kind that the webhook may be asked about, None of any other."""
    group, _ = group_and_version(content)
    return _RESOURCES.get((group, content["kind"]))


def admission_review(
    content: Mapping[str, Any],
    old: Mapping[str, Any] | None,
    operation: str,
    asking: Asking,
    *,
    namespace: str,
    uid: str,
) -> dict[str, Any]:
    """The AdmissionReview of an operation on the object of a manifest, as plain data.

    ``operation`` is CREATE, UPDATE (then ``old`` is the object as it stands) or DELETE; the kind
    must be one that `resource_of` knows. Raises `InputError`.
    """
    who = identity_of(content, namespace)
    (group, version), resource = group_and_version(content), resource_of(content)
    assert resource is not None
    new, before = _both(content, old, operation, who.namespace)
    kind = {"group": group, "version": version, "kind": who.kind}
    at = {"group": group, "version": version, "resource": resource}
    request = {
        "uid": uid,
        "kind": kind,
        "resource": at,
        "requestKind": kind,
        "requestResource": at,
        "name": who.name,
        "namespace": who.namespace,
        "operation": operation,
        "userInfo": {"username": asking.user, "groups": groups_of(asking)},
        "object": new,
        "oldObject": before,
        "dryRun": asking.dry_run,
        "options": {"kind": _OPTIONS[operation], "apiVersion": "meta.k8s.io/v1"},
    }
    return {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}


def _both(
    content: Mapping[str, Any], old: Mapping[str, Any] | None, operation: str, namespace: str
) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """``object`` and ``oldObject`` of the request."""
    new = stored(content, namespace)
    before = None if old is None else stored(old, namespace)
    if operation == "DELETE":
        return None, before or new
    if operation == "CREATE" or before is None:
        return new, None
    if before["apiVersion"] != new["apiVersion"]:
        raise InputError.of(
            f"is {new['apiVersion']}, and that of the object as it stands {before['apiVersion']}",
            field="apiVersion",
            mend="give both in the same version",
        )
    return updated(before, new), before


def groups_of(asking: Asking) -> list[str]:
    """The groups given, and those that the API server adds by itself."""
    added = [_AUTHENTICATED]
    if asking.user.startswith(_SERVICE_ACCOUNT):
        namespace = asking.user.removeprefix(_SERVICE_ACCOUNT).partition(":")[0]
        added = ["system:serviceaccounts", f"system:serviceaccounts:{namespace}", *added]
    return list(dict.fromkeys((*asking.groups, *added)))


def stored(content: Mapping[str, Any], namespace: str) -> dict[str, Any]:
    """The object as the API server would hold it before a webhook sees it."""
    made = dict(content)
    metadata = made.get("metadata")
    made["metadata"] = {**(metadata if isinstance(metadata, dict) else {}), "namespace": namespace}
    texts = made.get("stringData")
    if made["kind"] == "Secret" and isinstance(texts, dict):
        del made["stringData"]
        data = made.get("data")
        made["data"] = {**(data if isinstance(data, dict) else {}), **dict(_encoded(texts))}
    return made


def updated(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """The object after a manifest is brought to one that stands."""
    if new["metadata"].get("uid") or not old["metadata"].get("uid"):
        return new
    new = {key: value for key, value in new.items() if key != "status"}
    made = _laid_over(old, new, _last_applied(old))
    assert isinstance(made, dict)
    return made


def knows_removals(old: Mapping[str, Any]) -> bool:
    """Whether it can be told which fields of the object a manifest no longer has."""
    metadata = old.get("metadata")
    if not isinstance(metadata, dict) or not metadata.get("uid"):
        return True
    return _last_applied(old) is not None


def _last_applied(old: Mapping[str, Any]) -> Any:
    annotations = old["metadata"].get("annotations")
    text = annotations.get(LAST_APPLIED) if isinstance(annotations, dict) else None
    try:
        return msgspec.json.decode(text) if isinstance(text, str) else None
    except (msgspec.DecodeError, RecursionError):
        return None


def _laid_over(old: Any, new: Any, last: Any, name: str = "") -> Any:
    """``new`` over ``old``; what ``last`` has and ``new`` has not is taken away."""
    if isinstance(old, dict) and isinstance(new, dict):
        last = last if isinstance(last, dict) else {}
        made = {key: value for key, value in old.items() if key in new or key not in last}
        for key, value in new.items():
            if value is None:
                made.pop(key, None)
            else:
                made[key] = _laid_over(made.get(key), value, last.get(key), key)
        return made
    if isinstance(old, list) and isinstance(new, list) and name in _MERGED_BY:
        return _entries_laid_over(old, new, last, name)
    return new


def _entries_laid_over(old: list[Any], new: list[Any], last: Any, name: str) -> list[Any]:
    keyed = [_by_key(entries, name) for entries in (old, new, last)]
    if keyed[0] is None or keyed[1] is None:
        return new
    before, after, lasting = keyed[0], keyed[1], keyed[2] or {}
    made = {key: _laid_over(before.get(key), value, lasting.get(key))
            for key, value in after.items()}  # fmt: skip
    kept = {key: value for key, value in before.items() if key in after or key not in lasting}
    if [key for key in kept if key in made] != [key for key in made if key in kept]:
        return [*made.values(), *(value for key, value in kept.items() if key not in made)]
    return list({**kept, **made}.values())


def _by_key(entries: Any, name: str) -> dict[Any, Any] | None:
    """The entries of a list by what tells them apart; None where something does not."""
    if not isinstance(entries, list):
        return None
    keys = [_key_of(entry, _MERGED_BY[name]) for entry in entries]
    if None in keys or len(set(keys)) < len(keys):
        return None
    return dict(zip(keys, entries, strict=True))


def _key_of(entry: Any, names: Sequence[str]) -> str | int | None:
    found = (
        next((entry[name] for name in names if name in entry), None)
        if isinstance(entry, dict)
        else None
    )
    return found if isinstance(found, str | int) else None


def _encoded(texts: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, value in texts.items():
        yield key, base64.b64encode(value.encode()).decode() if isinstance(value, str) else value
