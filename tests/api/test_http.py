"""What is no good request is a problem document, and harms nobody."""

import json
import socket

import pytest

from tests.api.gate_serve import JSON, GateServe

PATH = "/api/v1/decisions"


def raw(server: GateServe, sent: bytes, seconds: float = 20.0) -> bytes:
    """What comes back on a connection until the other side closes it."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=seconds) as connection:
        connection.sendall(sent)
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
        return answer


def test_health_asks_nothing(server: GateServe) -> None:
    assert server.get("/healthz").json == {"status": "ok"}
    assert server.ask("HEAD", "/healthz").status == 200


@pytest.mark.parametrize("path", ["/", "/docs", "/api/v1/decisions/", "/api/v1/nothing", "/%00"])
def test_what_is_not_there_is_a_problem(server: GateServe, path: str) -> None:
    reply = server.get(path)
    assert reply.status in {404, 422}
    assert reply.headers["content-type"] == "application/problem+json"
    assert reply.json["status"] == reply.status


def test_another_method_is_told_which_ones_there_are(server: GateServe) -> None:
    reply = server.ask("DELETE", PATH)
    assert reply.status == 405
    assert reply.headers["allow"] == "GET, HEAD, POST"
    assert reply.json["status"] == 405


def test_another_content_type_is_refused(server: GateServe) -> None:
    assert server.ask("POST", PATH, b"{}", {"Content-Type": "text/plain"}).status == 415
    assert server.ask("POST", PATH, b"{}").status == 415


def test_a_body_beyond_the_limit_is_refused_and_read(server: GateServe) -> None:
    reply = server.ask("POST", PATH, b" " * (1 << 21), JSON)
    assert reply.status == 413
    assert reply.json["status"] == 413


def test_a_body_without_a_length_is_bounded_too(server: GateServe) -> None:
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    head = b"POST /api/v1/decisions HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
    head += b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    answer = raw(server, head + chunk * 20 + b"0\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 413 ")


def test_bytes_that_are_no_http_are_a_problem(server: GateServe) -> None:
    answer = raw(server, b"\x16\x03\x01 hello\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["status"] == 400


def test_a_head_without_an_end_is_refused(server: GateServe) -> None:
    head = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"
    answer = b""
    with socket.create_connection(("127.0.0.1", server.port), timeout=20.0) as connection:
        connection.sendall(head)
        try:
            for _ in range(64):
                connection.sendall(b"X-Filler: " + b"a" * 4000 + b"\r\n")
            while piece := connection.recv(65536):
                answer += piece
        except ConnectionError:
            pass
    assert not answer or answer.startswith(b"HTTP/1.1 431 ")
    assert server.get("/healthz").status == 200


def test_another_hosts_page_is_kept_out_of_a_server_for_development(server: GateServe) -> None:
    reply = server.get(PATH, {"Host": "evil.example:8080"})
    assert reply.status == 421
    assert server.get(PATH, {"Host": "localhost:8080"}).status == 200


def test_the_webhook_is_off_without_its_secret(server: GateServe) -> None:
    reply = server.ask("POST", "/github/webhook", b"{}", JSON)
    assert reply.status == 404
    assert "GATE_GITHUB_WEBHOOK_SECRET" in reply.json["detail"]


def test_two_requests_in_one_go_are_both_answered(server: GateServe) -> None:
    one = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"
    answer = raw(server, one + b"\r\n" + one + b"Connection: close\r\n\r\n")
    assert answer.count(b"HTTP/1.1 200 OK") == 2
