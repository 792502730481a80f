"""`gate serve` as a process of its own, and a client of it."""

import http.client
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gate.store.connect import Target
from tests.servers import Reply, Server

JSON = {"Content-Type": "application/json"}


class GateServe(Server):
    """A running server; ``port`` is where it answers."""

    def __init__(self, folder: Path, options: tuple[str, ...], environ: Mapping[str, str]) -> None:
        super().__init__(
            "serve", folder, ("--state", str(folder / "state"), *options),
            environ=environ, hidden=("GATE_", "KUBE"),
        )  # fmt: skip

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
