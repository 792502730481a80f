"""The webhook is replaced, restarted, given a new certificate, and gone, behind the API server."""

import shutil
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest

from tests.cluster.gate import EXEMPT, HUMAN, Gate, gate_behind, kubectl, observed
from tests.cluster.gate_load import Load, rollbacks, settings
from tests.cluster.gate_manifests import SECOND, deployment, path_of
from tests.controlplane import webhooks
from tests.controlplane.plane import ControlPlane
from tests.controlplane.processes import free_port
from tests.webhook.test_lifecycle import alive, serial

pytestmark = pytest.mark.xdist_group("webhook")
_BOOKINGS = deployment("bookings")


@pytest.fixture
def opened(gate: Gate) -> Iterator[str]:
    """A namespace in which all is allowed."""
    with gate.plane.namespace("open") as name, gate.protected(name):
        yield name


def recorded(namespace: str, *gates: Gate) -> int:
    """How many of the load's changes the gates recorded.

    The API server asks again where its copy of an object was old: these may be more than were done.
    """
    found = [
        decision["id"]
        for each in gates
        for decision in each.decisions(namespace)
        if decision["request"]["actor"] == HUMAN.user
    ]
    assert len(set(found)) == len(found)
    return len(found)


def revised(plane: ControlPlane, namespace: str) -> str:
    """Make a Deployment that has a second revision; its path."""
    path = path_of(namespace, _BOOKINGS)
    plane.request("POST", path.rpartition("/")[0], _BOOKINGS).ok()
    plane.wait_for("the first revision is there", lambda: observed(plane, path))
    containers = [{"name": "app", "image": SECOND}]
    patch = {"spec": {"template": {"spec": {"containers": containers}}}}
    merge = "application/strategic-merge-patch+json"
    plane.request("PATCH", path, patch, content_type=merge).ok()
    plane.wait_for("the second revision is there", lambda: observed(plane, path))
    return path


def test_workers_are_replaced_without_a_failed_request(gate: Gate, opened: str) -> None:
    first = gate.server.workers()
    with Load(gate.plane, settings(gate.plane, opened)) as load:
        load.goes_on()
        gate.server.process.send_signal(signal.SIGHUP)
        load.goes_on(lambda: not any(map(alive, first)))
    assert load.failed == []
    assert recorded(opened, gate) >= load.done


def test_a_new_worker_knows_what_the_last_one_knew(gate: Gate) -> None:
    with gate.plane.namespace("locked") as namespace:
        path = revised(gate.plane, namespace)
        gate.knows_templates(namespace)
        with gate.protected(namespace), Load(gate.plane, rollbacks(path)) as load:
            load.goes_on()
            first = gate.server.workers()
            gate.server.process.send_signal(signal.SIGHUP)
            load.goes_on(lambda: not any(map(alive, first)))
        assert load.failed == []


def test_a_webhook_takes_the_place_of_another_without_a_failed_request(
    control_plane: ControlPlane, tmp_path: Path
) -> None:
    plane = control_plane
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    with plane.namespace("open") as opened, plane.namespace("locked") as locked:
        path = revised(plane, locked)
        with gate_behind(plane, first, "--workers", "2", "--reuse-port") as old:
            for name in ("server.crt", "server.key"):
                shutil.copy(first / name, second / name)
            there = ("--listen", f"127.0.0.1:{old.server.port}", "--reuse-port")
            old.knows_templates(locked)
            with old.protected(opened), old.protected(locked), ExitStack() as later:
                written, tried = settings(plane, opened), rollbacks(path)
                with Load(plane, written) as load, Load(plane, tried) as trials:
                    load.goes_on()
                    new = later.enter_context(
                        gate_behind(plane, second, *there, authority=old.server.authority)
                    )
                    load.goes_on()
                    assert old.server.stop() == 0
                    load.goes_on()
                assert load.failed + trials.failed == []
                assert recorded(opened, new) > 0
                assert recorded(opened, old, new) >= load.done


def test_the_certificate_is_swapped_without_a_failed_request(gate: Gate, opened: str) -> None:
    first = serial(gate.server)
    with Load(gate.plane, settings(gate.plane, opened)) as load:
        load.goes_on()
        gate.server.authority.issue("server", lasts=timedelta(days=3))
        load.goes_on(lambda: serial(gate.server) != first)
        # More clients than there are connections to the webhook: it is dialled anew.
        with Load(gate.plane, settings(gate.plane, opened, clients=8)) as more:
            more.goes_on()
    assert load.failed + more.failed == []


def test_what_cannot_be_judged_is_blocked_or_let_pass_as_configured(
    control_plane: ControlPlane,
) -> None:
    plane = control_plane
    nobody = f"https://127.0.0.1:{free_port()}/validate"
    image = ("set", "image", "deployment/bookings", f"app={SECOND}")
    label = ("label", "deployment/bookings", "a=b")
    with plane.namespace("open") as strict, plane.namespace("open") as lenient:
        for name in (strict, lenient):
            path = path_of(name, _BOOKINGS)
            plane.request("POST", path.rpartition("/")[0], _BOOKINGS).ok()
        with (
            webhooks.webhook(plane, nobody, namespace=strict),
            webhooks.webhook(plane, nobody, namespace=lenient, failure_policy="Ignore"),
        ):
            refused = kubectl(plane, HUMAN, *image, "--namespace", strict)
            assert refused.returncode == 1
            assert "failed calling webhook" in refused.stderr
            # Also what the gate would let pass, and whom: it cannot say so.
            assert kubectl(plane, HUMAN, *label, "--namespace", strict).returncode == 1
            assert kubectl(plane, EXEMPT, *label, "--namespace", strict).returncode == 1
            assert kubectl(plane, HUMAN, *image, "--namespace", lenient).returncode == 0
        done = kubectl(plane, HUMAN, *image, "--namespace", strict)
        assert (done.returncode, done.stderr) == (0, "")
