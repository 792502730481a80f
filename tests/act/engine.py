"""The Docker engine of the tests: found where one answers, else started by hand and ended again.

`DOCKER_HOST` says where, as for every Docker client; only a Unix socket can be served from here.
What was started is known by a file with its process id, and nothing else is ever ended.
"""

import os
import select
import shutil
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from scripts import caching

INSTALL = "apt-get install docker.io iptables"
START = "make engine"
SOCKET = "/var/run/docker.sock"
ATTEMPTS = (
    ("--storage-driver=overlay2",),
    # Without the right to make a bridge: containers have the host's network, or none.
    ("--storage-driver=overlay2", "--bridge=none", "--iptables=false"),
    # Where the data folder is itself an overlay.
    ("--storage-driver=vfs", "--bridge=none", "--iptables=false"),
)
_ANSWER_SECONDS = 20.0
_START_SECONDS = 60.0
_POLL_SECONDS = 0.2
_STOP_SECONDS = 30.0


class EngineError(Exception):
    """Docker cannot do what was asked; the text says why, and what would help."""


def docker(
    *arguments: str | Path, timeout_seconds: float = 600.0, stdin: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    """Run the client and keep what it says; raises `EngineError` where it fails."""
    command = ["docker", *(os.fspath(part) for part in arguments)]
    try:
        done = subprocess.run(
            command, input=stdin, capture_output=True, check=False, timeout=timeout_seconds
        )
    except subprocess.TimeoutExpired:
        text = f"{' '.join(command[:3])} took longer than {timeout_seconds:g} s"
        raise EngineError(text) from None
    if done.returncode:
        said = (done.stderr or done.stdout).decode(errors="replace").strip()[-2000:]
        raise EngineError(f"{' '.join(command[:3])} ended with {done.returncode}: {said}")
    return done


def socket_path() -> Path | None:
    """The Unix socket that clients use; None where `DOCKER_HOST` names another kind of place."""
    host = os.environ.get("DOCKER_HOST") or f"unix://{SOCKET}"
    return Path(host.removeprefix("unix://")) if host.startswith("unix://") else None


def missing() -> str | None:
    """Why no engine answers here, or None; nothing is started to find out."""
    if shutil.which("docker") is None:
        return "no program docker"
    try:
        docker("version", "--format", "{{.Server.Version}}", timeout_seconds=_ANSWER_SECONDS)
    except EngineError:
        return "no Docker engine answers"
    return None


def start(data_root: Path | None = None) -> bool:
    """Have an engine that answers; whether it was started by this call.

    Raises `EngineError` where it may not or cannot be started; the engine's log is named.
    """
    why = missing()
    if why is None:
        return False
    socket = socket_path()
    if socket is None:
        raise EngineError(f"{why} at {os.environ.get('DOCKER_HOST')}")
    if shutil.which("docker") is None or shutil.which("dockerd") is None:
        raise EngineError(f"no Docker here; install it with: {INSTALL}")
    if os.geteuid() != 0:
        raise EngineError(f"{why}, and only root can start one; as root: {START}")
    folder = _folder(socket)
    folder.mkdir(parents=True, exist_ok=True)
    for options in ATTEMPTS:
        if _started(options, socket, folder, data_root):
            return True
    log = folder / "dockerd.log"
    raise EngineError(f"dockerd does not come up; its last words, from {log}:\n{_tail(log)}")


def stop() -> bool:
    """End the engine that `start` started, and wait for its end; False where there is none."""
    socket = socket_path()
    if socket is None or (pid := _ours(_folder(socket))) is None:
        return False
    with suppress(ProcessLookupError):
        handle = os.pidfd_open(pid)
        try:
            os.kill(pid, signal.SIGTERM)
            if not select.select([handle], [], [], _STOP_SECONDS)[0]:
                os.kill(pid, signal.SIGKILL)
                select.select([handle], [], [])
        finally:
            os.close(handle)
    _record(_folder(socket)).unlink(missing_ok=True)
    return True


def _folder(socket: Path) -> Path:
    """What is kept of the engine at a socket; each has its own."""
    return caching.home() / "engine" / os.fspath(socket).strip("/").replace("/", "-")


def _record(folder: Path) -> Path:
    return folder / "started.pid"


def _ours(folder: Path) -> int | None:
    """The process that was started for this folder, if it still runs: its command names it."""
    with suppress(OSError, ValueError):
        pid = int(_record(folder).read_text())
        if os.fsencode(folder) in Path(f"/proc/{pid}/cmdline").read_bytes():
            return pid
    return None


def _started(options: Sequence[str], socket: Path, folder: Path, data_root: Path | None) -> bool:
    """Try one set of options; False where the engine ends by itself or does not answer."""
    socket.parent.mkdir(parents=True, exist_ok=True)
    command = [
        *("dockerd", *options, f"--host=unix://{socket}", f"--pidfile={folder / 'dockerd.pid'}"),
        *((f"--data-root={data_root}", f"--exec-root={data_root}/exec") if data_root else ()),
    ]
    with (folder / "dockerd.log").open("ab") as log:
        running = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    _record(folder).write_text(str(running.pid))
    for _ in range(int(_START_SECONDS / _POLL_SECONDS)):
        # The wait for its end is the pause between two questions.
        with suppress(subprocess.TimeoutExpired):
            running.wait(_POLL_SECONDS)
            break
        if missing() is None:
            # It outlives this program on purpose, so nobody will collect its end.
            running.returncode = 0
            return True
    if running.poll() is None:
        running.terminate()
        running.wait()
    _record(folder).unlink(missing_ok=True)
    return False


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-10:])
