"""How many Pods of a template the nodes still hold.

Not the scheduler, but its hard rules: allocatable resources less the requests of the Pods there,
the number of Pods, cordons, readiness, taints, node selectors, required node affinity, required
anti-affinity, and topology spread that must be kept. What a template may ask beside these is told
by `unconsidered`.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import msgspec

from gate.cluster.scaling.room.matching import fits_selectors, selects, untolerated
from gate.cluster.scaling.room.quantities import Amounts, amounts, total
from gate.cluster.scaling.room.requests import asked
from gate.cluster.scaling.room.shapes import (
    Node,
    Pod,
    PodSpec,
    PodTerm,
    Selector,
    Spread,
    Template,
)

_ONE_POD: Amounts = {"pods": 1000}
_SKEW_TAINTS = "Honor"
_LabelSet = tuple[tuple[str, str], ...]


class Fit(msgspec.Struct, frozen=True, kw_only=True):
    """Where replicas went: ``placed`` of those wanted, and why nodes took none, by number."""

    placed: int
    eligible: int
    largest_node: int
    """How many the most spacious eligible node holds where it holds nothing else."""
    refusals: tuple[tuple[str, int], ...] = ()


class _Site:
    """A node with what is left of it."""

    def __init__(self, node: Node, pods: Iterable[Pod]) -> None:
        self.node = node
        self.labels = node.metadata.labels or {}
        self._labels: dict[str, Counter[_LabelSet]] = {}
        for pod in pods:
            self._note(pod.metadata.namespace, pod.metadata.labels or {}, 1)
        self.whole = amounts(node.status.allocatable or {})
        taken = total(_taken(pod.spec) for pod in pods)
        self.free = {name: value - taken.get(name, 0) for name, value in self.whole.items()}

    def holds(self, request: Amounts, *, empty: bool = False) -> int:
        """How many such Pods it has resources for."""
        there = self.whole if empty else self.free
        counts = [
            max(0, there.get(name, 0)) // value for name, value in request.items() if value > 0
        ]
        return min(counts)

    def domain(self, key: str) -> str | None:
        """Its domain of a topology."""
        return self.labels.get(key)

    def matching(self, namespaces: Iterable[str], selector: Selector | None) -> int:
        """How many of the Pods there a selector matches."""
        return sum(
            number
            for namespace in namespaces
            for labels, number in self._labels.get(namespace, {}).items()
            if selects(selector, dict(labels))
        )

    def take(self, namespace: str, template: Template, request: Amounts, number: int) -> None:
        """Note that replicas went here."""
        for name, value in request.items():
            self.free[name] = self.free.get(name, 0) - value * number
        self._note(namespace, template.metadata.labels or {}, number)

    def _note(self, namespace: str, labels: Mapping[str, str], number: int) -> None:
        """Replicas have equal labels: they are counted, not listed."""
        counted = self._labels.setdefault(namespace, Counter())
        counted[tuple(labels.items())] += number


class Nodes:
    """The nodes of a cluster; replicas that are placed take their room from those after them."""

    def __init__(self, nodes: Iterable[Node], pods: Iterable[Pod]) -> None:
        on: dict[str, list[Pod]] = {}
        for pod in pods:
            on.setdefault(pod.spec.node_name, []).append(pod)
        self._sites = [_Site(node, on.get(node.metadata.name, ())) for node in nodes]

    def place(self, namespace: str, template: Template, request: Amounts, wanted: int) -> Fit:
        """Put as many of ``wanted`` replicas as fit, on the fullest nodes first."""
        spec, request = template.spec, {**request, **_ONE_POD}
        refusals: Counter[str] = Counter()
        eligible: list[_Site] = []
        for site in self._sites:
            why = _refusal(spec, site.node)
            if why is None:
                eligible.append(site)
            else:
                refusals[why] += 1
        counts = [site.holds(request) for site in eligible]
        for limit in _limits(namespace, template, self._sites):
            counts = limit(eligible, counts)
        placed = 0
        for count, site in sorted(zip(counts, eligible, strict=True), key=lambda pair: pair[0]):
            number = min(count, wanted - placed)
            if number > 0:
                site.take(namespace, template, request, number)
                placed += number
        return Fit(
            placed=placed,
            eligible=len(eligible),
            largest_node=max((site.holds(request, empty=True) for site in eligible), default=0),
            refusals=tuple(refusals.most_common()),
        )


def unconsidered(template: Template) -> Iterator[str]:
    """What a template asks for that `Nodes.place` does not look at."""
    spec = template.spec
    affinity = spec.affinity
    if affinity and affinity.pod_affinity and affinity.pod_affinity.required:
        yield "required Pod affinity"
    if any(term.namespace_selector is not None for term in _anti(spec)):
        yield "anti-affinity by a namespace selector"
    if any(volume.persistent_volume_claim is not None for volume in spec.volumes or ()):
        yield "where its volumes are"
    if any(port.host_port for each in spec.containers for port in each.ports or ()):
        yield "host ports"
    if spec.runtime_class_name and spec.overhead is None:
        yield f"the overhead of runtime class {spec.runtime_class_name}"
    if spec.scheduler_name not in {"", "default-scheduler"}:
        yield f"the rules of scheduler {spec.scheduler_name}"


def _taken(spec: PodSpec) -> Amounts:
    return total([asked(spec).requests, _ONE_POD])


def _refusal(spec: PodSpec, node: Node) -> str | None:
    if node.metadata.deletion_timestamp is not None:
        return "being deleted"
    if node.spec.unschedulable:
        return "cordoned"
    ready = {each.type: each.status for each in node.status.conditions or ()}.get("Ready")
    if ready != "True":
        return "not ready"
    taint = untolerated(spec, node)
    if taint is not None:
        value = f"={taint.value}" if taint.value else ""
        return f"tainted {taint.key}{value}:{taint.effect}"
    return None if fits_selectors(spec, node) else "outside its node selector or affinity"


_Limit = Callable[[Sequence[_Site], Sequence[int]], list[int]]


def _limits(namespace: str, template: Template, sites: Sequence[_Site]) -> Iterator[_Limit]:
    for term in _anti(template.spec):
        yield _apart(namespace, template, term)
    for spread in template.spec.topology_spread_constraints or ():
        if spread.when_unsatisfiable == "DoNotSchedule":
            yield _spread(namespace, template, spread, sites)


def _anti(spec: PodSpec) -> list[PodTerm]:
    anti = spec.affinity.pod_anti_affinity if spec.affinity else None
    return list(anti.required or ()) if anti else []


def _apart(namespace: str, template: Template, term: PodTerm) -> _Limit:
    """Required anti-affinity: none in a domain where a match is; one a domain, if it is itself."""
    namespaces = term.namespaces or [namespace]
    itself = namespace in namespaces and selects(
        term.label_selector, template.metadata.labels or {}
    )

    def limit(sites: Sequence[_Site], counts: Sequence[int]) -> list[int]:
        occupied = {
            site.domain(term.topology_key)
            for site in sites
            if site.matching(namespaces, term.label_selector)
        }
        limited: list[int] = []
        for site, count in zip(sites, counts, strict=True):
            domain = site.domain(term.topology_key)
            if domain is None:
                limited.append(count)
            elif domain in occupied:
                limited.append(0)
            else:
                limited.append(min(count, 1) if itself else count)
                if itself and count:
                    occupied.add(domain)
        return limited

    return limit


def _spread(
    namespace: str, template: Template, spread: Spread, everywhere: Sequence[_Site]
) -> _Limit:
    """Topology spread: no domain holds more than the least full one can, and the skew.

    Domains are those of all nodes that the template's selectors allow, tainted ones included
    (unless it says to honour taints): a domain that takes nothing holds all others down.
    """
    key = spread.topology_key

    def counts_as_domain(site: _Site) -> bool:
        if site.domain(key) is None:
            return False
        if spread.node_affinity_policy == "Honor" and not fits_selectors(template.spec, site.node):
            return False
        honours = spread.node_taints_policy == _SKEW_TAINTS
        return not (honours and untolerated(template.spec, site.node))

    def limit(sites: Sequence[_Site], counts: Sequence[int]) -> list[int]:
        there: dict[str | None, int] = {}
        for site in filter(counts_as_domain, everywhere):
            there[site.domain(key)] = there.get(site.domain(key), 0) + site.matching(
                [namespace], spread.label_selector
            )
        could = dict(there)
        for site, count in zip(sites, counts, strict=True):
            if site.domain(key) in could:
                could[site.domain(key)] += count
        least = min(could.values(), default=0)
        if len(could) < (spread.min_domains or 1):
            least = 0
        room = {name: max(0, least + spread.max_skew - there[name]) for name in could}
        limited: list[int] = []
        for site, count in zip(sites, counts, strict=True):
            name = site.domain(key)
            given = min(count, room.get(name, 0))
            room[name] = room.get(name, 0) - given
            limited.append(given)
        return limited

    return limit
