"""A webhook that remembers what an API server asked it."""

import contextlib
import http.server
import json
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from tests.controlplane.plane import ControlPlane

Plain = dict[str, Any]
PROBE = "probe"
"""Objects whose names begin so only wait for the webhook to be in force."""


class Seen(NamedTuple):
    """What a review was about."""

    namespace: str
    name: str
    resource: str
    operation: str


class Recorder:
    """The webhook as its test sees it: where it is, and the reviews that came."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.reviews: list[Plain] = []

    def of(self, namespace: str) -> list[Seen]:
        """The changes of a namespace that arrived, without those that only waited for us."""
        found = []
        for review in list(self.reviews):
            request = review["request"]
            sub = request.get("subResource")
            seen = Seen(
                request.get("namespace", ""),
                request.get("name")
                or (request["object"] or request["oldObject"])["metadata"]["name"],
                request["resource"]["resource"] + (f"/{sub}" if sub else ""),
                request["operation"],
            )
            if seen.namespace == namespace and not seen.name.startswith(PROBE):
                found.append(seen)
        return found


def _allow(_: Plain) -> Plain:
    return {"allowed": True}


@contextlib.contextmanager
def recording(
    plane: ControlPlane, folder: Path, respond: Callable[[Plain], Plain] = _allow
) -> Iterator[Recorder]:
    """A recorder that serves with a certificate of the plane's authority.

    ``respond`` takes a review and gives the response, without its uid.
    """
    reviews: list[Plain] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            assert self.path.startswith("/validate"), self.path
            review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            reviews.append(review)
            answer = {
                "apiVersion": "admission.k8s.io/v1",
                "kind": "AdmissionReview",
                "response": {**respond(review), "uid": review["request"]["uid"]},
            }
            data = json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
            pass

    pair = plane.serving_certificate(folder / "recorder")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pair.certificate, pair.key)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            recorder = Recorder(f"https://127.0.0.1:{server.server_address[1]}")
            recorder.reviews = reviews
            yield recorder
        finally:
            server.shutdown()
            thread.join()
