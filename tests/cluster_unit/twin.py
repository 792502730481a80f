"""The table of changes once more, slowly: everything is decoded, each row is asked in its order."""

from collections.abc import Iterable, Sequence
from typing import Any

from tests.cluster_unit.build import RESTARTED, Json

ORDER = ("deploy", "config", "restart", "scale-down", "scale-up", "rollback")
WORKLOADS = {("apps", "v1", kind) for kind in ("Deployment", "StatefulSet", "DaemonSet")}
REPLICATED = {("apps", "v1", "Deployment"), ("apps", "v1", "StatefulSet")}
AUTOSCALERS = {("autoscaling", v, "HorizontalPodAutoscaler") for v in ("v1", "v2")}
SCALES = {("apps", "v1", "deployments"), ("apps", "v1", "statefulsets")}
STATE = {("", "v1", "ConfigMap"), ("", "v1", "Secret")}
CONFIG = STATE | {("", "v1", "Service"), ("networking.k8s.io", "v1", "Ingress")}
RENEWED = {"kubernetes.io/tls", "kubernetes.io/service-account-token"}
ABSENT: Any = object()


class NotUnderstood(Exception):  # noqa: N818
    """An object of a kind or shape that the table does not know."""


def actions_of(
    review: Json, *, invoker: str, floor: int, past: Sequence[tuple[str, Json]] = ()
) -> list[str]:
    """What a review does. ``past``: (uid of the owner, template) of what there has been."""
    try:
        found = _judge(review["request"], invoker, floor, past)
    except NotUnderstood:
        return ["deploy"]
    return [action for action in ORDER if action in found]


def equal(one: Any, other: Any) -> bool:
    """Whether two values are the same JSON, by the definition."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(equal(one[k], other[k]) for k in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(equal, one, other))
    numbers = [
        isinstance(each, int | float) and not isinstance(each, bool) for each in (one, other)
    ]
    if all(numbers):
        return bool(one == other)
    return type(one) is type(other) and bool(one == other)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _judge(request: Json, invoker: str, floor: int, past: Sequence[tuple[str, Json]]) -> set[str]:
    new, old, operation = request.get("object"), request.get("oldObject"), request["operation"]
    kind = _named(request.get("kind"), "kind")
    if operation == "UPDATE":
        if not isinstance(new, dict) or not isinstance(old, dict):
            raise NotUnderstood
        rest = [name for name in new.keys() | old.keys() if name not in ("metadata", "status")]
        if not _different(new, old, rest):
            return set()
    for each in (new, old):
        if each is not None and not isinstance(each, dict):
            raise NotUnderstood
    sub_resource = request.get("subResource") or ""
    if sub_resource == "scale" and operation == "UPDATE":
        at = _named(request.get("resource"), "resource")
        if kind == ("autoscaling", "v1", "Scale") and at in SCALES:
            return _respecified(new, old, {"replicas": lambda n, o: _scaled(n, o, 0)})
        raise NotUnderstood
    if sub_resource not in ("", "status") or operation == "CONNECT":
        raise NotUnderstood
    if operation == "CREATE" and new is None:
        raise NotUnderstood
    if kind in WORKLOADS:
        return _workload(kind, new, old, operation, past)
    if kind in AUTOSCALERS:
        return _autoscaler(new, old, operation, floor)
    if kind in CONFIG:
        return set() if _is_state(kind, new, old, operation, invoker) else {"config"}
    raise NotUnderstood


def _named(of: Any, last: str) -> tuple[Any, ...]:
    of = of if isinstance(of, dict) else {}
    parts = tuple(of.get(name, "") for name in ("group", "version", last))
    return parts if all(isinstance(part, str) for part in parts) else ("", "", "")


def _different(new: Json, old: Json, names: Iterable[str]) -> list[str]:
    def differ(name: str) -> bool:
        both = new.get(name, ABSENT), old.get(name, ABSENT)
        return ABSENT in both if both.count(ABSENT) == 1 else not equal(*both)

    return [name for name in names if differ(name)]


def _respecified(new: Any, old: Any, rules: dict[str, Any]) -> set[str]:
    others = [n for n in new.keys() | old.keys() if n not in ("metadata", "status", "spec")]
    specs = new.get("spec"), old.get("spec")
    if _different(new, old, others) or not all(isinstance(spec, dict) for spec in specs):
        raise NotUnderstood
    first: Json = new["spec"]
    second: Json = old["spec"]
    found: set[str] = set()
    for name in _different(first, second, first.keys() | second.keys()):
        values = first.get(name, ABSENT), second.get(name, ABSENT)
        found |= rules[name](*values) if name in rules else {"config"}
    return found


def _workload(kind: Any, new: Any, old: Any, operation: str, past: Any) -> set[str]:
    if operation != "UPDATE":
        return {"deploy"}
    uid = (old.get("metadata") or {}).get("uid")
    rules = {"template": lambda n, o: _retemplated(n, o, uid, past)}
    if kind in REPLICATED:
        rules["replicas"] = lambda n, o: _scaled(n, o, 1)
    return _respecified(new, old, rules)


def _retemplated(new: Any, old: Any, uid: Any, past: Sequence[tuple[str, Json]]) -> set[str]:
    if not isinstance(new, dict) or not isinstance(old, dict):
        raise NotUnderstood
    earlier = [bare(each) for owner, each in past if owner == uid]
    if any(equal(bare(new), each) for each in earlier) and not equal(bare(new), bare(old)):
        return {"rollback"}
    stamps = [_annotations(each).get(RESTARTED) for each in (new, old)]
    if stamps[0] != stamps[1] and equal(_unstamped(new), _unstamped(old)):
        return {"restart"}
    return {"deploy"}


def _annotations(template: Json) -> Json:
    found: Json = template.get("metadata", {}).get("annotations", {})
    return found


def _unstamped(template: Json) -> Json:
    metadata = dict(template.get("metadata", {}))
    annotations = {k: v for k, v in metadata.pop("annotations", {}).items() if k != RESTARTED}
    return {**template, "metadata": metadata, "annotations": annotations}


def bare(template: Json) -> Json:
    """The template without the labels that its controller adds, nor anything empty about it."""
    hashes = ("pod-template-hash", "controller-revision-hash")
    metadata = dict(template.get("metadata", {}))
    labels = metadata.get("labels") or {}
    metadata["labels"] = {k: v for k, v in labels.items() if k not in hashes}
    return {**template, "metadata": {k: v for k, v in metadata.items() if v not in ({}, None)}}


def _number(value: Any, default: int | None) -> int:
    number: Any = default if value is ABSENT or value is None else value
    if not _is_number(number) or number % 1:
        raise NotUnderstood
    return int(number)


def _scaled(new: Any, old: Any, default: int | None) -> set[str]:
    now, before = _number(new, default), _number(old, default)
    return set() if now == before else {"scale-up"} if now > before else {"scale-down"}


def _autoscaler(new: Any, old: Any, operation: str, floor: int) -> set[str]:
    if operation == "CREATE":
        return {"config"}
    if operation == "DELETE":
        return {"scale-down"}

    def highest(now: Any, before: Any) -> set[str]:
        found = _scaled(now, before, None)
        lowered_above = found == {"scale-down"} and _number(now, None) >= floor
        return {"config"} if lowered_above else found

    rules = {"minReplicas": lambda n, o: _scaled(n, o, 1), "maxReplicas": highest}
    return _respecified(new, old, rules)


def _is_state(kind: Any, new: Any, old: Any, operation: str, invoker: str) -> bool:
    if kind in STATE and old is not None:
        labels = (old.get("metadata") or {}).get("labels") or {}
        if labels.get("saturday-gate.io/runtime") == "true":
            return True
    return bool(
        kind == ("", "v1", "Secret")
        and operation == "UPDATE"
        and invoker == "automation"
        and old.get("type") in RENEWED
        and new.get("type") == old.get("type")
    )
