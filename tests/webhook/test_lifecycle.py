"""A server's life: replaced, drained, killed; its certificate changed; under load throughout."""

import json
import os
import signal
import socket
import ssl
import threading
import time
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest

from gate.journal.survey import records_in
from tests.servers import Reply
from tests.webhook.gate_webhook import GateWebhook, exchange, running, until
from tests.webhook.inputs import Inputs
from tests.webhook.load import Load
from tests.webhook.reviews import review

ENOUGH = 100


def journaled(folder: Path) -> list[str]:
    """Ids of all decisions in the journal."""
    return [json.loads(record.payload)["id"] for _, record in records_in(folder / "journal")]


def test_workers_are_replaced_under_load_without_a_failure(tmp_path: Path, inputs: Inputs) -> None:
    with running(tmp_path, *inputs("locked"), "--workers", "2", "--drain", "0s") as server:
        first = set(server.workers())
        with Load(server) as load:
            until(lambda: len(load.answered) > ENOUGH)
            server.process.send_signal(signal.SIGHUP)
            until(lambda: len(set(server.workers()) - first) == 2)
            until(lambda: not any(map(alive, first)))
            so_far = len(load.answered)
            until(lambda: len(load.answered) > so_far + ENOUGH)
        assert load.failed == []
        assert server.stop() == 0
    assert sorted(journaled(tmp_path)) == sorted(load.answered)


def test_a_killed_worker_is_replaced(tmp_path: Path, inputs: Inputs) -> None:
    with running(tmp_path, *inputs("locked"), "--workers", "2", "--drain", "0s") as server:
        with Load(server) as load:
            until(lambda: len(load.answered) > ENOUGH)
            os.kill(server.workers()[0], signal.SIGKILL)
            until(lambda: len(server.workers()) == 3)
            so_far = len(load.answered)
            until(lambda: len(load.answered) > so_far + ENOUGH)
        assert server.stop() == 0
    found = journaled(tmp_path)
    assert len(found) == len(set(found))
    assert set(load.answered) <= set(found)


def test_workers_end_when_their_supervisor_is_killed(tmp_path: Path, inputs: Inputs) -> None:
    with running(tmp_path, *inputs("locked"), "--workers", "2") as server:
        workers = server.workers()
        until(lambda: len(server.workers()) == 2)
        with Load(server) as load:
            until(lambda: len(load.answered) > ENOUGH)
            server.kill()
            until(lambda: not any(map(alive, workers)))
    assert set(load.answered) <= set(journaled(tmp_path))


def test_a_drained_server_says_so_and_answers_to_the_end(tmp_path: Path, inputs: Inputs) -> None:
    with running(tmp_path, *inputs("locked"), "--workers", "1", "--drain", "1s") as server:
        connection = server.connect()
        body = json.dumps(review()).encode()
        assert exchange(connection, "POST", "/validate", body).status == 200
        server.process.send_signal(signal.SIGTERM)
        until(lambda: server.get("/readyz").status == 503)
        assert exchange(connection, "POST", "/validate", body).status == 200
        until(
            lambda: "close" in exchange(connection, "GET", "/healthz").headers.get("connection", "")
        )
        assert server.process.wait(20) == 0


def test_the_certificate_is_swapped_under_load(tmp_path: Path, inputs: Inputs) -> None:
    with running(tmp_path, *inputs("locked"), "--workers", "2", "--drain", "0s") as server:
        kept = server.connect()
        assert exchange(kept, "GET", "/healthz").status == 200
        first = serial(server)
        with Load(server) as load:
            until(lambda: len(load.answered) > ENOUGH)
            server.authority.issue("server", lasts=timedelta(days=3))
            until(lambda: serial(server) != first and serial(server) != first)
            so_far = len(load.answered)
            until(lambda: len(load.answered) > so_far + ENOUGH)
        assert load.failed == []
        assert exchange(kept, "GET", "/healthz").status == 200
        kept.close()


def test_only_clients_of_the_authority_where_one_is_named(tmp_path: Path, inputs: Inputs) -> None:
    from tests.webhook.certificates import Authority  # noqa: PLC0415

    authority = Authority(tmp_path)
    client = authority.issue_client("client")
    options = [*inputs("locked"), "--tls-client-ca", str(authority.ca), "--drain", "0s"]
    with running(tmp_path, *options, authority=authority) as server:
        with pytest.raises((ssl.SSLError, OSError)):
            server.get("/healthz")
        server.context.load_cert_chain(client.certificate, client.key)
        assert server.get("/healthz").status == 200


def test_a_changed_policy_is_followed_and_a_bad_one_is_not(tmp_path: Path, inputs: Inputs) -> None:
    locked, opened = inputs("locked")[1], inputs("open")[1]
    policy = tmp_path / "policy.yaml"
    policy.write_bytes(Path(opened).read_bytes())
    options = ["--policy", str(policy), *inputs("locked")[2:], "--workers", "1", "--drain", "0s"]
    with running(tmp_path, *options) as server:
        assert server.review(review())["allowed"] is True
        policy.write_bytes(Path(locked).read_bytes())
        until(lambda: server.review(review())["allowed"] is False)
        policy.write_text("windows: [")
        until(lambda: server.logged("inputs-refused"))
        assert server.review(review())["allowed"] is False
        assert server.get("/readyz").json["refused"]


def test_thousands_of_idle_connections_leave_room(tmp_path: Path, inputs: Inputs) -> None:
    where = ["--workers", "1", "--drain", "0s"]
    with running(tmp_path, *inputs("locked"), *where) as server, ExitStack() as idle:
        (worker,) = server.workers()

        def connect() -> socket.socket:
            return idle.enter_context(socket.create_connection(("127.0.0.1", server.port)))

        for _ in range(2500):
            connect()
        for _ in range(300):
            idle.enter_context(server.context.wrap_socket(connect(), server_hostname="127.0.0.1"))
        assert server.review(review())["allowed"] is False
        assert resident_mib(worker) < 300


def test_many_large_bodies_at_once_stay_in_bounds(tmp_path: Path, inputs: Inputs) -> None:
    large = json.dumps(review(padding=2_500_000)).encode()
    with running(tmp_path, *inputs("locked"), "--drain", "0s") as server:
        statuses: list[int] = []

        def send() -> None:
            reply = server.ask("POST", "/validate?timeout=30s", large)
            statuses.append(reply.status)

        threads = [threading.Thread(target=send) for _ in range(200)]
        peak = 0.0
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            began = time.monotonic()
            assert server.review(review(), "?timeout=20s")["allowed"] is False
            assert time.monotonic() - began < 10
            peak = max(peak, sum(map(resident_mib, server.workers())))
        assert statuses == [200] * 200
        assert peak < 512


def is_last(reply: Reply) -> bool:
    """Whether the server closes the connection after it."""
    return "close" in reply.headers.get("connection", "")


def serial(server: GateWebhook) -> str:
    """The serial number of the certificate that a new connection is shown."""
    raw = socket.create_connection(("127.0.0.1", server.port))
    with server.context.wrap_socket(raw, server_hostname="127.0.0.1") as secure:
        shown = secure.getpeercert()
        assert shown
        return str(shown["serialNumber"])


def alive(pid: int) -> bool:
    """Whether a process runs (one that has ended and was not waited for does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1][0] != "Z"
    except FileNotFoundError:
        return False


def resident_mib(pid: int) -> float:
    """Memory that a process holds."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0
