"""From targets, a peak and what a cluster holds to what would be short."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

import msgspec

from gate.cluster.scaling.room.budgets import budget_findings
from gate.cluster.scaling.room.findings import Finding, Report, Room
from gate.cluster.scaling.room.fitting import Fit, Nodes, unconsidered
from gate.cluster.scaling.room.matching import selects
from gate.cluster.scaling.room.quantities import Amounts, thousandths, words
from gate.cluster.scaling.room.quotas import Allowance, Quotas
from gate.cluster.scaling.room.requests import Asked, asked, limits_of, refused
from gate.cluster.scaling.room.shapes import Holdings, Pod, Workload
from gate.cluster.scaling.values import HPA, MOST_AGAIN, Target
from gate.cluster.scaling.wanting import wanted
from gate.core.instants import format_instant
from gate.core.peaks import Peak
from gate.core.policy import Capacity

WORKLOADS = frozenset({"Deployment", "StatefulSet", "ReplicaSet"})
"""The kinds whose Pods are understood."""
_Key = tuple[str, str, str]


class _Need(msgspec.Struct, kw_only=True):
    """What the targets of one workload ask for together; ``least`` is the floor of quiet days."""

    workload: Workload
    floor: int
    least: int
    pod: Asked
    scheduled: int
    created: int

    @property
    def place(self) -> int:
        """Pods that still need a node."""
        return max(0, self.floor - self.scheduled)

    @property
    def create(self) -> int:
        """Pods that still have to be created."""
        return max(0, self.floor - self.created)


def assess(
    targets: Sequence[Target],
    holdings: Holdings,
    peak: Peak,
    capacity: Capacity,
    *,
    at: datetime,
    until: datetime,
) -> Report:
    """What would be short, were every target at its floor of the peak at once.

    Workloads are given their room one after another, those with the largest Pods first; where the
    nodes are nearly full, a better order may exist.
    """
    floors = {target.key: _floor(target, peak, capacity, at) for target in targets}
    needs = _needs(targets, floors, holdings)
    nodes, quotas = Nodes(holdings.nodes, holdings.pods), Quotas(holdings.quotas)
    found: dict[_Key, list[Finding]] = {}
    for key, need in sorted(needs.items(), key=lambda pair: (_size(pair[1].pod), pair[0])):
        found[key] = list(_of_workload(need, nodes, quotas, holdings))
    rooms = [
        _room(target, floors[target.key], needs, found, holdings)
        for target in sorted(targets, key=lambda each: each.key)
    ]
    return Report(
        at=at,
        until=until,
        ceiling=capacity.ceiling,
        level=peak.level,
        peak=peak,
        findings=tuple(_beyond_ceiling(peak, capacity)),
        targets=tuple(rooms),
    )


def _floor(target: Target, peak: Peak, capacity: Capacity, at: datetime) -> int:
    return max(target.own.min, wanted(target, peak.level, capacity, at=at).min)


def _workload_key(target: Target) -> _Key | None:
    if target.scales is None:
        return None
    return target.namespace, target.scales.kind, target.scales.name


def _needs(
    targets: Iterable[Target], floors: Mapping[_Key, int], holdings: Holdings
) -> dict[_Key, _Need]:
    by_namespace: dict[str, list[Pod]] = {}
    for pod in holdings.pods:
        by_namespace.setdefault(pod.metadata.namespace, []).append(pod)
    needs: dict[_Key, _Need] = {}
    for target in targets:
        key = _workload_key(target)
        workload = holdings.workloads.get(key) if key else None
        if key is None or workload is None or target.error is not None:
            continue
        floor = floors[target.key]
        if key in needs:
            needs[key].floor = max(needs[key].floor, floor)
            needs[key].least = max(needs[key].least, target.own.min)
            continue
        own = [
            pod
            for pod in by_namespace.get(target.namespace, ())
            if pod.metadata.deletion_timestamp is None
            and selects(workload.spec.selector, pod.metadata.labels or {})
        ]
        limits = limits_of(holdings.limit_ranges, target.namespace)
        needs[key] = _Need(
            workload=workload,
            floor=floor,
            least=target.own.min,
            pod=asked(workload.spec.template.spec, limits),
            scheduled=sum(bool(pod.spec.node_name) for pod in own),
            created=len(own),
        )
    return needs


def _size(pod: Asked) -> tuple[int, int]:
    return -pod.requests.get("cpu", 0), -pod.requests.get("memory", 0)


def _of_workload(
    need: _Need, nodes: Nodes, quotas: Quotas, holdings: Holdings
) -> Iterator[Finding]:
    namespace, spec = need.workload.metadata.namespace, need.workload.spec.template.spec
    if need.create:
        said = refused(spec, limits_of(holdings.limit_ranges, namespace))
        if said is not None:
            yield Finding(
                code="limit-range",
                short=True,
                message=f"the namespace's LimitRange refuses new Pods: {said}",
                mend="change the template's resources or the LimitRange",
                missing=need.create,
            )
        allowance = quotas.admit(namespace, spec, need.pod, need.create)
        if allowance is not None:
            yield _of_quota(allowance, need)
    if need.place:
        template = need.workload.spec.template
        fit = nodes.place(namespace, template, need.pod.requests, need.place)
        if fit.placed < need.place:
            yield _of_nodes(fit, need)
    yield from budget_findings(holdings.budgets, need.workload, [need.least, need.floor])


def _of_quota(allowance: Allowance, need: _Need) -> Finding:
    resource = allowance.resource
    if allowance.unsaid:
        return Finding(
            code="quota",
            short=True,
            message=f"ResourceQuota {allowance.quota} counts {resource}, of which the template"
            " says nothing: new Pods are refused",
            mend="give every container requests and limits, or the namespace a LimitRange",
            missing=need.create,
        )
    more = allowance.each * need.create + allowance.used - thousandths(allowance.hard)
    return Finding(
        code="quota",
        short=True,
        message=f"ResourceQuota {allowance.quota} lets in {allowance.allowed} of {need.create} more"
        f" Pods: {resource} is {allowance.hard}, {words(resource, allowance.used)} used",
        mend=f"raise {resource} by {words(resource, more)}",
        missing=need.create - allowance.allowed,
    )


def _of_nodes(fit: Fit, need: _Need) -> Finding:
    missing = need.place - fit.placed
    out = ", ".join(f"{number} {why}" for why, number in fit.refusals)
    which = f"{fit.eligible} nodes take such Pods" + (f" (not: {out})" if out else "")
    each = _each(need.pod.requests)
    if not fit.eligible:
        mend = "let nodes take them: labels, taints, cordons, or the template's own rules"
    elif not fit.largest_node:
        mend = f"add nodes that are large enough for one ({each})"
    else:
        number = -(-missing // fit.largest_node)
        mend = (
            f"add {number} node{'s' if number > 1 else ''} as large as the largest there (at most"
            f" {fit.largest_node} Pods each), or free {_each(need.pod.requests, missing)}"
        )
    return Finding(
        code="nodes",
        short=True,
        message=f"{missing} of {need.place} more Pods find no node, each asking for {each};"
        f" {which}",
        mend=mend,
        missing=missing,
    )


def _each(requests: Amounts, number: int = 1) -> str:
    said = [words(name, value * number) for name, value in sorted(requests.items()) if value]
    return " and ".join(said) or "nothing but a place"


def _room(
    target: Target,
    floor: int,
    needs: Mapping[_Key, _Need],
    found: Mapping[_Key, Sequence[Finding]],
    holdings: Holdings,
) -> Room:
    key = _workload_key(target)
    need = needs.get(key) if key else None
    findings = [*_of_target(target, floor, holdings), *(found.get(key, ()) if key else ())]
    return Room(
        namespace=target.namespace,
        name=target.name,
        kind=target.kind,
        floor=target.now.min,
        peak=floor,
        ready=need.workload.status.ready_replicas if need else None,
        add=need.place if need else 0,
        fits=not any(each.short for each in findings),
        findings=tuple(findings),
        unconsidered=tuple(unconsidered(need.workload.spec.template)) if need else (),
    )


def _of_target(target: Target, floor: int, holdings: Holdings) -> Iterator[Finding]:
    """What is wrong with the autoscaler itself."""
    if target.error is not None:
        yield Finding(code="target", short=True, message=target.error, mend="mend it: it is left"
                      " alone until then")  # fmt: skip
        return
    trouble = _of_scaled(target, holdings)
    if trouble is not None:
        yield trouble
    for note in target.notes if trouble is None or not trouble.short else ():
        yield Finding(code="target", short=False, message=note, mend="see whether it is meant so")
    if target.raised and target.raised.again >= MOST_AGAIN and target.now.min < floor:
        who = target.managers.get("min", "someone else")
        yield Finding(
            code="target",
            short=True,
            message=f"{who} put its floor back {target.raised.again} times: it is not raised again",
            mend="have that tool ignore the replicas of autoscalers",
            missing=floor - target.now.min,
        )
    if target.own.max < floor:
        field = "maxReplicas" if target.kind == HPA else "maxReplicaCount"
        yield Finding(
            code="maximum",
            short=False,
            message=f"its own {field} is {target.own.max}, below the peak of {floor}",
            mend="nothing, where pre-scaling runs: it raises both",
        )


def _of_scaled(target: Target, holdings: Holdings) -> Finding | None:
    key = _workload_key(target)
    if key is None or key[1] not in WORKLOADS:
        what = f"a {key[1]}" if key else "nothing"
        return Finding(
            code="target",
            short=False,
            message=f"it scales {what}, whose Pods are not known: room for them is not judged",
            mend="judge it by hand",
        )
    workload = holdings.workloads.get(key)
    if workload is None:
        return Finding(
            code="target",
            short=True,
            message=f"its scale target {target.scales} is not there",
            mend="create it, or correct the name",
        )
    if workload.spec.replicas == 0 and target.kind == HPA:
        return Finding(
            code="target",
            short=True,
            message=f"its scale target {target.scales} stands at 0 replicas, which disables the"
            " autoscaler",
            mend=f"scale {target.scales} to 1 or more",
        )
    return None


def _beyond_ceiling(peak: Peak, capacity: Capacity) -> Iterator[Finding]:
    for each in peak.beyond:
        yield Finding(
            code="ceiling",
            short=True,
            message=f"demand needs {capacity.ceiling + each.short} replicas,"
            f" {each.short} beyond the ceiling of {capacity.ceiling},"
            f" from {format_instant(each.start)} to {format_instant(each.end)}",
            mend="raise load.capacity.ceiling (and what holds it), or shed load then",
            missing=each.short,
        )
