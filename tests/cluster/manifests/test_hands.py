"""People's commands under the role that the manifests have for them."""

import pytest

from tests.cli.run import gate
from tests.cluster.manifests.scene import Scene
from tests.cluster.manifests.stage import PLATFORM
from tests.cluster.manifests.test_rights import HPA, PHOTOS, _flat, bound, used_in_full
from tests.manifests import building
from tests.manifests.building import build
from tests.postgres import fresh_schema

pytestmark = pytest.mark.xdist_group("manifests")
ROLE = "saturday-gate-hands"


def test_floors_are_held_and_an_emergency_is_declared(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    kubeconfig = bound(scene.plane, "hand", ROLE)
    reason = ("--reason", "a fair", "--by", "hand")
    with fresh_schema() as target:
        monkeypatch.setenv("GATE_SCHEMA", target.schema)
        where = ("--kubeconfig", kubeconfig, "--dsn", target.dsn)
        for name in ("bookings", "photos"):
            held = gate("scale", "set", f"{PLATFORM}/{name}", "--min", 60, "--for", "2h",
                        *reason, *scene.inputs, *where)  # fmt: skip
            assert held.code == 0, held
        assert scene.plane.get(HPA)["spec"]["minReplicas"] == 60
        assert scene.plane.get(PHOTOS)["spec"]["minReplicaCount"] == 60
        # What is not among the labelled is asked for by name, to say why.
        unknown = gate("scale", "set", f"{PLATFORM}/nothing", "--min", 60, "--for", "2h",
                       *reason, *scene.inputs, *where)  # fmt: skip
        assert unknown.code == 2
        assert "there is no autoscaler" in unknown.err
        _, policy, *_ = scene.inputs
        for command in (("activate", "--policy", policy), ("deactivate",)):
            done = gate("emergency", *command, *reason, *where)
            assert done.code == 0, done
        for name in ("bookings", "photos"):
            released = gate("scale", "release", f"{PLATFORM}/{name}", *reason, *where)
            assert released.code == 0, released
    given = _flat(building.named(build("base"), "ClusterRole", ROLE)["rules"])
    used_in_full(scene, "hand", given)
