"""Gate's servers as processes of a test: started, waited for, ended."""

import ctypes
import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parents[1]
STARTED_WITHIN_SECONDS = 60.0
ENDED_WITHIN_SECONDS = 40.0
_PR_SET_PDEATHSIG = 1
_prctl = ctypes.CDLL(None).prctl


@dataclass
class Reply:
    """What came back over HTTP."""

    status: int
    body: bytes
    headers: Mapping[str, str]

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Server:
    """A command of gate's that says where it listens; ``port`` is there.

    ``hidden``: the beginnings of the variables of the environment that it is not to see.
    """

    def __init__(
        self,
        name: str,
        folder: Path,
        options: Sequence[str],
        *,
        environ: Mapping[str, str],
        hidden: tuple[str, ...],
    ) -> None:
        self.name = name
        self.folder = folder
        self.log = folder / f"{name}.log"
        kept = {k: v for k, v in os.environ.items() if not k.startswith(hidden)}
        command = [sys.executable, "-m", "gate", name, "--json", "--listen", "127.0.0.1:0"]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*command, *options], stdout=subprocess.PIPE, stderr=log, cwd=REPOSITORY,
                env=kept | dict(environ), stdin=subprocess.DEVNULL, start_new_session=True,
                preexec_fn=end_with_parent,  # noqa: PLW1509  (one call, which takes no lock)
            )  # fmt: skip
        self.port = self._await_port()

    def stop(self) -> int:
        """SIGTERM, and the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(ENDED_WITHIN_SECONDS)
        self._close()
        return code

    def kill(self) -> None:
        """SIGKILL, for the process alone; those that it started notice."""
        self.process.kill()
        self.process.wait()
        self._close()

    def _await_port(self) -> int:
        stdout = self.process.stdout
        assert stdout is not None
        ready, _, _ = select.select([stdout], [], [], STARTED_WITHIN_SECONDS)
        line = stdout.readline() if ready else b""
        if not line:
            self.kill()
            raise AssertionError(f"{self.name} did not start: {self.log.read_text()[-3000:]}")
        return int(json.loads(line)["listening"].rpartition(":")[2])

    def _close(self) -> None:
        assert self.process.stdout is not None
        self.process.stdout.close()


def end_with_parent() -> None:
    """A run of tests that is killed leaves no server behind."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
