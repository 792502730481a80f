"""Changes that flow through the API server without pause, while something is done to the webhook."""

import http.client
import json
import ssl
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from tests.cluster.gate_manifests import config_map, path_of
from tests.controlplane.plane import PERSON, ControlPlane
from tests.webhook.gate_webhook import until

ENOUGH = 100


class Changes:
    """Some threads from the block's beginning to its end; each patches a ConfigMap of its own.

    ``done`` counts what the API server did, ``failed`` has what it answered else: both are for a
    namespace in which all is allowed.
    """

    def __init__(self, plane: ControlPlane, namespace: str, clients: int = 4) -> None:
        self._plane = plane
        self._over = threading.Event()
        self._paths = [path_of(namespace, config_map(f"load-{n}")) for n in range(clients)]
        for path in self._paths:
            collection, _, name = path.rpartition("/")
            plane.request("POST", collection, config_map(name)).ok()
        self._threads = [threading.Thread(target=self._run, args=[path]) for path in self._paths]
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

    def wait_for(self, condition: Callable[[], object] = lambda: True, *, more: int = ENOUGH) -> None:
        """Wait until something is so, and until so many more changes are done after that."""
        until(condition, seconds=60.0)
        wanted = self.done + more
        until(lambda: self.done >= wanted or self.failed, seconds=60.0)

    def _run(self, path: str) -> None:
        target = urlsplit(self._plane.urls[0])
        context = ssl.create_default_context(cafile=str(self._plane.ca))
        assert target.hostname is not None
        connection = http.client.HTTPSConnection(
            target.hostname, target.port, context=context, timeout=30.0
        )
        headers = {
            "Authorization": f"Bearer {self._plane.tokens[PERSON]}",
            "Content-Type": "application/merge-patch+json",
        }
        number = 0
        while not self._over.is_set():
            number += 1
            body = json.dumps({"data": {"number": str(number)}})
            connection.request("PATCH", path, body, headers)
            answer = connection.getresponse()
            text = answer.read().decode()
            if answer.status == 200:
                self.done += 1
            else:
                self.failed.append(f"{answer.status}: {text[:500]}")
        connection.close()
