"""What a Pod asks of a node and of a quota."""

from collections.abc import Iterable, Mapping

import msgspec

from gate.cluster.scaling.room.quantities import Amounts, amounts, largest, total
from gate.cluster.scaling.room.shapes import Container, Limit, LimitRange, PodSpec, Quantities


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Requests and limits of one Pod, by resource.

    ``without_request`` and ``without_limit`` are the resources of which some container says
    nothing: a quota on them refuses the Pod.
    """

    requests: Amounts
    limits: Amounts
    without_request: frozenset[str] = frozenset()
    without_limit: frozenset[str] = frozenset()

    @property
    def best_effort(self) -> bool:
        """Whether nothing is asked of CPU and memory."""
        return not any(self.requests.get(r) or self.limits.get(r) for r in ("cpu", "memory"))


class _Part(msgspec.Struct, frozen=True):
    requests: Amounts
    limits: Amounts


def asked(spec: PodSpec, limits: Iterable[Limit] = ()) -> Asked:
    """What a Pod of this spec asks for, once the namespace's limit ranges have filled it in.

    As the scheduler counts: the sum of the containers and the sidecars, or what an init container
    asks beside the sidecars before it where that is more, and the overhead. What a Pod asks for as
    a whole goes before. A limit without a request is a request.
    """
    defaults = [each for each in limits if each.type == "Container"]
    running = [_part(each, defaults) for each in spec.containers]
    peaks: list[_Part] = []
    sidecars: list[_Part] = []
    for init in spec.init_containers or ():
        part = _part(init, defaults)
        peaks.append(_sum([*sidecars, part]))
        if init.restart_policy == "Always":
            sidecars.append(part)
    whole = _largest([_sum([*running, *sidecars]), *peaks])
    requests, most = whole.requests, whole.limits
    if spec.resources is not None:
        own_limits = amounts(spec.resources.limits or {})
        requests = requests | own_limits | amounts(spec.resources.requests or {})
        most = most | own_limits
    overhead = amounts(spec.overhead or {})
    return Asked(
        requests=total([requests, overhead]),
        limits=total([most, overhead]) if most else most,
        without_request=_missing([part.requests for part in running]),
        without_limit=_missing([part.limits for part in running]),
    )


def limits_of(ranges: Iterable[LimitRange], namespace: str) -> list[Limit]:
    """The limits that hold in a namespace."""
    return [
        limit
        for each in ranges
        if each.metadata.namespace == namespace
        for limit in each.spec.limits
    ]


def refused(spec: PodSpec, limits: Iterable[Limit]) -> str | None:
    """Why a limit range would refuse a Pod of this spec; None where it does not."""
    limits = list(limits)
    defaults = [each for each in limits if each.type == "Container"]
    for container in spec.containers:
        part = _part(container, defaults)
        for resource, value in part.requests.items():
            if value > part.limits.get(resource, value):
                return f"container {container.name} asks for more {resource} than the limit it gets"
    for each in limits:
        if each.type == "Container":
            parts = [(f"container {c.name}", _part(c, defaults)) for c in spec.containers]
        elif each.type == "Pod":
            whole = asked(spec, limits)
            parts = [("the Pod", _Part(whole.requests, whole.limits))]
        else:
            continue
        for name, part in parts:
            if said := _beyond(name, part, each):
                return said
    return None


def _beyond(name: str, part: _Part, limit: Limit) -> str | None:
    for resource, most in amounts(limit.max or {}).items():
        if max(part.limits.get(resource, 0), part.requests.get(resource, 0)) > most:
            return f"{name} asks for more {resource} than {(limit.max or {})[resource]}"
        if resource not in part.limits:
            return f"{name} has no limit of {resource}"
    for resource, least in amounts(limit.min or {}).items():
        if part.requests.get(resource, 0) < least:
            return f"{name} asks for less {resource} than {(limit.min or {})[resource]}"
    return None


def _part(container: Container, defaults: Iterable[Limit]) -> _Part:
    """Its own word, then the limit range's; a request is by default what the limit is."""
    own = container.resources
    requests, limits = dict(own.requests or {}), dict(own.limits or {})
    own_limits: Quantities = dict(limits)
    for each in defaults:
        limits = {**(each.default or {}), **limits}
        # The API server fills a request in from the container's own limit first.
        requests = {**(each.default_request or {}), **own_limits, **requests}
    return _Part(amounts({**limits, **requests}), amounts(limits))


def _sum(parts: Iterable[_Part]) -> _Part:
    parts = list(parts)
    return _Part(total(p.requests for p in parts), total(p.limits for p in parts))


def _largest(parts: Iterable[_Part]) -> _Part:
    parts = list(parts)
    return _Part(largest(p.requests for p in parts), largest(p.limits for p in parts))


def _missing(parts: Iterable[Mapping[str, int]]) -> frozenset[str]:
    parts = list(parts)
    return frozenset(
        resource for resource in ("cpu", "memory") if any(resource not in p for p in parts)
    )
