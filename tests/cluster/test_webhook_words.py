"""What people read in their terminal: refusals, warnings, and nothing where there is nothing."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster import gate_policy
from tests.cluster.gate import AUTOMATION, HUMAN, Caller, Gate, gate_behind, kubectl, settled
from tests.cluster.gate_manifests import SECOND, deployment
from tests.controlplane.plane import ControlPlane

pytestmark = pytest.mark.xdist_group("webhook")
LONGEST_WARNING = 120
_NAME = "bookings"
IMAGE = ("set", "image", f"deployment/{_NAME}", f"app={SECOND}")
RESTART = ("rollout", "restart", f"deployment/{_NAME}")


@pytest.fixture
def place(gate: Gate, request: pytest.FixtureRequest) -> Iterator[str]:
    """A protected namespace of the phase that the test names, with one Deployment."""
    with gate.plane.namespace(request.param) as namespace:
        arrange(gate.plane, namespace)
        with gate.protected(namespace):
            yield namespace


def arrange(plane: ControlPlane, namespace: str) -> None:
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments"
    plane.request("POST", path, deployment(_NAME)).ok()
    plane.wait_for("the controllers are done", lambda: settled(plane, namespace))


def ran(
    gate: Gate, caller: Caller, namespace: str, *arguments: str
) -> subprocess.CompletedProcess[str]:
    return kubectl(gate.plane, caller, "--namespace", namespace, *arguments)


def warnings_in(said: str) -> list[str]:
    """The warnings that kubectl printed."""
    return re.findall(r"^Warning: (.*)$", said, re.MULTILINE)


@pytest.mark.parametrize("place", ["locked"], indirect=True)
def test_a_refusal_says_what_until_when_what_else_and_whom(gate: Gate, place: str) -> None:
    done = ran(gate, HUMAN, place, *IMAGE)
    assert done.returncode == 1
    assert done.stdout == ""
    first, *rest = done.stderr.rstrip("\n").split("\n")
    window = gate.windows.locked
    assert "admission webhook" in first
    assert f"deploy of {_NAME} in {place} is denied until" in first
    assert gate_policy.local(window.end) in first
    assert gate_policy.HOME in first
    assert f"window {window.name}" in first
    still = first.partition("Still allowed: ")[2].partition(".")[0]
    assert still.split(", ") == gate_policy.allowed("locked", "human")
    assert "sre-lead" in first
    told = "\n".join(rest)
    command = next(line for line in rest if "gate override grant" in line)
    for words in (
        f"--namespace {place}", f"--service {_NAME}", "--actions deploy", "--roles sre-lead",
        f"--environment {gate_policy.ENVIRONMENT}",
    ):  # fmt: skip
        assert words in command
    (decision,) = gate.decisions(place)
    assert decision["id"] in told
    assert "\\n" not in done.stderr
    assert "\\u" not in done.stderr


@pytest.mark.parametrize("place", ["locked"], indirect=True)
def test_a_pipeline_is_not_sent_to_an_override_that_it_cannot_have(gate: Gate, place: str) -> None:
    done = ran(gate, AUTOMATION, place, "delete", "deployment", _NAME)
    assert done.returncode == 1
    assert "(Forbidden)" in done.stderr
    assert "gate override grant" not in done.stderr
    still = done.stderr.partition("Still allowed: ")[2].partition(".")[0]
    assert still.split(", ") == gate_policy.allowed("locked", "automation")


@pytest.mark.parametrize("place", ["locked"], indirect=True)
def test_what_a_lock_allows_is_not_warned_of(gate: Gate, place: str) -> None:
    done = ran(gate, HUMAN, place, *RESTART)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("place", ["lead"], indirect=True)
def test_the_lead_warns_of_the_lock(gate: Gate, place: str) -> None:
    done = ran(gate, HUMAN, place, "scale", f"deployment/{_NAME}", "--replicas=1")
    assert done.returncode == 0, done.stderr
    told = warnings_in(done.stderr)
    assert told
    assert all(len(each) <= LONGEST_WARNING for each in told)
    text = "\n".join(told)
    assert gate.windows.lead.name in text
    assert gate_policy.local(gate.windows.lead.start) in text


@pytest.mark.parametrize("place", ["soon"], indirect=True)
def test_who_will_be_refused_tomorrow_is_told_today(gate: Gate, place: str) -> None:
    done = ran(gate, HUMAN, place, *IMAGE)
    assert done.returncode == 0, done.stderr
    (told,) = warnings_in(done.stderr)
    assert len(told) <= LONGEST_WARNING
    begins = gate.windows.soon.start - gate_policy.LEAD
    assert "deploy will be denied" in told
    assert gate_policy.local(begins) in told
    # A restart is allowed throughout.
    done = ran(gate, HUMAN, place, *RESTART)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("place", ["open"], indirect=True)
def test_nothing_is_said_where_nothing_is_near(gate: Gate, place: str) -> None:
    done = ran(gate, HUMAN, place, *IMAGE)
    assert (done.returncode, done.stderr) == (0, "")


def test_mode_warn_blocks_nothing_and_says_so(control_plane: ControlPlane, tmp_path: Path) -> None:
    with (
        control_plane.namespace("locked") as namespace,
        gate_behind(control_plane, tmp_path, mode="warn") as gate,
    ):
        arrange(control_plane, namespace)
        with gate.protected(namespace):
            done = ran(gate, HUMAN, namespace, *IMAGE)
        assert done.returncode == 0, done.stderr
        told = warnings_in(done.stderr)
        assert all(len(each) <= LONGEST_WARNING for each in told)
        assert "would be denied" in told[0]
        assert gate_policy.local(gate.windows.locked.end) in told[0]
        (decision,) = gate.decisions(namespace)
        assert (decision["verdict"], decision["effect"]) == ("deny", "warn")
