"""`make cluster`: says where it is, works, is there once only, and leaves nothing behind."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.controlplane import programs
from tests.controlplane.running import ROOT


def cluster(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "scripts/cluster.py", "--api-only", "--folder", str(folder), *arguments],
        cwd=ROOT,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def read_until(running: subprocess.Popen[str], what: str) -> str:
    said = ""
    for line in running.stdout or ():
        said += line
        if what in line:
            return said
    raise AssertionError(f"{said}{running.communicate()[1]}")


def test_a_person_starts_uses_and_ends_it(tmp_path: Path) -> None:
    folder = tmp_path / "here"
    with cluster(folder) as running:
        said = read_until(running, "Ctrl-C ends it")
        assert f"export KUBECONFIG={folder}/admin.kubeconfig" in said
        for name, user in (("admin", "admin"), ("alice", "alice")):
            kubeconfig = {"KUBECONFIG": str(folder / f"{name}.kubeconfig"), "HOME": str(tmp_path)}
            whoami = [str(programs.kubectl()), "auth", "whoami"]
            asked = subprocess.run(
                [*whoami, "--output=jsonpath={.status.userInfo.username}"],
                env={"PATH": os.defpath, **kubeconfig},
                stdout=subprocess.PIPE,
                text=True,
                check=True,
            )
            assert asked.stdout == user
        with cluster(folder) as second:
            _, complaint = second.communicate()
        assert second.returncode == 1
        assert "one runs already" in complaint
        running.send_signal(signal.SIGINT)
        said, complaint = running.communicate()
    assert (running.returncode, complaint) == (0, "")
    assert said.endswith("ended\n")
    assert not folder.exists()


def test_what_does_not_start_says_why(tmp_path: Path) -> None:
    with cluster(tmp_path / "here", "--", "--no-such-flag") as running:
        _, complaint = running.communicate()
    assert running.returncode == 1
    assert "unknown flag: --no-such-flag" in complaint
    assert not (tmp_path / "here").exists()
