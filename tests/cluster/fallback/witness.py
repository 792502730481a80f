"""A webhook of a few lines, which allows everything and counts what it is asked."""

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from gate.cluster.fallback.probe import PROBE_NAME, PROBE_WARNING
from tests.controlplane.plane import ControlPlane


class Witness:
    """``answers`` False: it fails whoever asks, as one that is overloaded does."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.answers = True
        self.probes = 0

    def hear(self, review: dict[str, object]) -> dict[str, object]:
        """The answer to a review."""
        request = review["request"]
        assert isinstance(request, dict)
        response: dict[str, object] = {"uid": request["uid"], "allowed": True}
        if request.get("dryRun") and request.get("name") == PROBE_NAME:
            self.probes += 1
            response["warnings"] = [PROBE_WARNING]
        return {"apiVersion": review["apiVersion"], "kind": review["kind"], "response": response}


@contextmanager
def witness(plane: ControlPlane, folder: Path) -> Iterator[Witness]:
    """The webhook, serving with a certificate of the plane's authority."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            answer = json.dumps(served.hear(json.loads(body))).encode()
            self.send_response(200 if served.answers else 503)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    pair = plane.serving_certificate(folder / "witness")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.certificate, pair.key)
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        served = Witness(f"https://127.0.0.1:{server.server_address[1]}/validate")
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield served
        finally:
            server.shutdown()
            thread.join()
