"""What stands before Prism and takes down each exchange, so that a test can say what was wrong.

Prism answers in the server's place where a request or an answer is not as described; the code under
test then sees a failure and may hide it well. Here it is kept with Prism's words.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

# GitHub's own errors are plain JSON.
_OF_PRISM = "application/problem+json"
# Of one connection only; and the length is counted again.
_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "date", "server"}
_TIMEOUT_SECONDS = 30.0


@dataclass(frozen=True)
class Exchange:
    """A request and what came back; ``violations``: why Prism refused the one or the other."""

    verb: str
    path: str
    status: int
    violations: tuple[str, ...]


@dataclass
class Tap:
    """Takes down what passes. ``url``: where clients connect to."""

    prism_port: int
    url: str = ""
    exchanges: list[Exchange] = field(default_factory=list)

    @property
    def violations(self) -> list[str]:
        """Everything that was not as GitHub describes it, with the request."""
        return [
            f"{each.verb} {each.path}: {violation}"
            for each in self.exchanges
            for violation in each.violations
        ]


@contextmanager
def tapped(prism_port: int) -> Iterator[Tap]:
    """A tap before Prism, listening on 127.0.0.1 until the end."""
    tap = Tap(prism_port)
    handler = type("Handler", (_Handler,), {"tap": tap})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        tap.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield tap
        finally:
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    """Passes a request on, unchanged, and the answer back."""

    protocol_version = "HTTP/1.1"
    tap: Tap

    def pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        connection = HTTPConnection("127.0.0.1", self.tap.prism_port, timeout=_TIMEOUT_SECONDS)
        try:
            sent = {k: v for k, v in self.headers.items() if k.lower() not in _HOP - {"date"}}
            connection.request(self.command, self.path, body or None, sent)
            answer = connection.getresponse()
            got, headers = answer.read(), answer.getheaders()
        finally:
            connection.close()
        of_prism = answer.getheader("Content-Type", "").startswith(_OF_PRISM)
        found = tuple(_violations(got)) if of_prism else ()
        self.tap.exchanges.append(Exchange(self.command, self.path, answer.status, found))
        self.send_response_only(answer.status)
        for name, value in headers:
            if name.lower() not in _HOP:
                self.send_header(name, value)
        if answer.status not in {204, 304}:
            self.send_header("Content-Length", str(len(got)))
        self.end_headers()
        self.wfile.write(got)

    def do_GET(self) -> None:
        self.pass_on()

    def do_POST(self) -> None:
        self.pass_on()

    def do_PATCH(self) -> None:
        self.pass_on()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Nothing: the exchanges are kept."""


def _violations(body: bytes) -> Iterator[str]:
    """Prism's words for what was wrong."""
    problem: Any = json.loads(body)
    whole = [{"location": [], "message": problem.get("detail") or problem.get("title")}]
    for each in problem.get("validation") or whole:
        where = ".".join(map(str, each["location"]))
        yield f"{where}: {each['message']}" if where else str(each["message"])
