"""`gate webhook` as a process of its own, and clients of it."""

import ctypes
import http.client
import json
import os
import select
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tests.webhook.certificates import Authority, Pair

_PR_SET_PDEATHSIG = 1
_prctl = ctypes.CDLL(None).prctl
STARTED_WITHIN_SECONDS = 60.0
ENDED_WITHIN_SECONDS = 40.0
REPOSITORY = Path(__file__).parents[2]


def _end_with_parent() -> None:
    """A run of tests that is killed leaves no server behind."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


@dataclass
class Reply:
    """What came back over HTTP."""

    status: int
    body: bytes
    headers: Mapping[str, str]

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class GateWebhook:
    """A running server; ``port`` is where it answers."""

    def __init__(
        self, folder: Path, authority: Authority, pair: Pair, options: Sequence[str],
        environ: Mapping[str, str],
    ) -> None:  # fmt: skip
        self.folder = folder
        self.authority = authority
        self.pair = pair
        self.log = folder / "webhook.log"
        self._command = [
            *(sys.executable, "-m", "gate", "webhook", "--json", "--listen", "127.0.0.1:0"),
            *("--tls-cert", str(pair.certificate), "--tls-key", str(pair.key)),
            *("--journal", str(folder / "journal"), *options),
        ]
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("GATE_DSN", "KUBE"))}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self._command, stdout=subprocess.PIPE, stderr=log, cwd=REPOSITORY,
                env=kept | dict(environ), stdin=subprocess.DEVNULL, start_new_session=True,
                preexec_fn=_end_with_parent,  # noqa: PLW1509  (one call, which takes no lock)
            )  # fmt: skip
        self.port = self._await_port()
        self.context = ssl.create_default_context(cafile=str(authority.ca))

    def _await_port(self) -> int:
        stdout = self.process.stdout
        assert stdout is not None
        ready, _, _ = select.select([stdout], [], [], STARTED_WITHIN_SECONDS)
        line = stdout.readline() if ready else b""
        if not line:
            self.kill()
            raise AssertionError(f"the webhook did not start: {self.log.read_text()[-3000:]}")
        return int(json.loads(line)["listening"].rpartition(":")[2])

    def connect(self, timeout: float = 30.0) -> http.client.HTTPSConnection:
        return http.client.HTTPSConnection(
            "127.0.0.1", self.port, context=self.context, timeout=timeout
        )

    def ask(
        self, method: str, path: str, body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:  # fmt: skip
        """One request on a connection of its own."""
        connection = self.connect()
        try:
            return exchange(connection, method, path, body, headers)
        finally:
            connection.close()

    def review(self, review: Mapping[str, Any], query: str = "") -> Any:
        """The ``response`` of an AdmissionReview."""
        reply = self.ask("POST", f"/validate{query}", json.dumps(review).encode())
        assert reply.status == 200, reply.body
        answer = reply.json
        assert answer["response"]["uid"] == review["request"]["uid"]
        return answer["response"]

    def get(self, path: str) -> Reply:
        return self.ask("GET", path)

    def logged(self, event: str) -> list[dict[str, Any]]:
        """Log lines of that event so far."""
        lines = (json.loads(line) for line in self.log.read_text().splitlines() if line[:1] == "{")
        return [line for line in lines if line.get("event") == event]

    def workers(self) -> list[int]:
        """Process ids of the workers."""
        return [line["pid"] for line in self.logged("worker-ready")]

    def stop(self) -> int:
        """SIGTERM, and the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(ENDED_WITHIN_SECONDS)
        self._close()
        return code

    def kill(self) -> None:
        """SIGKILL, for the supervisor; its workers notice."""
        self.process.kill()
        self.process.wait()
        self._close()

    def _close(self) -> None:
        assert self.process.stdout is not None
        self.process.stdout.close()


def exchange(
    connection: http.client.HTTPSConnection, method: str, path: str, body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
) -> Reply:  # fmt: skip
    """One request on a connection that may be used again."""
    sent = {"Content-Type": "application/json"} if body is not None else {}
    connection.request(method, path, body, sent | dict(headers or {}))
    response = connection.getresponse()
    return Reply(response.status, response.read(), dict(response.getheaders()))


@cache
def authority_of(folder: Path) -> Authority:
    """The authority of a folder's servers; the same for one that is started again."""
    return Authority(folder)


@contextmanager
def running(
    folder: Path, *options: str, environ: Mapping[str, str] | None = None,
    authority: Authority | None = None,
) -> Iterator[GateWebhook]:  # fmt: skip
    """A server for the block, stopped as a person would stop it."""
    authority = authority or authority_of(folder)
    pair = Pair(folder / "server.crt", folder / "server.key")
    if not pair.certificate.exists():
        pair = authority.issue("server")
    made = GateWebhook(folder, authority, pair, options, environ or {})
    try:
        yield made
    finally:
        made.stop()


def until(condition: Any, seconds: float = 20.0, what: str = "") -> Any:
    """Wait until ``condition()`` is true, and return it; fail after ``seconds``."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what or condition}")
        time.sleep(0.01)
    return value
