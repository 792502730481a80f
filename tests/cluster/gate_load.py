"""Changes that flow through the API server without pause, whatever is done to the webhook."""

import functools
import http.client
import itertools
import json
import secrets
import ssl
import threading
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlsplit

from tests.clients import Clients
from tests.cluster.gate_manifests import FIRST, config_map, path_of
from tests.controlplane.plane import PERSON, ControlPlane
from tests.webhook.gate_webhook import until

ENOUGH = 100
Ask = Callable[[int], tuple[str, dict[str, Any]]]
"""The path and the strategic merge patch of a client's nth change."""


def settings(plane: ControlPlane, namespace: str, clients: int = 4) -> list[Ask]:
    """Clients that write into a ConfigMap each; where nothing is locked, all of it is allowed."""
    asks: list[Ask] = []
    for _ in range(clients):
        made = config_map(f"load-{secrets.token_hex(4)}")
        path = path_of(namespace, made)
        plane.request("POST", path.rpartition("/")[0], made).ok()
        asks.append(functools.partial(_numbered, path))
    return asks


def _numbered(path: str, number: int) -> tuple[str, dict[str, Any]]:
    return path, {"data": {"number": str(number)}}


def rollbacks(path: str, clients: int = 2) -> list[Ask]:
    """Clients that try, and only try, to give a workload the first image again."""
    containers = [{"name": "app", "image": FIRST}]
    patch = {"spec": {"template": {"spec": {"containers": containers}}}}
    return [lambda _: (f"{path}?dryRun=All", patch)] * clients


class Load(Clients):
    """Clients, a thread and a connection each, from the block's beginning to its end.

    ``done`` counts what the API server did; ``failed`` has what it answered else.
    """

    def __init__(self, plane: ControlPlane, asks: Iterable[Ask]) -> None:
        super().__init__([functools.partial(self._run, ask) for ask in asks])
        self._plane = plane
        self._counted = threading.Lock()
        self.done = 0
        self.failed: list[str] = []

    def goes_on(self, condition: Callable[[], object] = lambda: True) -> None:
        """Wait until something is so, and until many more changes are done after that."""
        until(condition, seconds=60.0)
        wanted = self.done + len(self.failed) + ENOUGH
        until(lambda: self.done + len(self.failed) >= wanted, seconds=60.0)

    def _run(self, ask: Ask) -> None:
        target = urlsplit(self._plane.urls[0])
        context = ssl.create_default_context(cafile=str(self._plane.ca))
        assert target.hostname is not None
        connection = http.client.HTTPSConnection(
            target.hostname, target.port, context=context, timeout=30.0
        )
        headers = {
            "Authorization": f"Bearer {self._plane.tokens[PERSON]}",
            "Content-Type": "application/strategic-merge-patch+json",
        }
        for number in itertools.count(1):
            if self.over.is_set():
                break
            path, patch = ask(number)
            connection.request("PATCH", path, json.dumps(patch), headers)
            answer = connection.getresponse()
            text = answer.read().decode()
            with self._counted:
                if answer.status == 200:
                    self.done += 1
                else:
                    self.failed.append(f"{answer.status}: {text[:500]}")
        connection.close()
