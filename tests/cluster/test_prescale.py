"""`gate prescale --once` on a real API server with the real HPA controller."""

from pathlib import Path

import pytest

from tests.cluster.prescaling import (
    HIGH,
    MAXIMUM,
    NORMAL,
    Prescaling,
    moved,
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
    version = stage.read()["metadata"]["resourceVersion"]
    again = stage.entry(HIGH)
    assert (again["changed"], moved(again)) == (False, (35, 40, 35, 40))
    back = stage.entry(NORMAL)
    assert (moved(back), back["changed"]) == ((35, 40, 10, 40), True)
    assert (stage.range(), stage.notes()) == ((10, 40), {})
    assert version
    assert stage.entry(NORMAL)["changed"] is False
