"""Something that listens where an API server should, and answers as a test says."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

Answer = tuple[int, dict[str, str], list[bytes]]
"""Status, headers, and the pieces of the body."""


class Asked:
    """The requests that came: when, of which kind, and whether it was a watch."""

    def __init__(self) -> None:
        self.all: list[tuple[float, str, bool]] = []

    def count(self, kind: str, *, watch: bool) -> int:
        return sum(each[1:] == (kind, watch) for each in self.all)


@contextmanager
def answering(
    folder: Path, answer: Callable[[str, bool, int], Answer]
) -> Iterator[tuple[Path, Asked]]:
    """A kubeconfig of the server, and what it was asked.

    ``answer`` is told the plural of the kind, whether it is a watch, and how many such requests
    came before.
    """
    asked = Asked()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = urlsplit(self.path)
            kind, watch = url.path.rsplit("/", 1)[1], "watch" in parse_qs(url.query)
            before = asked.count(kind, watch=watch)
            asked.all.append((time.monotonic(), kind, watch))
            status, headers, pieces = answer(kind, watch, before)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            for piece in pieces:
                self.wfile.write(piece)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=[0.05])
    thread.start()
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {"name": "c", "cluster": {"server": f"http://127.0.0.1:{server.server_port}"}}
        ],
        "users": [{"name": "u", "user": {}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "c",
    }
    path = folder / "api-server.kubeconfig"
    path.write_text(json.dumps(config))
    try:
        yield path, asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
