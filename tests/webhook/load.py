"""Clients that ask without pause, and remember what they were answered."""

import http.client
import json
from typing import Any

from tests.clients import Clients
from tests.webhook.gate_webhook import GateWebhook, exchange
from tests.webhook.reviews import review


class Load(Clients):
    """Some threads, a connection each, from the beginning of the block to its end.

    ``answered`` holds the ids of recorded decisions, ``failed`` what went wrong: an exception, or a
    status that is not 200. A connection that the server said it would close is opened again, as
    every HTTP client does.
    """

    def __init__(self, server: GateWebhook, clients: int = 8) -> None:
        super().__init__([self._run] * clients)
        self._server = server
        self.answered: list[str] = []
        self.failed: list[str] = []

    def _run(self) -> None:
        connection: http.client.HTTPSConnection | None = None
        while not self.over.is_set():
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
                if connection:
                    connection.close()
                    connection = None
                self.over.wait(0.01)
        if connection:
            connection.close()

    def _note(self, response: dict[str, Any]) -> None:
        notes = response["auditAnnotations"]
        if notes["verdict"] != "undecided":
            self.answered.append(notes["decision-id"])
