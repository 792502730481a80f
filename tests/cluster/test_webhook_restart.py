"""The webhook is replaced, restarted, given a new certificate, and gone, behind the API server."""

import shutil
import signal
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.cluster.gate import EXEMPT, HUMAN, Gate, gate_behind, kubectl
from tests.cluster.gate_load import Changes
from tests.cluster.gate_manifests import deployment, path_of
from tests.controlplane.plane import ControlPlane
from tests.webhook.test_lifecycle import alive, serial

pytestmark = pytest.mark.xdist_group("webhook")


@pytest.fixture
def own(control_plane: ControlPlane, tmp_path: Path) -> Iterator[Gate]:
    """A gate that only this test has, with two workers; others may share its port."""
    with gate_behind(control_plane, tmp_path, "--workers", "2", "--reuse-port") as made:
        yield made


@pytest.fixture
def namespace(own: Gate) -> Iterator[str]:
    """A namespace that it is asked about, and in which all is allowed."""
    with own.plane.namespace("open") as name, own.protected(name):
        yield name


def recorded(namespace: str, *gates: Gate) -> int:
    """How many of the load's changes the gates recorded."""
    found = [
        decision["id"]
        for gate in gates
        for decision in gate.decisions(namespace)
        if decision["request"]["actor"] == HUMAN.user
    ]
    assert len(set(found)) == len(found)
    return len(found)


def test_workers_are_replaced_without_a_failed_request(own: Gate, namespace: str) -> None:
    first = set(own.server.workers())
    with Changes(own.plane, namespace) as changes:
        changes.wait_for()
        own.server.process.send_signal(signal.SIGHUP)
        changes.wait_for(lambda: not any(map(alive, first)))
    assert changes.failed == []
    assert recorded(namespace, own) == changes.done


def test_a_webhook_takes_the_place_of_another_without_a_failed_request(
    own: Gate, namespace: str, tmp_path: Path
) -> None:
    folder = tmp_path / "second"
    folder.mkdir()
    for name in ("server.crt", "server.key"):
        shutil.copy(own.server.folder / name, folder / name)
    there = ("--listen", f"127.0.0.1:{own.server.port}", "--reuse-port")
    with Changes(own.plane, namespace) as changes:
        changes.wait_for()
        second = gate_behind(own.plane, folder, *there, authority=own.server.authority)
        with second as successor:
            changes.wait_for()
            assert own.server.stop() == 0
            changes.wait_for()
            assert changes.failed == []
            assert recorded(namespace, successor) > 0
    assert recorded(namespace, own, successor) == changes.done


def test_the_certificate_is_swapped_without_a_failed_request(own: Gate, namespace: str) -> None:
    first = serial(own.server)
    with Changes(own.plane, namespace) as changes:
        changes.wait_for()
        own.server.authority.issue("server", lasts=timedelta(days=3))
        changes.wait_for(lambda: first not in {serial(own.server) for _ in range(4)})
        # More clients than there are connections to the webhook: it is dialled anew.
        with Changes(own.plane, namespace, clients=8) as more:
            more.wait_for()
    assert changes.failed + more.failed == []


def test_what_cannot_be_judged_is_blocked_or_let_pass_as_configured(own: Gate) -> None:
    image = ("set", "image", "deployment/bookings", "app=registry.example/app:2")
    with own.plane.namespace("open") as strict, own.plane.namespace("open") as lenient:
        for name in (strict, lenient):
            collection = path_of(name, deployment("bookings")).rpartition("/")[0]
            own.plane.request("POST", collection, deployment("bookings")).ok()
        with own.protected(strict), own.protected(lenient, failure_policy="Ignore"):
            assert own.server.stop() == 0
            refused = kubectl(own.plane, HUMAN, *image, "--namespace", strict)
            assert refused.returncode == 1
            assert "failed calling webhook" in refused.stderr
            # Also for what the gate would let pass, and for whom: it cannot say so.
            label = ("label", "deployment/bookings", "a=b")
            assert kubectl(own.plane, HUMAN, *label, "--namespace", strict).returncode == 1
            assert kubectl(own.plane, EXEMPT, *label, "--namespace", strict).returncode == 1
            assert kubectl(own.plane, HUMAN, *image, "--namespace", lenient).returncode == 0
            with gate_behind(
                own.plane, own.server.folder, "--listen", f"127.0.0.1:{own.server.port}",
                authority=own.server.authority,
            ):  # fmt: skip
                allowed = kubectl(own.plane, HUMAN, *image, "--namespace", strict)
                assert (allowed.returncode, allowed.stderr) == (0, "")
