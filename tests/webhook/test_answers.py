"""What the server answers, and what it refuses."""

import http.client
import json
import re
import socket
import ssl
import time
import warnings
from typing import Any

import pytest

from tests.webhook.gate_webhook import GateWebhook, exchange
from tests.webhook.reviews import deployment, review

MIB = 1 << 20
JSON = {"Content-Type": "application/json"}


def serves(server: GateWebhook) -> None:
    """The next good request is answered."""
    answer = server.review(review())
    assert answer["allowed"] is False


def test_a_deploy_in_a_window_is_denied(server: GateWebhook) -> None:
    answer = server.review(review())
    assert answer["allowed"] is False
    assert answer["status"]["code"] == 403
    assert answer["status"]["reason"] == "Forbidden"
    assert "freeze" in answer["status"]["message"]
    notes = answer["auditAnnotations"]
    assert notes["verdict"] == "deny"
    assert notes["phase"] == "locked"
    assert len(notes["policy-sha256"]) == 64
    assert len(notes["decision-id"]) == 36


def test_what_only_touches_metadata_passes(server: GateWebhook) -> None:
    changed = deployment()
    changed["metadata"]["labels"] = {"team": "bookings"}
    assert server.review(review(new=changed))["allowed"] is True


@pytest.mark.parametrize("namespace", ["kube-system", "saturday-gate"])
def test_some_namespaces_are_never_matched(server: GateWebhook, namespace: str) -> None:
    assert server.review(review(namespace=namespace))["allowed"] is True


def test_a_dry_run_gets_the_same_answer(server: GateWebhook) -> None:
    wet, dry = server.review(review()), server.review(review(dry_run=True))
    assert wet["allowed"] is dry["allowed"] is False
    said = [each["status"]["message"].partition("decision: ")[0] for each in (wet, dry)]
    assert said[0] == said[1]


def test_the_probe_is_answered_with_its_warning(server: GateWebhook) -> None:
    probe = review(operation="CREATE", dry_run=True, new={
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "saturday-gate-probe"},
    })  # fmt: skip
    probe["request"]["kind"] = {"group": "", "version": "v1", "kind": "ConfigMap"}
    probe["request"]["resource"] = {"group": "", "version": "v1", "resource": "configmaps"}
    probe["request"]["name"] = "saturday-gate-probe"
    answer = server.review(probe)
    assert answer["allowed"] is True
    assert answer["warnings"] == ["saturday-gate: answering"]


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"", JSON, 400),
        (b"not json", JSON, 400),
        (b"[]", JSON, 400),
        (b"{}", JSON, 400),
        (b'{"apiVersion":"v1","kind":"Pod"}', JSON, 400),
        (b"\xff\xfe", JSON, 400),
        (b"[" * 100_000, JSON, 400),
        (b"{}", {"Content-Type": "text/plain"}, 415),
        (b"{}", {"Content-Type": ""}, 415),
        (b" " * (7 * MIB + 1), JSON, 413),
    ],
)
def test_what_is_no_review_is_refused(
    server: GateWebhook, body: bytes, headers: dict[str, str], status: int
) -> None:
    reply = server.ask("POST", "/validate", body, headers)
    assert reply.status == status
    assert reply.json["status"] == status
    assert reply.json["title"]
    serves(server)


def test_json_may_say_its_charset(server: GateWebhook) -> None:
    body = json.dumps(review()).encode()
    reply = server.ask(
        "POST", "/validate", body, {"Content-Type": "application/json; charset=utf-8"}
    )
    assert reply.status == 200


def test_a_chunked_body_is_bounded_too(server: GateWebhook) -> None:
    connection = server.connect()
    body = json.dumps(review()).encode()
    parts = (body[at : at + 100] for at in range(0, len(body), 100))
    connection.request("POST", "/validate", parts, JSON, encode_chunked=True)
    assert connection.getresponse().read()
    chunks = (b" " * MIB for _ in range(8))
    connection.request("POST", "/validate", chunks, JSON, encode_chunked=True)
    assert connection.getresponse().status == 413
    connection.close()
    serves(server)


def test_the_largest_review_is_taken(server: GateWebhook) -> None:
    large = review(padding=3 * MIB)
    assert server.review(large)["allowed"] is False


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/validate", 405), ("POST", "/healthz", 405), ("GET", "/nothing", 404)],
)
def test_other_paths_and_methods(server: GateWebhook, method: str, path: str, status: int) -> None:
    assert server.ask(method, path).status == status


def test_a_body_that_does_not_come_is_given_up(server: GateWebhook) -> None:
    connection = server.connect()
    began = time.monotonic()
    connection.putrequest("POST", "/validate?timeout=1s")
    connection.putheader("Content-Type", "application/json")
    connection.putheader("Content-Length", "1000")
    connection.endheaders(b"{")
    assert connection.getresponse().status == 408
    assert time.monotonic() - began < 5
    connection.close()
    serves(server)


def test_half_a_connection_does_no_harm(server: GateWebhook) -> None:
    for sent in (b"", b"\x16\x03\x01", b"GET / HTTP/1.1\r\n\r\n"):
        with socket.create_connection(("127.0.0.1", server.port)) as plain:
            plain.sendall(sent)
    raw = socket.create_connection(("127.0.0.1", server.port))
    with server.context.wrap_socket(raw, server_hostname="127.0.0.1") as secure:
        secure.sendall(b"POST /validate HTTP/1.1\r\nContent-Length: 5\r\n\r\n{")
    serves(server)


def test_what_is_no_http_is_refused(server: GateWebhook) -> None:
    raw = socket.create_connection(("127.0.0.1", server.port))
    with server.context.wrap_socket(raw, server_hostname="127.0.0.1") as secure:
        secure.sendall(b"\x00\x01\x02 nothing\r\n\r\n")
        assert secure.recv(65536).startswith(b"HTTP/1.1 400")
    serves(server)


def test_old_tls_is_refused(server: GateWebhook) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(str(server.authority.ca))
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings(action="ignore"):
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    with (
        socket.create_connection(("127.0.0.1", server.port)) as raw,
        pytest.raises((ssl.SSLError, ConnectionError)),
    ):
        context.wrap_socket(raw, server_hostname="127.0.0.1")
    serves(server)


def test_readiness_and_health(server: GateWebhook) -> None:
    assert server.get("/healthz").status == 200
    reply = server.get("/readyz")
    assert reply.status == 200
    assert reply.json["ready"] is True
    assert set(reply.json["checks"]) == {"policy", "calendar", "certificate", "journal"}


def test_metrics_count_what_was_answered(server: GateWebhook) -> None:
    def count() -> float:
        text = server.get("/metrics").body.decode()
        name = 'gate_admission_decisions_total{action="deploy",effect="block",phase="locked",'
        lines = [line for line in text.splitlines() if line.startswith(name)]
        return float(lines[0].rsplit(" ", 1)[1]) if lines else 0.0

    before = count()
    serves(server)
    assert count() == before + 1


def test_a_connection_is_kept(server: GateWebhook) -> None:
    connection = server.connect()
    body = json.dumps(review()).encode()
    for _ in range(3):
        reply = exchange(connection, "POST", "/validate", body)
        assert reply.status == 200
        assert "connection" not in {name.lower() for name in reply.headers}
    connection.close()


def spoken(server: GateWebhook, *pieces: bytes) -> socket.socket:
    """A TLS connection on which these pieces were sent, each in a record of its own."""
    raw = socket.create_connection(("127.0.0.1", server.port))
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    secure = server.context.wrap_socket(raw, server_hostname="127.0.0.1")
    for piece in pieces:
        secure.sendall(piece)
    return secure


def request(review_: dict[str, Any]) -> bytes:
    body = json.dumps(review_).encode()
    head = (
        "POST /validate?timeout=10s HTTP/1.1\r\nHost: gate\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def answers_on(secure: socket.socket, count: int) -> list[Any]:
    """The next answers on a connection, in their order."""
    found = []
    for _ in range(count):
        response = http.client.HTTPResponse(secure)
        response.begin()
        found.append(json.loads(response.read())["response"])
    return found


@pytest.mark.parametrize("at", [10, 60, 150, 200, -200, -1])
def test_a_review_may_come_in_parts(server: GateWebhook, at: int) -> None:
    asked = review()
    whole = request(asked)
    with spoken(server, whole[:at], whole[at:]) as secure:
        (answer,) = answers_on(secure, 1)
    assert answer["uid"] == asked["request"]["uid"]
    assert answer["allowed"] is False


def test_reviews_sent_together_are_answered_in_turn(server: GateWebhook) -> None:
    asked = [review() for _ in range(4)]
    with spoken(server, b"".join(map(request, asked))) as secure:
        # Each response object reads ahead: so all are read through one file.
        stream = secure.makefile("rb")
        found = []
        for _ in asked:
            head = b"".join(iter(stream.readline, b"\r\n"))
            length = int(re.search(rb"content-length: (\d+)", head)[1])  # type: ignore[index]
            found.append(json.loads(stream.read(length))["response"]["uid"])
        stream.close()
    assert found == [each["request"]["uid"] for each in asked]


def test_a_client_that_leaves_is_no_matter(server: GateWebhook) -> None:
    for _ in range(20):
        spoken(server, request(review())).close()
    serves(server)
