"""Clients that ask without pause, and remember what they were answered."""

import http.client
import json
import threading
from types import TracebackType
from typing import Any, Self

from tests.webhook.gate_webhook import GateWebhook, exchange
from tests.webhook.reviews import review


class Load:
    """Some threads, a connection each, from the beginning of the block to its end.

    ``answered`` holds the ids of recorded decisions, ``failed`` what went wrong: an exception, or a
    status that is not 200. A connection that the server said it would close is opened again, as
    every HTTP client does.
    """

    def __init__(self, server: GateWebhook, clients: int = 8) -> None:
        self._server = server
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(clients)]
        self.answered: list[str] = []
        self.failed: list[str] = []

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        connection: http.client.HTTPSConnection | None = None
        while not self._over.is_set():
            try:
                connection = connection or self._server.connect()
                body = json.dumps(review()).encode()
                reply = exchange(connection, "POST", "/validate?timeout=5s", body)
                if reply.status == 200:
                    self._note(json.loads(reply.body)["response"])
                else:
                    self.failed.append(f"HTTP {reply.status}: {reply.body[:200]!r}")
                if "close" in reply.headers.get("connection", ""):
                    connection.close()
                    connection = None
            except (OSError, http.client.HTTPException) as error:
                self.failed.append(f"{type(error).__name__}: {error}")
                connection = None
                self._over.wait(0.01)
        if connection:
            connection.close()

    def _note(self, response: dict[str, Any]) -> None:
        notes = response["auditAnnotations"]
        if notes["verdict"] != "undecided":
            self.answered.append(notes["decision-id"])
