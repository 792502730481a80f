"""A webhook can be put behind the real API server, for one namespace, and its answers be seen."""

import contextlib
import http.server
import json
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.controlplane import objects
from tests.controlplane.plane import DEPLOYER, PERSON, ControlPlane
from tests.controlplane.processes import free_port
from tests.controlplane.webhooks import webhook

DEPLOYMENTS = "/apis/apps/v1/namespaces/{}/deployments"


class Refuser(http.server.BaseHTTPRequestHandler):
    """Denies everything, and keeps what it was asked."""

    asked: list[dict[str, Any]]

    def do_POST(self) -> None:
        review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.asked.append(review["request"])
        answer = {
            "uid": review["request"]["uid"],
            "allowed": False,
            "status": {"code": 403, "reason": "Forbidden", "message": "a wedding is on"},
            "warnings": ["try on Tuesday"],
            "auditAnnotations": {"verdict": "deny"},
        }
        body = json.dumps(
            {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": answer}
        ).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's
        pass


@contextlib.contextmanager
def refusing(plane: ControlPlane, folder: Path) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """The URL of a webhook that denies, and what it has been asked so far."""
    pair = plane.serving_certificate(folder / "webhook")
    asked: list[dict[str, Any]] = []
    handler = type("Handler", (Refuser,), {"asked": asked})
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pair.certificate, pair.key)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"https://127.0.0.1:{server.server_port}/validate", asked
        server.shutdown()
        thread.join()


def test_a_denial_reaches_people_and_the_audit_log(
    control_plane: ControlPlane, namespace: str, tmp_path: Path
) -> None:
    body = objects.deployment("bookings", namespace)
    with (
        refusing(control_plane, tmp_path) as (url, asked),
        webhook(control_plane, url, namespace=namespace) as name,
    ):
        said = control_plane.kubectl(
            "apply", "--filename", "-", user=PERSON, input=json.dumps(body)
        )
        control_plane.request("POST", f"{DEPLOYMENTS.format(namespace)}?dryRun=All", body)
    assert said.returncode == 1
    assert "a wedding is on" in said.stderr
    assert "Warning: try on Tuesday" in said.stderr
    # Controllers fill a new namespace (root-ca-cert-publisher), and are asked about as well.
    of_deployments = [each for each in asked if each["resource"]["resource"] == "deployments"]
    assert [each["userInfo"]["username"] for each in of_deployments] == [PERSON, "admin"]
    assert [each["dryRun"] for each in of_deployments] == [False, True]

    def audited() -> list[dict[str, Any]]:
        events = control_plane.audit_events(namespace)
        return [event for event in events if event["objectRef"]["resource"] == "deployments"]

    control_plane.wait_for("both are in the audit log", lambda: len(audited()) == 2)
    denied = audited()
    assert [event["user"]["username"] for event in denied] == [PERSON, "admin"]
    assert {event["responseStatus"]["code"] for event in denied} == {403}
    assert denied[0]["annotations"][f"{name}.saturday-gate.io/verdict"] == "deny"


def test_a_webhook_concerns_its_namespace_only_and_only_for_a_while(
    control_plane: ControlPlane, namespace: str
) -> None:
    def refused(where: str) -> bool:
        path = DEPLOYMENTS.format(where)
        answer = control_plane.request(
            "POST", f"{path}?dryRun=All", objects.deployment("rsvp", where), user=DEPLOYER
        )
        assert answer.status in {201, 500}, answer
        return answer.status == 500

    nowhere = f"https://127.0.0.1:{free_port()}/validate"
    with control_plane.namespace() as other, webhook(control_plane, nowhere, namespace=namespace):
        assert refused(namespace)
        assert not refused(other)
    control_plane.wait_for("the webhook is gone", lambda: not refused(namespace))
