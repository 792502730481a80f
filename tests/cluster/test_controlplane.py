"""The test control plane is a real one: what the other tests take for granted of it."""

from tests.controlplane.plane import ControlPlane


def test_version(control_plane: ControlPlane) -> None:
    assert control_plane.get("/version")["gitVersion"].startswith("v1.35.")
