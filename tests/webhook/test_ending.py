"""Who had come is served, whatever becomes of the server's processes."""

import os
import signal
import socket
from pathlib import Path

from tests.webhook.gate_webhook import GateWebhook, running, until
from tests.webhook.inputs import Inputs

WAITING = 600


def come(server: GateWebhook) -> list[socket.socket]:
    """Clients who speak no TLS: whoever has read that closes their connection in good order."""
    clients = []
    for _ in range(WAITING):
        client = socket.create_connection(("127.0.0.1", server.port), timeout=30.0)
        client.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
        clients.append(client)
    return clients


def unheard(clients: list[socket.socket]) -> int:
    """How many of them were cut off before anybody read what they sent."""
    cut = 0
    for client in clients:
        with client:
            try:
                client.recv(100)
            except ConnectionResetError:
                cut += 1
    return cut


def test_who_waits_to_be_accepted_is_served_before_the_end(tmp_path: Path, inputs: Inputs) -> None:
    with running(tmp_path, *inputs("open"), "--workers", "1", "--drain", "0s") as server:
        # A supervisor that does not get to run for a moment, as on a busy machine.
        os.kill(server.process.pid, signal.SIGSTOP)
        clients = come(server)
        server.process.send_signal(signal.SIGTERM)
        os.kill(server.process.pid, signal.SIGCONT)
        assert unheard(clients) == 0
        assert server.process.wait(30.0) == 0


def test_a_busy_worker_turns_nobody_away(tmp_path: Path, inputs: Inputs) -> None:
    with running(tmp_path, *inputs("open"), "--workers", "1", "--drain", "0s") as server:
        (worker,) = server.workers()
        os.kill(worker, signal.SIGSTOP)
        clients = come(server)
        os.kill(worker, signal.SIGCONT)
        assert unheard(clients) == 0


def test_the_figures_of_a_worker_end_with_it(tmp_path: Path, inputs: Inputs) -> None:
    def connections() -> float:
        text = server.get("/metrics").body.decode()
        (line,) = (each for each in text.splitlines() if each.startswith("gate_connections "))
        return float(line.split()[1])

    with running(tmp_path, *inputs("open"), "--workers", "1", "--drain", "0s") as server:
        kept = [server.connect() for _ in range(20)]
        for each in kept:
            each.connect()
        until(lambda: connections() >= len(kept), what="the connections are counted")
        os.kill(server.workers()[0], signal.SIGKILL)
        until(lambda: len(server.workers()) == 2, what="another worker is ready")
        until(lambda: connections() < len(kept), what="they are not counted any more")
        for each in kept:
            each.close()
