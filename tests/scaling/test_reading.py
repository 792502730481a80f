"""What an object of the API says of a target."""

import json

import pytest

from gate.cluster.scaling.reading import parse_rungs, read_target
from gate.cluster.scaling.values import FIELD_MANAGER, HPA, Range, Reference, Rungs
from tests.scaling.build import UID, document, scaled, target, written


def test_entries_of_a_list_need_not_name_their_kind() -> None:
    found = document(10, 30)
    del found["kind"]
    assert read_target(found, HPA).now == Range(10, 30)


@pytest.mark.parametrize("text", ["10,35,50", " 10, 35 ,50 ", "010,035,050"])
def test_rungs_are_three_numbers(text: str) -> None:
    assert parse_rungs(text) == Rungs(10, 35, 50)


def test_rungs_may_be_equal() -> None:
    assert parse_rungs("3,3,3") == Rungs(3, 3, 3)


@pytest.mark.parametrize("value", ["10", 1.5, True, -1])
def test_a_spec_that_is_no_number_of_replicas_is_an_error(value: object) -> None:
    found = scaled(1, 2)
    found["spec"]["minReplicaCount"] = value
    assert read_target(found).error == "spec.minReplicaCount is no number of replicas"


@pytest.mark.parametrize(
    "original",
    ["[]", '{"min": 1, "uid": "%s"}', '{"min": 9, "max": 3, "uid": "%s"}',
     '{"min": "1", "max": 2, "uid": "%s"}', '{"min": -1, "max": 2, "uid": "%s"}'],
)  # fmt: skip
def test_an_original_that_is_none_is_an_error(original: str) -> None:
    found = target(notes={"original": original.replace("%s", UID)})
    assert found.error is not None
    assert "saturday-gate.io/original" in found.error


def test_the_original_of_another_object_is_a_note_whatever_stood_there() -> None:
    found = target(notes={"original": json.dumps({"min": 1, "max": 2, "uid": "x"}), "raised": "{"})
    assert (found.error, found.original, found.raised) == (None, None, None)
    assert "uid x" in found.notes[0]


def test_the_writer_of_a_field_is_the_last_one_that_is_not_the_gate() -> None:
    found = written(document(10, 30), {"spec": {"minReplicas": 12}}, "argocd")
    assert read_target(found).managers == {"min": "argocd", "max": "kubectl"}
    found = written(found, {"spec": {"maxReplicas": 50}}, FIELD_MANAGER)
    assert read_target(found).managers == {"min": "argocd"}
    assert read_target(found).written_by_gate == {"max"}


def test_of_two_writers_the_later_is_named() -> None:
    found = document(10, 30)
    first = found["metadata"]["managedFields"][0]
    found["metadata"]["managedFields"].append(
        {**first, "manager": "applier", "time": "2026-05-01T00:00:00Z"}
    )
    assert read_target(found).managers["min"] == "kubectl"


def test_a_hold_that_cannot_be_read_holds_nothing() -> None:
    found = target(notes={"held": '[{"id": 1}]'})
    assert (found.holds, found.error) == ((), None)
    assert "saturday-gate.io/held" in found.notes[0]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"annotations": {"autoscaling.keda.sh/paused": "true"}}, "is paused"),
        ({"annotations": {"autoscaling.keda.sh/paused-replicas": "2"}}, "paused at 2 replicas"),
    ],
)
def test_a_paused_scaled_object_is_said(more: dict[str, object], said: str) -> None:
    assert said in target(1, 3, kind="ScaledObject", metadata=more).notes[0]


def test_a_scaled_object_that_idles_below_its_floor_is_said() -> None:
    found = scaled(1, 3)
    found["spec"]["idleReplicaCount"] = 0
    assert "goes to 0 replicas" in read_target(found).notes[0]


def test_conditions_that_hold_are_not_said() -> None:
    conditions = [{"type": "AbleToScale", "status": "True", "reason": "FailedGetScale"}]
    assert target(status={"conditions": conditions}).notes == ()


def test_what_it_scales_and_who_owns_it() -> None:
    owner = {"kind": "ScaledObject", "name": "web", "uid": "so", "controller": True}
    owner["apiVersion"] = "keda.sh/v1alpha1"
    other = {"kind": "App", "name": "web", "uid": "app", "controller": False}
    found = target(metadata={"ownerReferences": [other, owner]})
    assert found.scales == Reference("Deployment", "web")
    assert found.owner == Reference("ScaledObject", "web", "so")
