"""How many more Pods the quotas of a namespace let in."""

from collections.abc import Iterable

import msgspec

from gate.cluster.scaling.room.quantities import Amounts, amounts
from gate.cluster.scaling.room.requests import Asked
from gate.cluster.scaling.room.shapes import PodSpec, Quota, ScopeRequirement

_PODS = frozenset({"pods", "count/pods"})
_PLAIN = frozenset({"cpu", "memory", "ephemeral-storage"})
_ONE = 1000


class Allowance(msgspec.Struct, frozen=True, kw_only=True):
    """How many of the replicas wanted one quota lets in, and what of it ends first."""

    quota: str
    allowed: int
    resource: str
    hard: str
    used: int
    each: int
    unsaid: bool = False
    """Whether it refuses the Pod because it says nothing of this resource."""


class Quotas:
    """The quotas of a cluster; replicas that are let in take from what is left."""

    def __init__(self, quotas: Iterable[Quota]) -> None:
        self._quotas = list(quotas)
        self._used: dict[tuple[str, str], Amounts] = {
            (each.metadata.namespace, each.metadata.name): amounts(each.status.used or {})
            for each in self._quotas
        }

    def admit(self, namespace: str, spec: PodSpec, pod: Asked, wanted: int) -> Allowance | None:
        """The quota that lets in the fewest of ``wanted``; None where all of them are let in.

        What is let in is used up for those who come after.
        """
        counting = [
            each
            for each in self._quotas
            if each.metadata.namespace == namespace and _counts(each, spec, pod)
        ]
        found = [allowance for each in counting for allowance in self._of(each, pod)]
        strictest = min(found, key=lambda each: each.allowed, default=None)
        number = wanted if strictest is None else min(wanted, strictest.allowed)
        for each in counting:
            used = self._used[namespace, each.metadata.name]
            for resource in each.spec.hard or {}:
                used[resource] = used.get(resource, 0) + (_each(resource, pod) or 0) * number
        return strictest if strictest is not None and strictest.allowed < wanted else None

    def _of(self, quota: Quota, pod: Asked) -> Iterable[Allowance]:
        used = self._used[quota.metadata.namespace, quota.metadata.name]
        for resource, hard in amounts(quota.spec.hard or {}).items():
            each = _each(resource, pod)
            if each is None:
                continue
            unsaid = _unsaid(resource, pod)
            left = max(0, hard - used.get(resource, 0))
            if not each and not unsaid:
                continue
            yield Allowance(
                quota=quota.metadata.name,
                allowed=0 if unsaid else left // each,
                resource=resource,
                hard=(quota.spec.hard or {})[resource],
                used=used.get(resource, 0),
                each=each,
                unsaid=unsaid,
            )


def _each(resource: str, pod: Asked) -> int | None:
    """What one Pod takes of a quota's resource; None where Pods take none."""
    if resource in _PODS:
        return _ONE
    kind, _, name = resource.partition(".")
    if resource in _PLAIN:
        return pod.requests.get(resource, 0)
    if kind == "requests" and name != "storage":
        return pod.requests.get(name, 0)
    if kind == "limits":
        return pod.limits.get(name, 0)
    return None


def _unsaid(resource: str, pod: Asked) -> bool:
    name = resource.removeprefix("requests.")
    if resource.startswith("limits."):
        return resource.removeprefix("limits.") in pod.without_limit
    return name in pod.without_request


def _counts(quota: Quota, spec: PodSpec, pod: Asked) -> bool:
    """Whether a quota counts such Pods, by its scopes."""
    selector = quota.spec.scope_selector
    wanted = [ScopeRequirement(name, "Exists") for name in quota.spec.scopes or ()]
    wanted += (selector.match_expressions or []) if selector else []
    return all(_in_scope(each, spec, pod) for each in wanted)


def _in_scope(scope: ScopeRequirement, spec: PodSpec, pod: Asked) -> bool:
    if scope.scope_name == "PriorityClass":
        name, values = spec.priority_class_name, scope.values or []
        return {
            "In": name in values,
            "NotIn": name not in values,
            "Exists": bool(name),
            "DoesNotExist": not name,
        }.get(scope.operator, False)
    return {
        "Terminating": spec.active_deadline_seconds is not None,
        "NotTerminating": spec.active_deadline_seconds is None,
        "BestEffort": pod.best_effort,
        "NotBestEffort": not pod.best_effort,
    }.get(scope.scope_name, False)
