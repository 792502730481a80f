"""A server that is told to end leaves nobody out who had come before."""

import os
import signal
import socket
from pathlib import Path

from tests.webhook.gate_webhook import running, until
from tests.webhook.inputs import Inputs

WAITING = 200


def test_who_waits_to_be_accepted_is_served_before_the_end(tmp_path: Path, inputs: Inputs) -> None:
    with running(tmp_path, *inputs("open"), "--workers", "1", "--drain", "0s") as server:
        # A supervisor that does not get to run for a moment, as on a busy machine.
        os.kill(server.process.pid, signal.SIGSTOP)
        waiting = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(WAITING)]
        for each in waiting:
            each.settimeout(30.0)
            each.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
        server.process.send_signal(signal.SIGTERM)
        os.kill(server.process.pid, signal.SIGCONT)
        reset = 0
        for each in waiting:
            with each:
                try:
                    each.recv(100)
                except ConnectionResetError:
                    reset += 1
        assert server.process.wait(30.0) == 0
    # They speak no TLS and are told so; who is reset was never looked at.
    assert reset == 0


def test_the_figures_of_a_worker_end_with_it(tmp_path: Path, inputs: Inputs) -> None:
    def connections() -> float:
        text = server.get("/metrics").body.decode()
        (line,) = (each for each in text.splitlines() if each.startswith("gate_connections "))
        return float(line.split()[1])

    with running(tmp_path, *inputs("open"), "--workers", "1", "--drain", "0s") as server:
        kept = [server.connect() for _ in range(WAITING // 10)]
        for each in kept:
            each.connect()
        until(lambda: connections() >= len(kept), what="the connections are counted")
        os.kill(server.workers()[0], signal.SIGKILL)
        until(lambda: len(server.workers()) == 2, what="another worker is ready")
        until(lambda: connections() < len(kept), what="they are not counted any more")
        for each in kept:
            each.close()
