"""An API server that is busy, or loses its answers: in front of the real one."""

import http.client
import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from tests.controlplane.plane import ADMIN, ControlPlane

Fate = Literal["answered", "busy", "lost", "unheard"]
"""``busy``: 429 for a second; ``lost``: done, but no answer comes; ``unheard``: not even done."""


class Unruly:
    """``calls`` are those that came, as (method, path, fate)."""

    def __init__(self, kubeconfig: Path) -> None:
        self.kubeconfig = kubeconfig
        self.calls: list[tuple[str, str, Fate]] = []


@contextmanager
def unruly(
    plane: ControlPlane, folder: Path, fate: Callable[[str, str, int], Fate]
) -> Iterator[Unruly]:
    """Stand in front of a plane; ``fate`` is given method, path and how many came before."""
    told = Unruly(folder / "unruly.kubeconfig")
    lock = threading.Lock()
    target = urlsplit(plane.urls[0])
    context = ssl.create_default_context(cafile=str(plane.ca))

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Nothing: pytest shows what fails."""

        def do_GET(self) -> None:
            self.handle_one()

        def do_PATCH(self) -> None:
            self.handle_one()

        def handle_one(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            with lock:
                chosen = fate(self.command, self.path, len(told.calls))
                told.calls.append((self.command, self.path, chosen))
            if chosen == "busy":
                self.answer(429, b"{}", {"Retry-After": "1"})
            elif chosen != "unheard":
                status, data = self.forwarded(body)
                if chosen == "answered":
                    self.answer(status, data, {"Content-Type": "application/json"})

        def forwarded(self, body: bytes) -> tuple[int, bytes]:
            kept = {k: v for k, v in self.headers.items() if k in {"Content-Type", "Accept"}}
            kept["Authorization"] = f"Bearer {plane.tokens[ADMIN]}"
            assert target.hostname is not None
            upstream = http.client.HTTPSConnection(
                target.hostname, target.port, context=context, timeout=30
            )
            upstream.request(self.command, self.path, body or None, kept)
            answer = upstream.getresponse()
            data = answer.read()
            upstream.close()
            return answer.status, data

        def answer(self, status: int, data: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(data))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    told.kubeconfig.write_text(_kubeconfig(f"http://127.0.0.1:{server.server_port}"))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield told
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _kubeconfig(server: str) -> str:
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "test", "cluster": {"server": server}}],
            "users": [{"name": "test", "user": {}}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
            "current-context": "test",
        }
    )
