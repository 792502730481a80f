"""What would be short, were every target at its floor of the peak at once."""

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from gate.core.decision import Level
from gate.core.peaks import Beyond, Peak
from tests.room import build
from tests.room.build import AT, finding, holdings, hpa, node, only, pod_spec, pods, report

ROOMY = [node(f"n{i}", cpu="16") for i in range(4)]


def shop(spec: dict[str, Any] | None = None, **more: Any) -> Any:
    """Ten running Pods of ``shop`` on four nodes of 16 CPU."""
    return holdings(ROOMY, pods(10, spec=spec), [build.workload(spec)], **more)


def test_what_fits_is_said_with_its_figures() -> None:
    room = only(shop())
    assert (room.floor, room.peak, room.ready, room.add, room.fits) == (10, 50, 10, 40, True)
    assert room.findings == ()
    assert room.unconsidered == ()


@pytest.mark.parametrize(
    ("level", "annotations", "floor"),
    [
        (Level.NORMAL, {}, 10),
        (Level.HIGH, {}, 35),
        (Level.MAXIMUM, {}, 50),
        (Level.HIGH, {"rungs": "5,20,30"}, 20),
        (Level.MAXIMUM, {"rungs": "2,3,4"}, 10),
        (Level.NORMAL,
         {"held": '[{"id":"h","cause":"manual","min":44,"until":"2026-06-09T00:00:00Z","by":"ann",'
                  '"reason":"tasting"}]'}, 44),
        (Level.NORMAL,
         {"held": '[{"id":"h","cause":"manual","min":44,"until":"2026-06-07T00:00:00Z","by":"ann",'
                  '"reason":"tasting"}]'}, 10),
    ],
)  # fmt: skip
def test_the_peak_is_the_floor_that_pre_scaling_will_set(
    level: Level, annotations: dict[str, Any], floor: int
) -> None:
    assert only(shop(), hpa(**annotations), build.peak(level)).peak == floor


def test_pods_without_a_node_are_told_with_what_would_mend_it() -> None:
    held = holdings([node(cpu="16"), node("n2", unschedulable=True)], pods(10), [build.workload()])
    room = only(held)
    assert not room.fits
    found = finding(room, "nodes")
    assert (found.short, found.missing) == (True, 34)
    assert "34 of 40 more Pods find no node, each asking for 1 CPU" in found.message
    assert "(not: 1 cordoned)" in found.message
    assert "add 3 nodes" in found.mend
    assert "34 CPU" in found.mend


def test_pods_that_wait_for_a_node_need_one_too() -> None:
    held = holdings([node(cpu="16")], pods(10) + pods(4, on=""), [build.workload()])
    room = only(held, hpa(rungs="10,14,18"))
    assert (room.add, room.fits) == (8, False)
    assert finding(room, "nodes").missing == 2


def test_pods_that_are_going_count_as_gone() -> None:
    going = [
        replace(pod, metadata=replace(pod.metadata, deletion_timestamp="2026-06-08T00:00:00Z"))
        for pod in pods(10)
    ]
    assert only(holdings(ROOMY, going, [build.workload()])).add == 50


@pytest.mark.parametrize(
    ("nodes", "spec", "mend"),
    [
        ([node(labels={"pool": "db"})], pod_spec(nodeSelector={"pool": "web"}), "let nodes take"),
        ([node(cpu="4")], pod_spec("8"), "large enough for one (8 CPU)"),
        ([], pod_spec(), "let nodes take"),
    ],
)
def test_where_no_node_can_ever_take_one(nodes: list[Any], spec: dict[str, Any], mend: str) -> None:
    found = finding(only(holdings(nodes, (), [build.workload(spec)])), "nodes")
    assert found.missing == 50
    assert mend in found.mend


def test_two_targets_share_the_nodes() -> None:
    two = [build.workload(), build.workload(name="photos")]
    there = pods(10) + pods(10, "n1", name="photos")
    held = holdings([node("n1", cpu="20"), node("n2", cpu="50")], there, two)
    rooms = report(held, hpa(), hpa(name="photos")).targets
    missing = sum(f.missing or 0 for room in rooms for f in room.findings)
    assert missing == 40 + 40 - 50
    alone = report(held, hpa()).targets
    assert alone[0].fits


def test_two_autoscalers_of_one_workload_ask_for_it_once() -> None:
    twin = replace(hpa(rungs="10,20,30"), name="twin")
    rooms = report(shop(), hpa(), twin).targets
    assert [(room.name, room.peak, room.add) for room in rooms] == [
        ("shop", 50, 40), ("twin", 30, 40),
    ]  # fmt: skip


def test_a_quota_lets_in_what_is_left_of_it() -> None:
    counted = build.quota({"requests.cpu": "30", "pods": "100"},
                          {"requests.cpu": "10", "pods": "10"})  # fmt: skip
    found = finding(only(shop(quotas=(counted,))), "quota")
    assert found.missing == 20
    assert "lets in 20 of 40 more Pods: requests.cpu is 30, 10 CPU used" in found.message
    assert found.mend == "raise requests.cpu by 20 CPU"


@pytest.mark.parametrize(
    ("hard", "used", "missing"),
    [
        ({"pods": "45"}, {"pods": "10"}, 5),
        ({"count/pods": "45"}, {"count/pods": "45"}, 40),
        ({"cpu": "50"}, {"cpu": "10"}, None),
        ({"cpu": "49"}, {"cpu": "10"}, 1),
        ({"memory": "1Gi"}, {"memory": "0"}, 40),
        ({"limits.cpu": "1"}, {}, 40),
        ({"requests.storage": "0"}, {}, None),
        ({"services": "0"}, {}, None),
        ({"requests.nvidia.com/gpu": "0"}, {}, None),
    ],
)
def test_quotas_of_every_kind(
    hard: dict[str, str], used: dict[str, str], missing: int | None
) -> None:
    room = only(shop(quotas=(build.quota(hard, used),)))
    assert [each.missing for each in room.findings] == ([] if missing is None else [missing])


@pytest.mark.parametrize(
    ("scopes", "counts"),
    [
        ({}, True),
        ({"scopes": ["NotTerminating"]}, True),
        ({"scopes": ["Terminating"]}, False),
        ({"scopes": ["NotBestEffort"]}, True),
        ({"scopes": ["BestEffort"]}, False),
        ({"scopes": ["Unheard"]}, False),
        ({"scopeSelector": {"matchExpressions": [
            {"scopeName": "PriorityClass", "operator": "In", "values": ["wedding-critical"]}]}},
         True),
        ({"scopeSelector": {"matchExpressions": [
            {"scopeName": "PriorityClass", "operator": "NotIn", "values": ["wedding-critical"]}]}},
         False),
        ({"scopes": ["PriorityClass"]}, True),
        ({"scopeSelector": {"matchExpressions": [
            {"scopeName": "PriorityClass", "operator": "DoesNotExist"}]}}, False),
    ],
)  # fmt: skip
def test_a_quota_counts_within_its_scopes(scopes: dict[str, Any], counts: bool) -> None:
    spec = pod_spec(priorityClassName="wedding-critical")
    room = only(shop(spec, quotas=(build.quota({"pods": "10"}, {"pods": "10"}, **scopes),)))
    assert room.fits is not counts


def test_two_targets_share_a_quota() -> None:
    two = [build.workload(), build.workload(name="photos")]
    held = holdings(ROOMY * 3, pods(10) + pods(10, name="photos"), two,
                    quotas=(build.quota({"pods": "70"}, {"pods": "20"}),))  # fmt: skip
    rooms = report(held, hpa(), hpa(name="photos")).targets
    assert sum(f.missing or 0 for r in rooms for f in r.findings if f.code == "quota") == 30


def test_a_limit_range_that_refuses_new_pods() -> None:
    ranged = build.limits({"type": "Pod", "max": {"cpu": "500m"}})
    found = finding(only(shop(limit_ranges=(ranged,))), "limit-range")
    assert found.short
    assert "the Pod asks for more cpu than 500m" in found.message
    quiet = only(shop(limit_ranges=(ranged,)), most=build.peak(Level.NORMAL, 5))
    assert quiet.fits, "nothing has to be added"


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"minAvailable": 10}, "(minAvailable 10) lets no Pod go at a floor of 10:"),
        ({"minAvailable": 60}, "at a floor of 10 and 50:"),
        ({"minAvailable": "100%"}, "at a floor of 10 and 50:"),
        ({"maxUnavailable": 0}, "at a floor of 10 and 50:"),
        ({"maxUnavailable": "0%"}, "(maxUnavailable 0%) lets no Pod go"),
        ({"maxUnavailable": "1%"}, None),
        ({"maxUnavailable": "some"}, "(maxUnavailable some) lets no Pod go"),
        ({"minAvailable": "91%"}, "at a floor of 10:"),
        ({"minAvailable": 9}, None),
        ({}, None),
    ],
)
def test_a_budget_that_lets_no_pod_go(spec: dict[str, Any], said: str | None) -> None:
    room = only(shop(budgets=(build.budget(**spec),)))
    assert room.fits, "a budget keeps no Pod from being added"
    if said is None:
        assert room.findings == ()
    else:
        assert said in finding(room, "budget").message


def test_two_budgets_refuse_every_eviction() -> None:
    both = (build.budget("a", minAvailable=1), build.budget("b", maxUnavailable=1))
    assert (
        "2 PodDisruptionBudgets select its Pods (a, b)"
        in finding(only(shop(budgets=both)), "budget").message
    )


def test_autoscalers_that_cannot_hold_their_floor() -> None:
    missing = only(holdings(ROOMY, (), ()))
    assert "its scale target Deployment/shop is not there" in finding(missing, "target").message
    assert not missing.fits
    asleep = only(holdings(ROOMY, (), [build.workload(replicas=0)]))
    assert "stands at 0 replicas" in finding(asleep, "target").message
    assert not asleep.fits
    bad = only(shop(), hpa(rungs="35,10"))
    assert not bad.fits
    assert "rungs" in finding(bad, "target").message
    custom = only(shop(), hpa(scales="Rollout"))
    assert custom.fits
    assert "it scales a Rollout" in finding(custom, "target").message


def test_an_autoscaler_of_nothing_is_not_judged() -> None:
    room = only(shop(), replace(hpa(), scales=None))
    assert (room.ready, room.add, room.fits) == (None, 0, True)
    assert "it scales nothing" in finding(room, "target").message


def test_a_floor_that_others_keep_putting_back_is_short() -> None:
    text = '{"min":50,"max":50,"cause":"plan","again":2,"at":"2026-06-08T00:00:00Z"}'
    lowered = hpa(original='{"min":10,"max":50,"uid":"uid-shop"}', raised=text)
    found = finding(only(shop(), lowered), "target")
    assert (found.short, found.missing) == (True, 40)
    assert "put its floor back 2 times" in found.message


def test_a_maximum_below_the_peak_is_noted_and_no_shortfall() -> None:
    room = only(shop(), hpa(high=20))
    assert room.fits
    assert "maxReplicas is 20, below the peak of 50" in finding(room, "maximum").message


def test_demand_beyond_the_ceiling_is_short_of_the_whole() -> None:
    end = AT + timedelta(hours=2)
    most = Peak(at=AT, needed=62, level=Level.MAXIMUM, shortfall=12,
                beyond=(Beyond(start=AT, end=end, short=12),))  # fmt: skip
    told = report(shop(), most=most)
    assert told.short
    assert [(room, f.code, f.missing) for room, f in told.shortfalls()] == [(None, "ceiling", 12)]
    assert "needs 62 replicas, 12 beyond the ceiling of 50" in told.findings[0].message
    assert not report(shop()).short


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"volumes": [{"persistentVolumeClaim": {"claimName": "x"}}]}, "where its volumes are"),
        ({"runtimeClassName": "kata"}, "the overhead of runtime class kata"),
        ({"containers": [{"name": "a", "ports": [{"hostPort": 80}]}]}, "host ports"),
        ({"schedulerName": "mine"}, "the rules of scheduler mine"),
        ({"affinity": {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [
            {"topologyKey": "zone"}]}}}, "required Pod affinity"),
        ({"affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [
            {"topologyKey": "zone", "namespaceSelector": {}}]}}},
         "anti-affinity by a namespace selector"),
    ],
)  # fmt: skip
def test_what_is_not_looked_at_is_said(more: dict[str, Any], said: str) -> None:
    assert only(shop(pod_spec(**more))).unconsidered == (said,)
