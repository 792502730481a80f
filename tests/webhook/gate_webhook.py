"""`gate webhook` as a process of its own, and clients of it."""

import http.client
import json
import ssl
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from tests.servers import Reply, Server
from tests.webhook.certificates import Authority, Pair


class GateWebhook(Server):
    """A running server; ``port`` is where it answers."""

    def __init__(
        self, folder: Path, authority: Authority, pair: Pair, options: Sequence[str],
        environ: Mapping[str, str],
    ) -> None:  # fmt: skip
        self.authority = authority
        self.pair = pair
        tls = ("--tls-cert", str(pair.certificate), "--tls-key", str(pair.key))
        super().__init__(
            "webhook", folder, (*tls, "--journal", str(folder / "journal"), *options),
            environ=environ, hidden=("GATE_DSN", "KUBE"),
        )  # fmt: skip
        self.context = ssl.create_default_context(cafile=str(authority.ca))

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
