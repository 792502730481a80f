"""How a server begins, follows what changes, and ends; nothing that it answered is lost."""

import json
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from uuid import UUID

import pytest

from gate.ledger.read import Filter, entries
from gate.ledger.verify import verify
from gate.store.connect import Target, connect, connect_anyway
from gate.store.migrations import outdated
from tests.api.gate_serve import JSON, GateServe, running
from tests.postgres import fresh_schema
from tests.servers import REPOSITORY
from tests.webhook.gate_webhook import until
from tests.webhook.inputs import Inputs
from tests.webhook.test_database import gate

REACHED_WITHIN_SECONDS = 1.0


def ids(target: Target) -> list[str]:
    """Of the decisions that the ledger has from this door."""
    with connect(target) as connection:
        found = entries(connection, Filter(door="api"), limit=10_000)
    return [str(each.id) for each in found]


def refusal(target: Target, *options: str) -> tuple[int, str]:
    """Exit code and words of a server that does not begin."""
    done = subprocess.run(
        [sys.executable, "-m", "gate", "serve", *options],
        capture_output=True, text=True, check=False, cwd=REPOSITORY, timeout=60,
        env={"GATE_SCHEMA": target.schema, "GATE_DSN": target.dsn, "PATH": "/usr/bin:/bin",
             "GATE_CACHE_DIR": ""},
    )  # fmt: skip
    return done.returncode, done.stderr


def test_what_was_answered_is_in_the_ledger_after_a_good_end(
    tmp_path: Path, inputs: Inputs
) -> None:
    with fresh_schema() as target:
        with running(tmp_path, target, *inputs("locked"), "--dev") as server:
            told = [server.decide({})["id"] for _ in range(20)]
            assert server.stop() == 0
        assert sorted(ids(target)) == sorted(told)
        with connect(target) as connection:
            assert verify(connection).ok


def test_what_was_answered_is_in_the_ledger_after_a_kill(tmp_path: Path, inputs: Inputs) -> None:
    told: list[str] = []
    with fresh_schema() as target:
        options = [*inputs("locked"), "--dev"]
        with running(tmp_path, target, *options) as server:
            stop = threading.Event()

            def ask() -> None:
                while not stop.is_set():
                    try:
                        told.append(server.decide({})["id"])
                    except OSError:
                        return

            threads = [threading.Thread(target=ask) for _ in range(4)]
            for thread in threads:
                thread.start()
            until(lambda: len(told) > 50)
            server.kill()
            stop.set()
            for thread in threads:
                thread.join()
        with running(tmp_path, target, *options) as server:
            told.append(server.decide({})["id"])
        found = ids(target)
        assert len(found) == len(set(found))
        assert set(told) <= set(found)


def test_a_request_that_is_being_answered_is_answered_before_the_end(
    tmp_path: Path, inputs: Inputs
) -> None:
    body = b'{"actor": "late"}'
    head = (
        b"POST /api/v1/decisions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    )
    head += b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(body)
    with (
        fresh_schema() as target,
        running(tmp_path, target, *inputs("locked"), "--dev") as server,
        socket.create_connection(("127.0.0.1", server.port), timeout=20.0) as connection,
    ):
        connection.sendall(head + body[:5])
        until(lambda: server.get("/healthz").status == 200)
        server.process.send_signal(signal.SIGTERM)
        until(lambda: "draining" in server.log.read_text())
        connection.sendall(body[5:])
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
        assert answer.startswith(b"HTTP/1.1 200 OK")
        decision = json.loads(answer.partition(b"\r\n\r\n")[2])
        assert server.stop() == 0
        assert ids(target) == [decision["id"]]


def test_a_lock_reaches_the_api_within_a_second(tmp_path: Path, inputs: Inputs) -> None:
    def verdict(server: GateServe) -> str:
        return str(server.decide({})["verdict"])

    with (
        fresh_schema() as target,
        running(tmp_path, target, *inputs("open"), "--dev") as server,
    ):
        assert verdict(server) == "allow"
        gate(target, "lock", "set", "--reason", "storm over the venues")
        began = time.monotonic()
        until(lambda: verdict(server) == "deny", what="the lock holds")
        assert time.monotonic() - began < REACHED_WITHIN_SECONDS


def test_a_bad_edit_keeps_the_last_good_policy(tmp_path: Path, inputs: Inputs) -> None:
    _, given, _, calendar = inputs("locked")
    policy = tmp_path / "policy.yaml"
    policy.write_text(Path(given).read_text())
    options = ["--policy", str(policy), "--calendar", calendar, "--dev"]
    with fresh_schema() as target, running(tmp_path, target, *options) as server:
        good = server.decide({})
        policy.write_text("version: 1\nwindows: nonsense\n")
        until(lambda: "inputs-refused" in server.log.read_text())
        assert server.decide({})["policy"] == good["policy"]
        policy.write_text(Path(given).read_text() + "mode: warn\n")
        until(lambda: server.decide({})["effect"] == "warn")


def test_policy_and_calendar_come_from_the_database(tmp_path: Path, inputs: Inputs) -> None:
    _, policy, _, calendar = inputs("locked")
    with fresh_schema() as target, running(tmp_path, target, "--dev") as server:
        answer = server.decide({})
        assert (answer["verdict"], answer["recorded"]) == ("undecided", True)
        gate(target, "policy", "import", policy, "--activate")
        gate(target, "calendar", "import", calendar)
        until(lambda: server.decide({})["verdict"] == "deny")


def test_what_cannot_be_recorded_is_undecided(tmp_path: Path, inputs: Inputs) -> None:
    options = [*inputs("open"), "--dev", "--journal-cap", "1"]
    with fresh_schema() as target, running(tmp_path, target, *options) as server:
        # The way into the database is shut, so that the journal fills up to its cap.
        with connect(target) as connection, connection.transaction():
            connection.execute("LOCK TABLE ledger_head IN ACCESS EXCLUSIVE MODE")
            body = {"actor": "a" * 60_000}
            answer = until(
                lambda: next(
                    (a for _ in range(10) if (a := server.decide(body))["verdict"] != "allow"), None
                )
            )
        assert (answer["verdict"], answer["effect"]) == ("undecided", "block")
        assert answer["recorded"] is False
        assert [reason["code"] for reason in answer["reasons"]] == ["store-unavailable"]
        assert server.get(f"/api/v1/decisions/{answer['id']}").status == 404
        until(lambda: server.decide({})["verdict"] == "allow")


def test_two_servers_share_a_state_folder(tmp_path: Path, inputs: Inputs) -> None:
    with fresh_schema() as target:
        options = [*inputs("locked"), "--dev"]
        with (
            running(tmp_path, target, *options) as first,
            running(tmp_path, target, *options) as second,
        ):
            told = [first.decide({})["id"], second.decide({})["id"]]
            other = f"/api/v1/decisions/{told[0]}"
            until(lambda: second.get(other).status == 200, what="the other's decision")
        assert sorted(ids(target)) == sorted(told)


def test_an_empty_database_needs_its_migrations(tmp_path: Path, inputs: Inputs) -> None:
    with fresh_schema(migrated=False) as target:
        options = [*inputs("locked"), "--dev", "--listen", "127.0.0.1:0"]
        code, said = refusal(target, *options)
        assert code == 4
        assert "gate db migrate" in said
        assert "--migrate" in said
        with running(tmp_path, target, *inputs("locked"), "--dev", "--migrate") as server:
            assert UUID(server.decide({})["id"]).version == 7
        with connect_anyway(target) as connection:
            assert not outdated(connection, target.schema)


@pytest.mark.parametrize("address", ["0.0.0.0:0", "[::]:0", ":0"])
def test_development_is_for_this_machine_alone(address: str, inputs: Inputs) -> None:
    with fresh_schema() as target:
        code, said = refusal(target, *inputs("locked"), "--dev", "--listen", address)
    assert code == 2
    assert "--dev" in said


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["--listen", "nowhere"], 2),
        (["--only", "api,kitchen"], 2),
        (["--dsn", "no dsn at all"], 2),
        (["--listen", "192.0.2.1:80"], 4),
    ],
)
def test_bad_options_are_refused(inputs: Inputs, options: list[str], code: int) -> None:
    with fresh_schema() as target:
        assert refusal(target, *inputs("locked"), *options)[0] == code


def test_a_policy_that_cannot_be_read_is_refused(tmp_path: Path, inputs: Inputs) -> None:
    _, _, _, calendar = inputs("locked")
    bad = tmp_path / "bad.yaml"
    bad.write_text("version: 2\n")
    with fresh_schema() as target:
        code, said = refusal(target, "--policy", str(bad), "--calendar", calendar, "--dev")
    assert code == 2
    assert "bad.yaml" in said


def test_without_credentials_every_path_but_two_is_shut(tmp_path: Path, inputs: Inputs) -> None:
    with fresh_schema() as target, running(tmp_path, target, *inputs("locked")) as server:
        assert server.get("/healthz").status == 200
        assert server.ask("POST", "/github/webhook", b"{}", JSON).status == 404
        for method, path in [
            ("GET", "/"), ("GET", "/openapi.json"), ("GET", "/nothing"),
            ("GET", "/api/v1/decisions"), ("POST", "/api/v1/decisions"), ("PUT", "/healthz/x"),
        ]:  # fmt: skip
            reply = server.ask(method, path, b"{}" if method == "POST" else None, JSON)
            assert reply.status in {401, 503}, (path, reply.status)
            assert reply.headers["content-type"] == "application/problem+json"
        reply = server.get("/api/v1/decisions")
        assert reply.headers["www-authenticate"].startswith("Bearer ")
