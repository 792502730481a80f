"""A proxy in front of an API server that answers, on demand, as an API server in trouble does."""

import contextlib
import http.client
import http.server
import json
import socket
import ssl
import threading
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from tests.controlplane.plane import ADMIN, ControlPlane

BUSY = 429
"""The status of an API server that asks to be left alone for ``Proxy.retry_after`` seconds."""
DROP = 0
"""Instead of a status: the connection breaks without an answer."""
DROP_AFTER = -1
"""The API server does what is asked, and the connection breaks before its answer arrives."""
_DROPPED = frozenset({"transfer-encoding", "connection", "content-length", "keep-alive"})
_SECONDS = 60.0


class Call(NamedTuple):
    """One request; ``before`` is how many came before it."""

    method: str
    path: str
    query: str
    before: int

    @property
    def watch(self) -> bool:
        """Whether it is a watch."""
        return "watch=true" in self.query.lower()


Fault = Callable[[Call], int | None]
"""The status to answer with, `DROP`, `DROP_AFTER`, or None for no fault."""


def none(_: Call) -> None:
    """No fault."""


@dataclass
class Proxy:
    """``fault`` may be set at any time; ``calls`` are those that came."""

    url: str
    plane: ControlPlane
    folder: Path
    fault: Fault = none
    retry_after: str = "0"

    def __post_init__(self) -> None:
        self.calls: list[Call] = []
        self.lock = threading.Lock()
        self.streams: set[socket.socket] = set()

    def kubeconfig(self, user: str = ADMIN) -> Path:
        """A kubeconfig of a user of the plane that leads through the proxy."""
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "test", "cluster": {"server": self.url}}],
            "users": [{"name": user, "user": {"token": self.plane.tokens[user]}}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": user}}],
            "current-context": "test",
        }
        path = self.folder / f"{user}.kubeconfig"
        path.touch(mode=0o600)
        path.write_text(json.dumps(document))
        return path

    def counts(self) -> Counter[tuple[str, str]]:
        """Calls by method (WATCH for a watch) and kind of object."""
        found: Counter[tuple[str, str]] = Counter()
        for call in list(self.calls):
            parts = call.path.strip("/").split("/")
            rest = parts[2:] if parts[0] == "api" else parts[3:]
            if rest[:1] == ["namespaces"] and len(rest) > 2:
                rest = rest[2:]
            found["WATCH" if call.watch else call.method, rest[0] if rest else ""] += 1
        return found

    def break_streams(self) -> None:
        """Break the connections that are open now."""
        for each in list(self.streams):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def faulty(plane: ControlPlane, folder: Path) -> Iterator[Proxy]:
    """A proxy on loopback, in front of the plane's first API server."""
    folder.mkdir(parents=True, exist_ok=True)
    server = _Server(("127.0.0.1", 0), _Handler)
    proxy = Proxy(f"http://127.0.0.1:{server.server_port}", plane, folder)
    server.proxy = proxy
    server.context = ssl.create_default_context(cafile=str(plane.ca))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield proxy
    finally:
        server.shutdown()
        proxy.break_streams()
        server.server_close()
        thread.join()


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    proxy: Proxy
    context: ssl.SSLContext

    def handle_error(self, *_: object) -> None:
        """A client that has gone is no news."""


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server
    _upstream: http.client.HTTPSConnection | None = None

    def setup(self) -> None:
        super().setup()
        self.server.proxy.streams.add(self.connection)

    def finish(self) -> None:
        self.server.proxy.streams.discard(self.connection)
        if self._upstream is not None:
            self._upstream.close()
        super().finish()

    def log_message(self, *_: object) -> None:
        """Nothing is printed."""

    def _handle(self) -> None:
        path, _, query = self.path.partition("?")
        proxy = self.server.proxy
        with proxy.lock:
            call = Call(self.command, path, query, len(proxy.calls))
            proxy.calls.append(call)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        fault = proxy.fault(call)
        if fault == DROP:
            self._break()
        elif fault is not None and fault > 0:
            self._refuse(fault)
        else:
            self._forward(body, dropped=fault == DROP_AFTER)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _handle  # noqa: N815 - as the library asks

    def _break(self) -> None:
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def _refuse(self, status: int) -> None:
        said = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": status}
        body = json.dumps({**said, "message": "the API server is in trouble"}).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        if status == BUSY:
            self.send_header("Retry-After", self.server.proxy.retry_after)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _forward(self, body: bytes, *, dropped: bool) -> None:
        try:
            answer = self._ask(body)
        except (OSError, http.client.HTTPException):
            self._break()
            return
        if dropped:
            answer.read()
            self._break()
            return
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in _DROPPED and name.lower() not in ("date", "server"):
                self.send_header(name, value)
        if "watch=true" in self.path.lower():
            self._stream(answer)
            return
        content = answer.read()
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _stream(self, answer: http.client.HTTPResponse) -> None:
        self.close_connection = True
        self.send_header("Transfer-Encoding", "chunked")
        self.send_header("Connection", "close")
        self.end_headers()
        with contextlib.suppress(OSError, http.client.HTTPException, ValueError):
            while piece := answer.read1(65536):
                self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
                self.wfile.flush()
            self.wfile.write(b"0\r\n\r\n")
        self._break()

    def _ask(self, body: bytes) -> http.client.HTTPResponse:
        kept = {name: value for name, value in self.headers.items() if name.lower() not in _DROPPED}
        kept.pop("Host", None)
        kept["Accept-Encoding"] = "identity"
        for attempt in (0, 1):
            fresh = self._upstream is None
            if self._upstream is None:
                target = urlsplit(self.server.proxy.plane.urls[0])
                assert target.hostname is not None
                self._upstream = http.client.HTTPSConnection(
                    target.hostname, target.port, context=self.server.context, timeout=_SECONDS
                )
            try:
                self._upstream.request(self.command, self.path, body or None, kept)
                return self._upstream.getresponse()
            except (OSError, http.client.HTTPException) as error:
                _close_half_made(error)
                self._upstream.close()
                self._upstream = None
                # A kept connection may have been closed since; a new one that fails is a fault.
                if fresh or attempt:
                    raise
        raise OSError


def _close_half_made(error: BaseException) -> None:
    """Close the TLS socket in whose making an error was raised.

    Where a connection is reset between its beginning and the handshake, `ssl` raises out of
    `SSLSocket._create` without closing the socket, which nobody else knows of.
    """
    for frame, _ in traceback.walk_tb(error.__traceback__):
        made = frame.f_locals.get("self")
        if isinstance(made, ssl.SSLSocket):
            made.close()
