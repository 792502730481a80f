"""A control plane of one's own can be broken and mended, and leaves nothing behind."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cluster.conftest import Start
from tests.controlplane import objects
from tests.controlplane.plane import ControlPlane
from tests.controlplane.processes import ControlPlaneError, wait_for
from tests.controlplane.running import ROOT

CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"
START_AND_SAY = """
import sys, time
from pathlib import Path
from tests.controlplane.running import started
with started(Path(sys.argv[1])) as running:
    print(*(process.pid for process in running.processes()), flush=True)
    sys.stdin.read()
"""
SHARE = """
import sys
from pathlib import Path
from tests.controlplane.shared import shared
with shared(Path(sys.argv[1])) as plane:
    print(plane.urls[0], plane.ready_nodes(), flush=True)
    sys.stdin.read()
"""


def keep(plane: ControlPlane, name: str, *, server: int = 0) -> None:
    body = objects.config_map(name, "default")
    plane.request("POST", CONFIG_MAPS, body, server=server).ok()


def kept(plane: ControlPlane, name: str, *, server: int = 0) -> bool:
    return plane.request("GET", f"{CONFIG_MAPS}/{name}", server=server).status == 200


def lives(pid: int) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def python(code: str, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )


def test_what_was_written_outlives_api_server_and_etcd(own_control_plane: Start) -> None:
    with own_control_plane() as running:
        plane, server = running.plane, running.api_servers[0]
        keep(plane, "before")
        running.restart(server)
        assert kept(plane, "before")
        running.etcd.kill()
        wait_for("the API server notices", lambda: not plane.is_ready())
        running.etcd.start()
        running.wait_ready()
        assert kept(plane, "before")
        server.pause()
        with pytest.raises(TimeoutError):
            plane.request("GET", CONFIG_MAPS, seconds=0.5)
        server.resume()
        assert kept(plane, "before")


def test_two_api_servers_have_a_lease_each_and_one_can_go(own_control_plane: Start) -> None:
    with own_control_plane(api_servers=2) as running:
        plane = running.plane
        keep(plane, "here")
        assert kept(plane, "here", server=1)
        leases = plane.identity_leases()
        assert len({each["metadata"]["name"] for each in leases}) == len(leases) == 2
        running.api_servers[0].terminate()
        keep(plane, "there", server=1)
        with pytest.raises(ConnectionRefusedError):
            kept(plane, "there")
        running.wait_ready()


def test_flags_of_the_api_server_are_passed_on(own_control_plane: Start, tmp_path: Path) -> None:
    with (
        pytest.raises(ControlPlaneError, match="unknown flag: --no-such-flag"),
        own_control_plane(api_server_flags=["--no-such-flag"]),
    ):
        pass
    assert [path.name for path in (tmp_path / "plane").iterdir()] == ["logs"]


def test_nothing_is_left_where_the_program_is_killed(tmp_path: Path) -> None:
    folder = tmp_path / "plane"
    with python(START_AND_SAY, folder) as program:
        assert program.stdout is not None
        pids = [int(pid) for pid in program.stdout.readline().split()]
        assert len(pids) == 2
        assert all(map(lives, pids))
        program.send_signal(signal.SIGKILL)
    wait_for("the processes are gone", lambda: not any(map(lives, pids)), seconds=10)
    wait_for("the folder is gone", lambda: not folder.exists(), seconds=10)


def test_processes_share_one_until_the_last_has_gone(tmp_path: Path) -> None:
    with python(SHARE, tmp_path) as one, python(SHARE, tmp_path) as other:
        said = [program.stdout.readline() for program in (one, other) if program.stdout]
        assert said[0] == said[1]
        assert said[0].startswith("https://127.0.0.1:")
        assert said[0].endswith(" 5\n")
        one.kill()
        one.wait()
        folder = tmp_path / "controlplane-0"
        assert ControlPlane.load(folder).is_ready()
        other.communicate()
    wait_for(
        "only the logs are left",
        lambda: [path.name for path in folder.iterdir()] == ["logs"],
        seconds=10,
    )
