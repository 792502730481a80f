"""Changes that flow through the API server without pause, whatever is done to the webhook."""

import functools
import http.client
import itertools
import json
import secrets
import ssl
import threading
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

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


class Load:
    """Clients, a thread and a connection each, from the block's beginning to its end.

    ``done`` counts what the API server did; ``failed`` has what it answered else.
    """

    def __init__(self, plane: ControlPlane, asks: Iterable[Ask]) -> None:
        self._plane = plane
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=[ask]) for ask in asks]
        self._counted = threading.Lock()
        self.done = 0
        self.failed: list[str] = []

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

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
            if self._over.is_set():
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
