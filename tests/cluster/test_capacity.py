"""`gate capacity` tells beforehand what the real scheduler and the real quotas then refuse."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from gate.service.scaling import room
from tests.cli.run import Outcome, gate
from tests.cluster.prescaling import MAXIMUM, Prescaling
from tests.cluster.roles import granted
from tests.controlplane.objects import deployment
from tests.controlplane.plane import PERSON, ControlPlane
from tests.postgres import fresh_schema

BEFORE = "2026-06-05T00:00:00Z"
FLOOR, CEILING = 10, 50


class Scene:
    """A namespace with a labelled HPA of ten Pods, and nodes that only its Pods may use."""

    def __init__(self, stage: Prescaling) -> None:
        self.stage = stage
        self.plane, self.namespace = stage.plane, stage.namespace

    def nodes(self, *zones: str) -> None:
        """A fake node a zone: 256 CPU each."""
        for number, zone in enumerate(zones):
            name = f"{self.namespace}-{number}"
            labels = {"pool": self.namespace, "topology.kubernetes.io/zone": zone,
                      "kubernetes.io/hostname": name}  # fmt: skip
            self.plane.request("POST", "/api/v1/nodes", {
                "apiVersion": "v1", "kind": "Node",
                "metadata": {"name": name, "labels": labels,
                             "annotations": {"kwok.x-k8s.io/node": "fake"}},
                "spec": {"taints": [{"key": "pool", "value": self.namespace,
                                     "effect": "NoSchedule"}]},
            }).ok()  # fmt: skip
        self.plane.wait_for("the nodes are ready", lambda: all(map(_is_ready, self._nodes())))

    def _nodes(self) -> list[Any]:
        selector = f"/api/v1/nodes?labelSelector=pool={self.namespace}"
        return list(self.plane.get(selector)["items"])

    def platform(self, cpu: str = "20", **spec: Any) -> None:
        """Deployment and HPA; ``spec`` goes into the Pods'."""
        document = deployment("web", self.namespace, replicas=FLOOR)
        template = document["spec"]["template"]["spec"]
        template["containers"][0]["resources"] = {"requests": {"cpu": cpu, "memory": "1Gi"}}
        template |= spec
        path = f"/apis/apps/v1/namespaces/{self.namespace}/deployments"
        self.plane.request("POST", path, document).ok()
        self.stage.hpa(low=FLOOR, high=CEILING)
        self.plane.wait_for(
            "its Pods are ready",
            lambda: self.plane.get(f"{path}/web")["status"].get("readyReplicas") == FLOOR,
        )

    def of_pool(self, **more: Any) -> dict[str, Any]:
        """What a Pod needs to run on the nodes of the scene."""
        toleration = {"key": "pool", "operator": "Exists", "effect": "NoSchedule"}
        return {"nodeSelector": {"pool": self.namespace}, "tolerations": [toleration], **more}

    def pods(self) -> list[Any]:
        return list(self.plane.get(f"/api/v1/namespaces/{self.namespace}/pods")["items"])

    def scheduled(self) -> int:
        return sum("nodeName" in pod["spec"] for pod in self.pods())

    def unschedulable(self) -> int:
        """Pods of which the scheduler has said that no node takes them."""
        return sum(
            condition["type"] == "PodScheduled" and condition.get("reason") == "Unschedulable"
            for pod in self.pods()
            for condition in pod["status"].get("conditions", ())
        )

    def capacity(self, *more: str, user: str | None = None) -> Outcome:
        """``gate capacity`` over the week of the peak."""
        inputs = ("--policy", self.stage.policy, "--calendar", self.stage.calendar)
        config = self.plane.kubeconfig(user) if user else self.plane.kubeconfig()
        where = ("--kubeconfig", config, "--namespace", self.namespace)
        return gate("capacity", *inputs, *where, "--at", BEFORE, "--days", "7", *more)

    def told(self, code: int) -> Any:
        """The one target of its JSON."""
        done = self.capacity("--json")
        assert done.code == code, done
        (target,) = done.json["targets"]
        return target


def _is_ready(node: Any) -> bool:
    conditions = node["status"].get("conditions", ())
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


@pytest.fixture
def scene(control_plane: ControlPlane, namespace: str, tmp_path: Path) -> Iterator[Scene]:
    yield Scene(Prescaling(control_plane, namespace, tmp_path))
    control_plane.request("DELETE", f"/api/v1/nodes?labelSelector=pool={namespace}")


def test_what_fits_is_said_and_then_stands(scene: Scene) -> None:
    scene.platform(cpu="100m")
    target = scene.told(code=0)
    assert (target["floor"], target["peak"], target["add"], target["fits"]) == (10, 50, 40, True)
    scene.stage.entry(MAXIMUM)
    scene.plane.wait_for("all have a node", lambda: scene.scheduled() == CEILING)


def test_the_scheduler_leaves_as_many_without_a_node_as_was_told(scene: Scene) -> None:
    scene.nodes("a", "a", "b")
    spread = {"topologyKey": "topology.kubernetes.io/zone", "maxSkew": 5,
              "whenUnsatisfiable": "DoNotSchedule",
              "labelSelector": {"matchLabels": {"app": "web"}}}  # fmt: skip
    scene.platform(**scene.of_pool(topologySpreadConstraints=[spread]))
    target = scene.told(code=3)
    (finding,) = target["findings"]
    # Twelve Pods of 20 CPU a node: twelve in zone b, and so at most seventeen in zone a.
    assert (finding["code"], finding["missing"]) == ("nodes", 50 - 12 - 17)
    scene.stage.entry(MAXIMUM)
    scene.plane.wait_for(
        "the scheduler has given up on as many",
        lambda: scene.unschedulable() == finding["missing"],
    )
    assert scene.scheduled() == CEILING - finding["missing"]
    again = scene.told(code=3)
    assert again["add"] == again["findings"][0]["missing"] == finding["missing"]


def test_cordoned_nodes_are_named(scene: Scene) -> None:
    scene.nodes("a", "b")
    scene.platform(**scene.of_pool())
    scene.plane.kubectl("cordon", f"{scene.namespace}-1", check=True)
    (finding,) = scene.told(code=3)["findings"]
    there = sum(p["spec"]["nodeName"].endswith("-0") for p in scene.pods())
    assert finding["missing"] == 40 - (12 - there)
    assert "1 cordoned" in finding["message"]


def test_a_quota_then_lets_in_as_many_as_was_told(scene: Scene) -> None:
    path = f"/api/v1/namespaces/{scene.namespace}/resourcequotas"
    scene.plane.request("POST", path, {
        "apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "team"},
        "spec": {"hard": {"requests.cpu": "3", "pods": "60"}},
    }).ok()  # fmt: skip
    scene.platform(cpu="100m")
    scene.plane.wait_for("the quota has counted", lambda: _used(scene) == "1")
    (finding,) = scene.told(code=3)["findings"]
    assert (finding["code"], finding["missing"]) == ("quota", 20)
    assert finding["mend"] == "raise requests.cpu by 2 CPU"
    scene.stage.entry(MAXIMUM)
    scene.plane.wait_for("the quota is full", lambda: len(scene.pods()) == 30)
    assert _used(scene) == "3"


def _used(scene: Scene) -> str:
    quota = scene.plane.get(f"/api/v1/namespaces/{scene.namespace}/resourcequotas/team")
    return str(quota["status"].get("used", {}).get("requests.cpu"))


def test_a_limit_range_refuses_what_was_told(scene: Scene) -> None:
    scene.platform(cpu="100m")
    path = f"/api/v1/namespaces/{scene.namespace}/limitranges"
    scene.plane.request("POST", path, {
        "apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "small"},
        "spec": {"limits": [{"type": "Container", "max": {"cpu": "50m"}}]},
    }).ok()  # fmt: skip
    (finding,) = scene.told(code=3)["findings"]
    assert finding["code"] == "limit-range"
    scene.stage.entry(MAXIMUM)
    scene.plane.wait_for("the refusal is an event", lambda: "FailedCreate" in _reasons(scene))
    assert len(scene.pods()) == FLOOR


def _reasons(scene: Scene) -> set[str]:
    events = scene.plane.get(f"/api/v1/namespaces/{scene.namespace}/events")["items"]
    return {each["reason"] for each in events}


def test_a_budget_that_lets_nothing_go_is_noted(scene: Scene) -> None:
    scene.platform(cpu="100m")
    path = f"/apis/policy/v1/namespaces/{scene.namespace}/poddisruptionbudgets"
    scene.plane.request("POST", path, {
        "apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "web"},
        "spec": {"minAvailable": 10, "selector": {"matchLabels": {"app": "web"}}},
    }).ok()  # fmt: skip
    target = scene.told(code=0)
    assert target["fits"]
    assert [(each["code"], each["short"]) for each in target["findings"]] == [("budget", False)]
    budget = f"{path}/web"
    scene.plane.wait_for(
        "the disruption controller has counted",
        lambda: scene.plane.get(budget)["status"].get("currentHealthy") == 10,
    )
    assert scene.plane.get(budget)["status"]["disruptionsAllowed"] == 0


def test_a_person_reads_a_line_a_target(scene: Scene) -> None:
    scene.nodes("a")
    scene.platform(**scene.of_pool())
    done = scene.capacity()
    assert done.code == 3
    lines = done.out.splitlines()
    assert lines[0].startswith("The next 7 days: at most 45 of 50 replicas needed, MAXIMUM from")
    (row,) = [line for line in lines if line.startswith(scene.namespace) and " NO" in line]
    assert row.split() == [scene.namespace, "web", "10", "50", "10", "40", "NO", "nodes"]
    assert any("SHORT 38 of 40 more Pods find no node" in line for line in lines)


def test_a_namespace_without_targets_fits(scene: Scene) -> None:
    done = scene.capacity()
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines()[-1] == "No target carries the label."


def test_who_may_not_ask_is_told_what_is_missing(scene: Scene) -> None:
    scene.platform(cpu="100m")
    done = scene.capacity("--json", user=PERSON)
    assert (done.code, done.out) == (4, "")
    assert "403" in done.err
    assert "cannot list" in done.err


def test_a_cluster_that_is_away_is_not_asked_in_vain(scene: Scene, tmp_path: Path) -> None:
    gone = tmp_path / "gone.kubeconfig"
    text = scene.plane.kubeconfig().read_text().replace(scene.plane.urls[0], "https://127.0.0.1:9")
    gone.write_text(text)
    inputs = ("--policy", scene.stage.policy, "--calendar", scene.stage.calendar)
    done = gate("capacity", *inputs, "--kubeconfig", gone, "--at", BEFORE)
    assert (done.code, done.out) == (4, "")
    assert "cannot list" in done.err


def test_the_rights_to_list_are_enough(scene: Scene) -> None:
    scene.platform(cpu="100m")
    rules = [
        {"apiGroups": [group], "resources": kinds, "verbs": ["list"]}
        for group, kinds in (
            ("", ["nodes", "pods", "resourcequotas", "limitranges"]),
            ("apps", ["deployments"]),
            ("policy", ["poddisruptionbudgets"]),
            ("keda.sh", ["scaledobjects"]),
            ("autoscaling", ["horizontalpodautoscalers"]),
        )
    ]
    inputs = ("--policy", scene.stage.policy, "--calendar", scene.stage.calendar)
    with granted(scene.plane, f"{scene.namespace}-capacity", *rules) as config:
        done = gate("capacity", *inputs, "--kubeconfig", config, "--at", BEFORE, "--json",
                    "--namespace", scene.namespace)  # fmt: skip
    assert (done.code, done.err) == (0, "")


def test_policy_and_calendar_of_a_database(scene: Scene) -> None:
    scene.platform(cpu="100m")
    where = ("--kubeconfig", scene.plane.kubeconfig(), "--namespace", scene.namespace)
    ahead = ("--at", BEFORE, "--json")
    with fresh_schema() as store, patch.dict(os.environ, {"GATE_SCHEMA": store.schema}):
        dsn = ("--dsn", store.dsn)
        empty = gate("capacity", *where, *dsn, *ahead)
        assert (empty.code, empty.out) == (4, "")
        assert empty.err
        stored = gate("policy", "import", scene.stage.policy, *dsn, "--activate", "--by", "ann")
        assert stored.code == 0, stored
        stored = gate("calendar", "import", scene.stage.calendar, *dsn, "--by", "ann")
        assert stored.code == 0, stored
        done = gate("capacity", *where, *dsn, *ahead)
    assert (done.code, done.json["peak"]["needed"]) == (0, 45)


def test_long_lists_come_in_pages(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "_PAGE", 3)
    scene.platform(cpu="100m")
    target = scene.told(code=0)
    assert (target["ready"], target["add"]) == (10, 40)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--namespace", ""), "--namespace"),
        (("--days", "0"), "--days"),
        (("--policy", "nowhere.yaml"), "nowhere.yaml"),
    ],
)
def test_bad_usage(scene: Scene, options: tuple[str, ...], said: str) -> None:
    done = scene.capacity(*options)
    assert (done.code, done.out) == (2, "")
    assert said in done.err


def test_nothing_to_go_by_is_bad_usage() -> None:
    done = gate("capacity", "--at", BEFORE)
    assert (done.code, done.out) == (2, "")
    assert "give --policy and --calendar, or a --dsn" in done.err
