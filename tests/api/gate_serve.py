"""`gate serve` as a process of its own, and a client of it."""

import http.client
import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gate.store.connect import Target
from tests.webhook.gate_webhook import (
    ENDED_WITHIN_SECONDS,
    REPOSITORY,
    STARTED_WITHIN_SECONDS,
    Reply,
    _end_with_parent,
)

JSON = {"Content-Type": "application/json"}


class GateServe:
    """A running server; ``port`` is where it answers."""

    def __init__(self, folder: Path, options: tuple[str, ...], environ: Mapping[str, str]) -> None:
        self.folder = folder
        self.log = folder / "serve.log"
        command = [
            *(sys.executable, "-m", "gate", "serve", "--json", "--listen", "127.0.0.1:0"),
            *("--state", str(folder / "state"), *options),
        ]
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("GATE_", "KUBE"))}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=log, cwd=REPOSITORY,
                env=kept | dict(environ), stdin=subprocess.DEVNULL, start_new_session=True,
                preexec_fn=_end_with_parent,  # noqa: PLW1509  (one call, which takes no lock)
            )  # fmt: skip
        stdout = self.process.stdout
        assert stdout is not None
        ready, _, _ = select.select([stdout], [], [], STARTED_WITHIN_SECONDS)
        line = stdout.readline() if ready else b""
        if not line:
            self.kill()
            raise AssertionError(f"the server did not start: {self.log.read_text()[-3000:]}")
        self.port = int(json.loads(line)["listening"].rpartition(":")[2])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ask(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> Reply:
        """One request; a body that is no bytes is sent as JSON."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30.0)
        if body is not None and not isinstance(body, bytes):
            body, headers = json.dumps(body).encode(), JSON | dict(headers or {})
        try:
            connection.request(method, path, body, dict(headers or {}))
            response = connection.getresponse()
            return Reply(response.status, response.read(), dict(response.getheaders()))
        finally:
            connection.close()

    def decide(self, body: Any, headers: Mapping[str, str] | None = None) -> Any:
        """The decision on a request."""
        reply = self.ask("POST", "/api/v1/decisions", body, headers)
        assert reply.status == 200, reply.body
        return reply.json

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> Reply:
        return self.ask("GET", path, None, headers)

    def stop(self) -> int:
        """SIGTERM, and the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(ENDED_WITHIN_SECONDS)
        self._close()
        return code

    def kill(self) -> None:
        """SIGKILL."""
        self.process.kill()
        self.process.wait()
        self._close()

    def _close(self) -> None:
        assert self.process.stdout is not None
        self.process.stdout.close()


@contextmanager
def running(
    folder: Path, target: Target, *options: str, environ: Mapping[str, str] | None = None
) -> Iterator[GateServe]:
    """A server for the block."""
    given = {"GATE_SCHEMA": target.schema, "GATE_DSN": target.dsn, **(environ or {})}
    made = GateServe(folder, options, given)
    try:
        yield made
    finally:
        made.stop()
