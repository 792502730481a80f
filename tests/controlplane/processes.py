"""Processes of a control plane: started with their logs, paused, killed, started again."""

import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

POLL_SECONDS = 0.05
LOG_LINES = 25
# Below the ports that Linux gives to outgoing connections, which could take one at any moment.
_PORTS = range(20_000, 32_000)
# The shell names itself before it becomes the program: whoever cleans up can miss none.
_RECORD = 'echo $$ >"$0.new" && mv "$0.new" "$0" && exec "$@"'


class ControlPlaneError(Exception):
    """A part of the control plane does not do what it should; the text has the end of its log."""


def free_port() -> int:
    """A port of 127.0.0.1 that nothing listens on now."""
    chooser = random.SystemRandom()
    while True:
        port = chooser.choice(_PORTS)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port


def wait_for(what: str, answer: Callable[[], object], *, seconds: float = 60.0) -> None:
    """Ask until the answer is true; raises `TimeoutError` where it is not in time."""
    deadline = time.monotonic() + seconds
    while not answer():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds:g} s: {what}")
        time.sleep(POLL_SECONDS)


def tail(log: Path, lines: int = LOG_LINES) -> str:
    """The last lines of a log, each after the log's name."""
    if not log.exists():
        return f"  (no {log.name})"
    kept = log.read_text(errors="replace").splitlines()[-lines:]
    return "\n".join(f"  {log.stem}: {line}" for line in kept)


@dataclass
class Process:
    """One program of the control plane. It can be started again after its end, as it was."""

    name: str
    command: list[str]
    folder: Path
    """Its log is ``logs/NAME.log`` in here, its process id in ``pids/NAME``."""
    environment: Mapping[str, str] = field(default_factory=dict)
    _running: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def log(self) -> Path:
        """Where its output goes; a new start appends."""
        return self.folder / "logs" / f"{self.name}.log"

    @property
    def pid(self) -> int:
        """The process id; raises `ControlPlaneError` where it was not started."""
        if self._running is None:
            raise ControlPlaneError(f"{self.name} was not started")
        return self._running.pid

    def start(self) -> None:
        """Start it, in a session of its own; it is not waited for."""
        if self.runs():
            raise ControlPlaneError(f"{self.name} runs already")
        record = self.folder / "pids" / self.name
        record.parent.mkdir(exist_ok=True)
        self.log.parent.mkdir(exist_ok=True)
        with self.log.open("ab") as log:
            self._running = subprocess.Popen(
                ["/bin/sh", "-c", _RECORD, str(record), *self.command],
                cwd=self.folder,
                env={"PATH": os.defpath, "HOME": str(self.folder), "TZ": "UTC", **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def runs(self) -> bool:
        """Whether it was started and has not ended."""
        return self._running is not None and self._running.poll() is None

    def check(self) -> None:
        """Raise `ControlPlaneError` where it has ended."""
        if not self.runs():
            code = "not started" if self._running is None else f"code {self._running.returncode}"
            raise ControlPlaneError(f"{self.name} has ended ({code}):\n{self.tail()}")

    def kill(self) -> None:
        """End it at once (SIGKILL) and wait until it is gone."""
        self._end(signal.SIGKILL, 30.0)

    def terminate(self, *, seconds: float = 90.0) -> None:
        """Ask it to end (SIGTERM) and wait until it has."""
        self._end(signal.SIGTERM, seconds)

    def pause(self) -> None:
        """Stop it where it is (SIGSTOP): its sockets stay, nothing answers."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on after `pause`."""
        os.kill(self.pid, signal.SIGCONT)

    def tail(self) -> str:
        """The last lines of its log."""
        return tail(self.log)

    def _end(self, how: signal.Signals, seconds: float) -> None:
        if self._running is not None and self.runs():
            os.kill(self.pid, how)
            self._running.wait(timeout=seconds)
