"""How many Pods the nodes still hold, rule by rule."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from gate.cluster.scaling.room.fitting import Nodes
from gate.cluster.scaling.room.requests import asked
from gate.cluster.scaling.room.shapes import Node, Pod
from tests.room import build

SELECTOR = {"matchLabels": {"app": "shop"}}


def placed(nodes: list[Node], there: list[Pod], spec: dict[str, Any], wanted: int = 100) -> int:
    template = build.workload(spec).spec.template
    return Nodes(nodes, there).place("wed", template, asked(template.spec).requests, wanted).placed


def test_what_is_there_takes_its_room() -> None:
    nodes = [build.node(cpu="4"), build.node("n2", cpu="2")]
    assert placed(nodes, [], build.pod_spec("500m")) == 12
    assert placed(nodes, build.pods(3, "n1"), build.pod_spec("500m")) == 6
    assert placed(nodes, build.pods(9, "n1"), build.pod_spec("500m")) == 4, "overcommitted"
    assert placed(nodes, [], build.pod_spec("500m"), wanted=5) == 5


def test_the_scarcest_resource_counts_and_pods_themselves_do() -> None:
    one = [build.node(cpu="4", memory="4Gi", pods="110")]
    assert placed(one, [], build.pod_spec("100m", "1Gi")) == 4
    assert placed([build.node(pods="7")], build.pods(2), build.pod_spec(None)) == 5
    assert placed(one, [], {"containers": [
        {"name": "a", "resources": {"requests": {"nvidia.com/gpu": "1"}}}
    ]}) == 0, "a resource that the node does not have"  # fmt: skip


@pytest.mark.parametrize(
    ("node", "spec", "fits"),
    [
        (build.node(unschedulable=True), {}, False),
        (build.node(ready="False"), {}, False),
        (build.node(ready="Unknown"), {}, False),
        (build.node(taints=[{"key": "a", "value": "b", "effect": "NoSchedule"}]), {}, False),
        (build.node(taints=[{"key": "a", "effect": "NoExecute"}]), {}, False),
        (build.node(taints=[{"key": "a", "effect": "PreferNoSchedule"}]), {}, True),
        (build.node(taints=[{"key": "a", "value": "b", "effect": "NoSchedule"}]),
         {"tolerations": [{"key": "a", "value": "b", "effect": "NoSchedule"}]}, True),
        (build.node(taints=[{"key": "a", "value": "b", "effect": "NoSchedule"}]),
         {"tolerations": [{"key": "a", "operator": "Exists"}]}, True),
        (build.node(taints=[{"key": "a", "value": "b", "effect": "NoSchedule"}]),
         {"tolerations": [{"operator": "Exists"}]}, True),
        (build.node(taints=[{"key": "a", "value": "b", "effect": "NoSchedule"}]),
         {"tolerations": [{"key": "a", "value": "c"}]}, False),
        (build.node(taints=[{"key": "a", "effect": "NoExecute"}]),
         {"tolerations": [{"key": "a", "operator": "Exists", "effect": "NoSchedule"}]}, False),
        (build.node(labels={"pool": "web"}), {"nodeSelector": {"pool": "web"}}, True),
        (build.node(labels={"pool": "db"}), {"nodeSelector": {"pool": "web"}}, False),
        (build.node(), {"nodeSelector": {"pool": "web"}}, False),
    ],
)  # fmt: skip
def test_a_node_takes_a_pod_or_does_not(node: Node, spec: dict[str, Any], fits: bool) -> None:
    assert placed([node], [], build.pod_spec("1", **spec), wanted=1) == int(fits)


@pytest.mark.parametrize(
    ("expression", "fits"),
    [
        ({"key": "pool", "operator": "In", "values": ["web", "db"]}, True),
        ({"key": "pool", "operator": "NotIn", "values": ["web"]}, False),
        ({"key": "zone", "operator": "NotIn", "values": ["a"]}, True),
        ({"key": "pool", "operator": "Exists"}, True),
        ({"key": "pool", "operator": "DoesNotExist"}, False),
        ({"key": "size", "operator": "Gt", "values": ["4"]}, True),
        ({"key": "size", "operator": "Lt", "values": ["4"]}, False),
        ({"key": "pool", "operator": "Gt", "values": ["4"]}, False),
        ({"key": "pool", "operator": "Near", "values": ["4"]}, False),
    ],
)
def test_required_node_affinity(expression: dict[str, Any], fits: bool) -> None:
    node = build.node(labels={"pool": "web", "size": "8"})
    terms = [{"matchExpressions": [expression]}]
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}
    spec = build.pod_spec("1", affinity={"nodeAffinity": required})
    assert placed([node], [], spec, wanted=1) == int(fits)


def test_a_node_that_is_going_takes_nothing() -> None:
    node = build.node()
    going = replace(node, metadata=replace(node.metadata, deletion_timestamp="2026-06-08T00:00Z"))
    assert placed([going], [], build.pod_spec("1"), wanted=1) == 0


def test_one_term_is_enough_and_an_empty_one_is_none() -> None:
    def spec(*terms: dict[str, Any]) -> dict[str, Any]:
        required = {"nodeSelectorTerms": list(terms)}
        key = "requiredDuringSchedulingIgnoredDuringExecution"
        return build.pod_spec("1", affinity={"nodeAffinity": {key: required}})

    named = {"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n1"]}]}
    other = {"matchExpressions": [{"key": "x", "operator": "Exists"}]}
    assert placed([build.node()], [], spec(other, named), wanted=1) == 1
    assert placed([build.node()], [], spec(other, {}), wanted=1) == 0


def _apart(key: str) -> dict[str, Any]:
    term = {"topologyKey": key, "labelSelector": SELECTOR}
    return {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}


def test_pods_that_must_be_apart_are_one_a_domain() -> None:
    zones = [build.node(f"n{i}", labels={"zone": "ab"[i % 2]}) for i in range(4)]
    assert placed(zones, [], build.pod_spec(affinity=_apart("kubernetes.io/hostname"))) == 4
    assert placed(zones, [], build.pod_spec(affinity=_apart("zone"))) == 2
    there = build.pods(1, "n1")
    assert placed(zones, there, build.pod_spec(affinity=_apart("kubernetes.io/hostname"))) == 3
    assert placed(zones, there, build.pod_spec(affinity=_apart("zone"))) == 1
    elsewhere = build.pods(1, "n1", namespace="other")
    assert placed(zones, elsewhere, build.pod_spec(affinity=_apart("zone"))) == 2


def _spread(key: str, skew: int = 1, **more: Any) -> dict[str, Any]:
    constraint = {"topologyKey": key, "maxSkew": skew, "whenUnsatisfiable": "DoNotSchedule",
                  "labelSelector": SELECTOR, **more}  # fmt: skip
    return {"topologySpreadConstraints": [constraint]}


def test_a_full_zone_holds_the_others_down() -> None:
    nodes = [build.node("n1", cpu="2", labels={"zone": "a"}),
             build.node("n2", cpu="8", labels={"zone": "b"})]  # fmt: skip
    assert placed(nodes, [], build.pod_spec("1")) == 10
    assert placed(nodes, [], build.pod_spec("1", **_spread("zone"))) == 5
    assert placed(nodes, [], build.pod_spec("1", **_spread("zone", 3))) == 7
    soft = _spread("zone", whenUnsatisfiable="ScheduleAnyway")
    assert placed(nodes, [], build.pod_spec("1", **soft)) == 10
    assert placed(nodes, build.pods(2, "n2"), build.pod_spec("1", **_spread("zone"))) == 3


def test_a_tainted_zone_counts_unless_taints_are_honoured() -> None:
    taint = [{"key": "a", "effect": "NoSchedule"}]
    nodes = [build.node("n1", labels={"zone": "a"}, taints=taint),
             build.node("n2", labels={"zone": "b"}), build.node("n3")]  # fmt: skip
    assert placed(nodes, [], build.pod_spec("1", **_spread("zone"))) == 1
    honoured = _spread("zone", nodeTaintsPolicy="Honor")
    assert placed(nodes, [], build.pod_spec("1", **honoured)) == 4
    few = _spread("zone", nodeTaintsPolicy="Honor", minDomains=2)
    assert placed(nodes, [], build.pod_spec("1", **few)) == 1


def test_replicas_take_the_room_of_those_after_them() -> None:
    nodes = Nodes([build.node(cpu="4")], [])
    template = build.workload(build.pod_spec("1")).spec.template
    first = nodes.place("wed", template, {"cpu": 1000}, 3)
    second = nodes.place("wed", template, {"cpu": 1000}, 3)
    assert (first.placed, second.placed, second.largest_node) == (3, 1, 4)


@st.composite
def _clusters(draw: st.DrawFn) -> tuple[list[Node], list[Pod], dict[str, Any]]:
    zones = st.sampled_from(["a", "b", "c"])
    nodes = [
        build.node(f"n{i}", cpu=str(draw(st.integers(0, 3))), labels={"zone": draw(zones)})
        for i in range(draw(st.integers(1, 4)))
    ]
    there = [pod for node in nodes for pod in build.pods(draw(st.integers(0, 1)),
                                                         node.metadata.name)]  # fmt: skip
    key = draw(st.sampled_from(["zone", "kubernetes.io/hostname"]))
    extra = draw(st.sampled_from([{}, {"affinity": _apart(key)}, _spread(key), _spread(key, 2)]))
    return nodes, there, build.pod_spec("1", **extra)


@given(_clusters())
def test_as_many_as_a_scheduler_that_tries_every_way(
    cluster: tuple[list[Node], list[Pod], dict[str, Any]],
) -> None:
    nodes, there, spec = cluster
    assert placed(nodes, there, spec) == _most(nodes, there, spec)


def _most(nodes: list[Node], there: list[Pod], spec: dict[str, Any]) -> int:
    """Place one Pod after the other, on every node that takes it: the longest way is the answer."""
    held = [sum(pod.spec.node_name == node.metadata.name for pod in there) for node in nodes]
    cpu = [int((node.status.allocatable or {})["cpu"]) for node in nodes]
    anti = spec.get("affinity")
    spread = spec.get("topologySpreadConstraints")
    term = (
        anti["podAntiAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"][0]
        if anti
        else spread[0] if spread else {"topologyKey": "kubernetes.io/hostname"}
    )  # fmt: skip
    domains = [(node.metadata.labels or {})[term["topologyKey"]] for node in nodes]

    def takes(counts: tuple[int, ...], at: int) -> bool:
        if counts[at] >= cpu[at]:
            return False
        by_domain = dict.fromkeys(domains, 0)
        for domain, count in zip(domains, counts, strict=True):
            by_domain[domain] += count
        if anti:
            return by_domain[domains[at]] == 0
        if spread:
            skew: int = spread[0]["maxSkew"]
            return by_domain[domains[at]] + 1 - min(by_domain.values()) <= skew
        return True

    seen: set[tuple[int, ...]] = set()
    ahead = [tuple(held)]
    most = 0
    while ahead:
        counts = ahead.pop()
        if counts in seen:
            continue
        seen.add(counts)
        most = max(most, sum(counts) - sum(held))
        for at in range(len(nodes)):
            if takes(counts, at):
                ahead.append((*counts[:at], counts[at] + 1, *counts[at + 1 :]))
    return most
