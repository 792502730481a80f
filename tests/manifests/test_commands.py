"""The commands of pods that are not the gate's own: they do what the manifests want of them."""

import http.client
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tests.controlplane.processes import free_port, wait_for
from tests.manifests import building
from tests.manifests.building import build

IMAGES_PYTHON, FOLDER = "/opt/gate/bin/python", "/run/gate"


def container(name: str) -> Any:
    """A container of the fallback worker's pods."""
    template = building.template_of(
        building.named(build("base"), "Deployment", "saturday-gate-fallback")
    )
    assert template is not None
    (found,) = (each for each in template["spec"]["containers"] if each["name"] == name)
    return found


def here(command: list[str], folder: Path) -> list[str]:
    """The command with this Python and a folder of the test's."""
    assert command[0] == IMAGES_PYTHON
    return [sys.executable, *(each.replace(FOLDER, str(folder)) for each in command[1:])]


def test_the_figures_are_handed_out_as_text(tmp_path: Path) -> None:
    (tmp_path / "fallback.txt").write_text("gate_fallback_namespaces 1\n")
    figures, port = container("figures"), free_port()
    assert figures["command"][-1] == str(figures["ports"][0]["containerPort"])
    command = [*here(figures["command"][:-1], tmp_path), str(port)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as server:
        try:
            answer = _get(port)
        finally:
            server.terminate()
    assert answer == (200, "text/plain", "gate_fallback_namespaces 1\n")


def _get(port: int) -> tuple[int, str, str]:
    found: list[tuple[int, str, str]] = []

    def asked() -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", "/fallback.txt")
            answer = connection.getresponse()
            found.append((answer.status, answer.headers.get_content_type(), answer.read().decode()))
        except ConnectionRefusedError:
            return False
        finally:
            connection.close()
        return True

    wait_for("the server answers", asked, seconds=20)
    return found[0]


def test_a_worker_that_stands_still_is_found(tmp_path: Path) -> None:
    probe = here(container("fallback")["livenessProbe"]["exec"]["command"], tmp_path)
    figures = tmp_path / "fallback.txt"
    figures.write_text("")
    assert subprocess.run(probe, check=False, capture_output=True).returncode == 0
    old = time.time() - 300
    os.utime(figures, (old, old))
    assert subprocess.run(probe, check=False, capture_output=True).returncode == 1
    figures.unlink()
    assert subprocess.run(probe, check=False, capture_output=True).returncode == 1
