"""One target for each thing that is scaled by one writer."""

from typing import Any

from msgspec.structs import replace

from gate.cluster.scaling.joining import joined, unlisted_owners
from gate.cluster.scaling.values import Reference, Target
from tests.scaling.build import target


def owned(owner: str = "web", name: str = "keda-hpa-web", **more: Any) -> Target:
    reference = {
        "apiVersion": "keda.sh/v1alpha1",
        "kind": "ScaledObject",
        "name": owner,
        "uid": "s",
        "controller": True,
    }
    return target(name=name, uid="h", metadata={"ownerReferences": [reference]}, **more)


def scaler(uid: str = "s", **more: Any) -> Target:
    return target(1, 3, kind="ScaledObject", name="web", uid=uid, **more)


def test_an_autoscaler_of_a_scaled_object_is_that_one() -> None:
    labels: list[dict[str, Any]] = [{}, {"metadata": {"labels": {}}}]
    for more in labels:
        (only,) = joined([owned()], [scaler("s", **more)])
        assert (only.kind, only.uid) == ("ScaledObject", "s")


def test_scaled_objects_without_a_label_of_any_kind_are_none() -> None:
    assert joined([], [scaler(metadata={"labels": {}})]) == ()


def test_an_owner_that_is_gone_is_said_and_the_autoscaler_is_a_target() -> None:
    (only,) = joined([owned("other")], [scaler(metadata={"labels": {}})])
    assert only.kind == "HorizontalPodAutoscaler"
    assert only.notes == ("belongs to ScaledObject/other, which does not exist",)
    assert unlisted_owners([owned("other")], [scaler()])
    assert not unlisted_owners([owned()], [scaler()])


def test_an_owner_in_another_namespace_is_none() -> None:
    elsewhere = {"namespace": "elsewhere", "labels": {}}
    (only,) = joined([owned()], [scaler(metadata=elsewhere)])
    assert only.kind == "HorizontalPodAutoscaler"


def test_what_the_autoscaler_says_is_said_of_its_owner() -> None:
    conditions = [{"type": "ScalingActive", "status": "False", "reason": "ScalingDisabled"}]
    (only,) = joined([owned(status={"conditions": conditions})], [scaler()])
    assert only.notes[0].startswith("its autoscaler: its scale target stands at 0 replicas")


def test_two_that_scale_the_same_are_said_of_both() -> None:
    web = Reference("Deployment", "web")
    rivals = [replace(target(name=name, uid=name), scales=web) for name in ("one", "two")]
    rivals.append(target(name="three", uid="three"))
    one, three, two = joined(rivals, [])
    assert "HorizontalPodAutoscaler two" in one.notes[0]
    assert "HorizontalPodAutoscaler one" in two.notes[0]
    assert three.notes == ()


def test_targets_are_in_the_order_of_their_names() -> None:
    names = [each.name for each in joined([target(name=n, uid=n) for n in "bca"], [])]
    assert names == ["a", "b", "c"]
