"""What a change is: from an admission review to the actions that the policy judges.

The table of `docs/reference/admission.md`, row by row. What did not change is told by its bytes and
never decoded; what cannot be understood is judged as a deploy.
"""

from collections.abc import Callable, Iterator
from enum import StrEnum

import msgspec
from msgspec import Raw

from gate.cluster.history import History
from gate.cluster.kinds import STATE_KINDS, WORKLOADS, Kind, kind_of
from gate.cluster.raw_json import (
    differing,
    differs,
    members_of,
    same,
    value_of,
)
from gate.cluster.review import Review
from gate.cluster.scanning import Members, Unreadable
from gate.cluster.templates import Template, digest_of, only_restarted
from gate.core.policy import Action, Invoker

RUNTIME_LABEL = "saturday-gate.io/runtime"
"""Marks ConfigMaps and Secrets that hold what a running system writes, and not its settings."""


class Why(StrEnum):
    """Why a request is judged, or why it is let pass without; metrics count by it."""

    JUDGED = "judged"
    NOT_UNDERSTOOD = "not-understood"  # judged, as a deploy
    UNCHANGED = "unchanged"  # nothing but metadata or status differs
    RUNTIME_STATE = "runtime-state"  # of an object with the runtime label
    ROTATED_SECRET = "rotated-secret"  # noqa: S105  a certificate or token, renewed by automation
    EXEMPT = "exempt"
    NAMESPACE = "namespace"
    PROBE = "probe"  # the fallback lock's worker asks whether somebody answers


class Change(msgspec.Struct, frozen=True):
    """What a request does: ``actions`` in their order, without repetition; none to be let pass."""

    actions: tuple[Action, ...]
    why: Why


class Context(msgspec.Struct, frozen=True):
    """What a change is beside the request itself.

    ``floor``: the replicas in force (the plan's rung, else the policy's ``capacity.floor``).
    """

    invoker: Invoker
    floor: int
    history: History


# A Scale of no replicas is written without the field; the others' default is one.
_DEFAULT_REPLICAS = {Kind.DEPLOYMENT: 1, Kind.STATEFUL_SET: 1, Kind.SCALE: 0}
_ROTATED_TYPES = frozenset({"kubernetes.io/tls", "kubernetes.io/service-account-token"})
_NULL = Raw(b"null")

_ONLY = {action: Change((action,), Why.JUDGED) for action in Action}
_PASSED = {why: Change((), why) for why in Why}
_NOT_UNDERSTOOD = Change((Action.DEPLOY,), Why.NOT_UNDERSTOOD)


def classify(review: Review, context: Context) -> Change:
    """What the request of a review does. Total: whatever is not understood is a deploy."""
    kind = kind_of(review)
    try:
        if review.operation == "UPDATE":
            return _update(review, kind, context)
        if kind is None or kind is Kind.SCALE or not review.readable:
            return _NOT_UNDERSTOOD
        if review.operation == "CREATE":
            return _create(review, kind)
        return _delete(review, kind) if review.operation == "DELETE" else _NOT_UNDERSTOOD
    except (Unreadable, RecursionError):
        return _NOT_UNDERSTOOD


def _create(review: Review, kind: Kind) -> Change:
    if review.object is None:
        return _NOT_UNDERSTOOD
    return _ONLY[Action.DEPLOY if kind in WORKLOADS else Action.CONFIG]


def _delete(review: Review, kind: Kind) -> Change:
    if kind in WORKLOADS:
        return _ONLY[Action.DEPLOY]
    if kind is Kind.AUTOSCALER:
        return _ONLY[Action.SCALE_DOWN]
    if kind in STATE_KINDS and _is_runtime_state(review.old_object):
        return _PASSED[Why.RUNTIME_STATE]
    return _ONLY[Action.CONFIG]


def _update(review: Review, kind: Kind | None, context: Context) -> Change:
    new, old = review.object, review.old_object
    if new is None or old is None or not review.readable:
        return _NOT_UNDERSTOOD
    touched = [name for name in differing(new, old) if name not in {"metadata", "status"}]
    if not touched:
        return _PASSED[Why.UNCHANGED]
    if kind in _SPECS:
        return _respecified(kind, new, old, touched, context)
    if not _differ(new, old, touched):
        return _PASSED[Why.UNCHANGED]
    return _NOT_UNDERSTOOD if kind is None else _configured(review, kind, context)


def _differ(new: Members, old: Members, touched: list[str]) -> bool:
    """Whether any of these members differs. One that cannot be read does: its bytes do."""
    try:
        return any(differs(new.get(name), old.get(name)) for name in touched)
    except (Unreadable, RecursionError):
        return True


def _respecified(
    kind: Kind, new: Members, old: Members, touched: list[str], context: Context
) -> Change:
    """A workload, Scale or autoscaler: what matters is in its spec, and nothing else should be."""
    if any(differs(new.get(name), old.get(name)) for name in touched if name != "spec"):
        return _NOT_UNDERSTOOD
    if "spec" not in touched:
        return _PASSED[Why.UNCHANGED]
    found = set(_SPECS[kind](_Specs(kind, _spec(new), _spec(old), old), context))
    if len(found) == 1:
        return _ONLY[found.pop()]
    actions = tuple(action for action in Action if action in found)
    return Change(actions, Why.JUDGED) if actions else _PASSED[Why.UNCHANGED]


def _configured(review: Review, kind: Kind, context: Context) -> Change:
    """A ConfigMap, Secret, Service or Ingress that differs."""
    old = review.old_object
    if kind in STATE_KINDS and _is_runtime_state(old):
        return _PASSED[Why.RUNTIME_STATE]
    if (
        kind is Kind.SECRET
        and context.invoker == "automation"
        and _type_of(old) in _ROTATED_TYPES
        and _type_of(review.object) == _type_of(old)
    ):
        return _PASSED[Why.ROTATED_SECRET]
    return _ONLY[Action.CONFIG]


class _Specs(msgspec.Struct, frozen=True):
    """The two specs of an update, and the old object that one of them was in."""

    kind: Kind
    new: Members
    old: Members
    old_object: Members


def _workload(specs: _Specs, context: Context) -> Iterator[Action]:
    for name in differing(specs.new, specs.old):
        new, old = specs.new.get(name), specs.old.get(name)
        if name == "template" and specs.kind in WORKLOADS:
            yield from _retemplated(new, old, specs.old_object, context.history)
        elif name == "replicas" and (default := _DEFAULT_REPLICAS.get(specs.kind)) is not None:
            yield from _scaled(_count(new, default), _count(old, default))
        elif differs(new, old):
            yield Action.CONFIG


def _retemplated(
    new_raw: Raw | None, old_raw: Raw | None, old_object: Members, history: History
) -> Iterator[Action]:
    new, old = value_of(new_raw or _NULL), value_of(old_raw or _NULL)
    if not isinstance(new, dict) or not isinstance(old, dict):
        raise Unreadable("a pod template is no object")
    if same(new, old):
        return
    if _was_before(new, old, old_object, history):
        yield Action.ROLLBACK
    else:
        yield Action.RESTART if only_restarted(new, old) else Action.DEPLOY


def _was_before(new: Template, old: Template, old_object: Members, history: History) -> bool:
    """Whether the owner has had the new template, which is not the one it has now."""
    owner_uid = _metadata_of(old_object).uid if len(history) else None
    if not owner_uid:
        return False
    digest = digest_of(new)
    return history.knows(owner_uid, digest) and digest != digest_of(old)


def _autoscaler(specs: _Specs, context: Context) -> Iterator[Action]:
    for name in differing(specs.new, specs.old):
        new, old = specs.new.get(name), specs.old.get(name)
        if name == "minReplicas":
            yield from _scaled(_count(new, 1), _count(old, 1))
        elif name == "maxReplicas":
            highest, before = _count(new), _count(old)
            if context.floor <= highest < before:
                yield Action.CONFIG
            else:
                yield from _scaled(highest, before)
        elif differs(new, old):
            yield Action.CONFIG


_SPECS: dict[Kind, Callable[[_Specs, Context], Iterator[Action]]] = {
    Kind.DEPLOYMENT: _workload,
    Kind.STATEFUL_SET: _workload,
    Kind.DAEMON_SET: _workload,
    Kind.SCALE: _workload,
    Kind.AUTOSCALER: _autoscaler,
}


def _scaled(new: int, old: int) -> Iterator[Action]:
    if new != old:
        yield Action.SCALE_UP if new > old else Action.SCALE_DOWN


def _count(raw: Raw | None, default: int | None = None) -> int:
    value = default if raw is None else value_of(raw)
    if value is None:
        value = default
    if not isinstance(value, int) or isinstance(value, bool):
        raise Unreadable("a number of replicas is none")
    return value


def _spec(members: Members) -> Members:
    raw = members.get("spec")
    spec = None if raw is None else members_of(raw)
    if spec is None:
        raise Unreadable("a spec is no object")
    return spec


class _Metadata(msgspec.Struct):
    uid: str | None = None
    labels: dict[str, str] | None = None


_metadata = msgspec.json.Decoder(_Metadata).decode


def _metadata_of(members: Members | None) -> _Metadata:
    """What is asked of an object's metadata; nothing of metadata that cannot be read."""
    raw = members.get("metadata") if members else None
    try:
        return _Metadata() if raw is None else _metadata(raw)
    except (ValueError, RecursionError):
        return _Metadata()


def _is_runtime_state(members: Members | None) -> bool:
    labels = _metadata_of(members).labels
    return labels is not None and labels.get(RUNTIME_LABEL) == "true"


def _type_of(members: Members | None) -> object:
    raw = members.get("type") if members else None
    return None if raw is None else value_of(raw)
