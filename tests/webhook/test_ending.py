"""A server that is told to end leaves nobody out who had come before."""

import os
import signal
import socket
from pathlib import Path

from tests.webhook.gate_webhook import running
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
