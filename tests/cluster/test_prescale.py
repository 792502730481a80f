"""`gate prescale --once` on a real API server with the real HPA controller."""

from pathlib import Path

import pytest

from tests.cli.run import gate
from tests.cluster.prescaling import (
    HIGH,
    HPAS,
    MAXIMUM,
    NORMAL,
    SCALED,
    Prescaling,
    moved,
    with_keda,
)
from tests.controlplane.plane import ControlPlane


@pytest.fixture
def stage(control_plane: ControlPlane, namespace: str, tmp_path: Path) -> Prescaling:
    return Prescaling(control_plane, namespace, tmp_path)


def test_the_floor_follows_the_levels_and_comes_back(stage: Prescaling) -> None:
    stage.deployment(replicas=10)
    uid = stage.hpa(low=10, high=40)["metadata"]["uid"]
    assert stage.entry(NORMAL) == {
        "namespace": stage.namespace,
        "name": "web",
        "kind": "HorizontalPodAutoscaler",
        "from": {"min": 10, "max": 40},
        "to": {"min": 10, "max": 40},
        "level": "NORMAL",
        "changed": False,
    }
    high = stage.entry(HIGH)
    assert (moved(high), high["level"], high["changed"]) == ((10, 40, 35, 40), "HIGH", True)
    assert stage.notes()["original"] == {"min": 10, "max": 40, "uid": uid}
    stage.plane.wait_for(
        "the HPA controller to follow",
        lambda: stage.read()["status"].get("desiredReplicas") == 35,
        seconds=30,
    )
    assert moved(stage.entry(MAXIMUM)) == (35, 40, 50, 50)
    assert stage.notes()["original"] == {"min": 10, "max": 40, "uid": uid}
    assert moved(stage.entry(HIGH)) == (50, 50, 35, 40)
    again = stage.entry(HIGH)
    assert (again["changed"], moved(again)) == (False, (35, 40, 35, 40))
    back = stage.entry(NORMAL)
    assert (moved(back), back["changed"]) == ((35, 40, 10, 40), True)
    assert (stage.range(), stage.notes()) == ((10, 40), {})
    assert stage.entry(NORMAL)["changed"] is False


def test_a_dry_run_says_the_same_and_writes_nothing(stage: Prescaling) -> None:
    before = stage.hpa()
    rehearsed = stage.entry(MAXIMUM, "--dry-run")
    assert stage.read()["metadata"]["resourceVersion"] == before["metadata"]["resourceVersion"]
    assert rehearsed == stage.entry(MAXIMUM)
    assert rehearsed["changed"] is True
    assert stage.entry(NORMAL, "--dry-run")["to"] == {"min": 10, "max": 30}
    assert stage.range() == (50, 50)


def test_floor_and_ceiling_move_in_one_write_of_the_gate_s_own(stage: Prescaling) -> None:
    stage.hpa()
    stage.entry(MAXIMUM)
    stage.entry(NORMAL)

    def patches() -> list[str]:
        return [
            event["requestURI"]
            for event in stage.plane.audit_events(stage.namespace)
            if event["verb"] == "patch" and event["stage"] == "ResponseComplete"
        ]

    stage.plane.wait_for("both writes in the audit log", lambda: len(patches()) >= 2)
    assert len(patches()) == 2
    assert all("fieldManager=saturday-gate-prescale" in uri for uri in patches())


def test_own_rungs_replace_the_policy_s_and_bad_ones_leave_a_target_alone(
    stage: Prescaling,
) -> None:
    stage.hpa("good", low=2, high=4, annotations={"saturday-gate.io/rungs": "2,5,9"})
    stage.hpa("bad", low=2, high=4, annotations={"saturday-gate.io/rungs": "9,5,2"})
    stage.hpa("plain", low=2, high=4)
    done = stage.run(HIGH)
    assert done.code == 4
    bad, good, plain = done.json
    assert (bad["changed"], moved(bad)) == (False, (2, 4, 2, 4))
    assert "rungs" in bad["error"]
    assert moved(good) == (2, 4, 5, 5)
    assert moved(plain) == (2, 4, 35, 35)
    assert stage.run(NORMAL).code == 4
    assert [stage.range(name) for name in ("bad", "good", "plain")] == [(2, 4)] * 3


def test_a_lowered_floor_is_raised_again_twice_and_then_left(stage: Prescaling) -> None:
    stage.hpa()
    stage.entry(HIGH)
    for again in (1, 2):
        stage.change(minReplicas=12, manager="argocd-controller")
        assert moved(stage.entry(HIGH)) == (12, 35, 35, 35)
        assert stage.notes()["raised"]["again"] == again
    stage.change(minReplicas=12, manager="argocd-controller")
    left = stage.entry(HIGH, code=4)
    assert (left["changed"], moved(left)) == (False, (12, 35, 12, 35))
    assert "argocd-controller" in left["error"]
    released = stage.entry(NORMAL)
    assert released["kept"] == "changed by argocd-controller"
    assert stage.range() == (12, 30)
    assert stage.notes() == {}


def test_a_raised_value_that_somebody_raised_is_kept(stage: Prescaling) -> None:
    stage.hpa()
    stage.entry(MAXIMUM)
    stage.change(minReplicas=55, maxReplicas=80, manager="kubectl-edit")
    above = stage.entry(MAXIMUM)
    assert (above["changed"], moved(above)) == (False, (55, 80, 55, 80))
    released = stage.entry(NORMAL)
    assert (released["kept"], released["changed"]) == ("changed by kubectl-edit", False)
    assert (stage.range(), stage.notes()) == ((55, 80), {})
    assert "kept" not in stage.entry(NORMAL)


def test_a_copy_of_a_raised_target_has_its_own_values(stage: Prescaling) -> None:
    uid = stage.hpa()["metadata"]["uid"]
    stage.entry(MAXIMUM)
    annotations = stage.read()["metadata"]["annotations"]
    stage.plane.request("DELETE", f"{HPAS.format(stage.namespace)}/web").ok()
    stage.hpa(low=20, high=50, annotations=annotations)
    entry = stage.entry(NORMAL)
    assert (entry["changed"], moved(entry)) == (False, (20, 50, 20, 50))
    assert uid in entry["note"]
    stage.entry(MAXIMUM)
    assert stage.notes()["original"]["min"] == 20
    stage.entry(NORMAL)
    assert stage.range() == (20, 50)


def test_keda_s_objects_are_patched_themselves(stage: Prescaling) -> None:
    with_keda(stage.plane)
    owner = stage.scaled_object("owner", labels={}, minReplicaCount=3, maxReplicaCount=8)
    stage.scaled_object("bare")
    reference = {
        "apiVersion": "keda.sh/v1alpha1",
        "kind": "ScaledObject",
        "name": "owner",
        "uid": owner["metadata"]["uid"],
        "controller": True,
    }
    stage.hpa("keda-hpa-owner", low=3, high=8, ownerReferences=[reference])
    bare, owned = stage.run(HIGH).json
    assert (bare["kind"], owned["kind"]) == ("ScaledObject", "ScaledObject")
    assert (bare["name"], owned["name"]) == ("bare", "owner")
    assert (moved(bare), moved(owned)) == ((0, 100, 35, 100), (3, 8, 35, 35))
    assert stage.range("keda-hpa-owner") == (3, 8)
    assert not any(entry["changed"] for entry in stage.run(HIGH).json)
    assert stage.run(NORMAL).code == 0
    assert stage.read("bare", SCALED)["spec"] == {"scaleTargetRef": {"name": "bare"}}
    restored = stage.read("owner", SCALED)
    assert restored["spec"]["minReplicaCount"] == 3
    assert not restored["metadata"].get("annotations")


def test_what_stands_in_the_way_of_a_floor_is_said(stage: Prescaling) -> None:
    stage.deployment("stopped", replicas=0)
    stage.deployment("shared", replicas=1)
    stage.hpa("stopped", low=1, high=3)
    stage.hpa("missing", low=1, high=3)
    for name in ("one", "two"):
        stage.hpa(name, low=1, high=3, scales="shared")

    def told() -> bool:
        statuses = [stage.read(name)["status"] for name in ("stopped", "missing")]
        return all(status.get("conditions") for status in statuses)

    stage.plane.wait_for("the HPA controller to look at them", told, seconds=30)
    done = stage.run(HIGH)
    notes = {entry["name"]: entry["note"] for entry in done.json}
    assert done.code == 0
    assert all(entry["changed"] for entry in done.json)
    assert "0 replicas" in notes["stopped"]
    assert "not found" in notes["missing"]
    assert "HorizontalPodAutoscaler two" in notes["one"]


def test_people_see_a_table_with_remarks(stage: Prescaling) -> None:
    stage.hpa("web")
    stage.hpa("bad", annotations={"saturday-gate.io/rungs": "none"})
    where = ("--kubeconfig", stage.plane.kubeconfig(), "--namespace", stage.namespace)
    words = ("prescale", "--policy", stage.policy, "--calendar", stage.calendar, "--once")
    done = gate(*words, *where, "--at", HIGH)
    assert done.code == 4
    assert done.out.startswith(
        "HIGH at 2026-06-10T12:00:00Z (booked load needs up to 20 replicas): 1 of 2 targets moved"
    )
    assert "10 → 35" in done.out
    assert f"{stage.namespace}/bad: error: annotation saturday-gate.io/rungs" in done.out
    assert "would move" in gate(*words, *where, "--at", NORMAL, "--dry-run").out
    stage.calendar.write_text("nonsense\n")
    done = gate(*words, *where, "--at", HIGH)
    assert "fallback" in done.out
    assert "floors are raised to the fallback" in done.err


def test_a_namespace_without_targets_is_said(stage: Prescaling) -> None:
    listed = stage.run(HIGH)
    assert (listed.code, listed.json) == (0, [])
    assert "no target carries the label" in listed.err
    where = ("--kubeconfig", stage.plane.kubeconfig(), "--namespace", stage.namespace)
    words = ("prescale", "--policy", stage.policy, "--calendar", stage.calendar, "--once")
    done = gate(*words, *where)
    assert done.code == 0
    assert "no target carries the label" in done.out


def test_a_list_of_several_pages_is_read_to_its_end(
    stage: Prescaling, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gate.service.scaling.cluster._PAGE", 3)
    names = [f"web-{number}" for number in range(8)]
    for name in names:
        stage.hpa(name)
    assert [entry["name"] for entry in stage.run(HIGH).json] == names
