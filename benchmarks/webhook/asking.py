"""Ask a target over TLS, as the API server does, and read its answer."""

import http.client
import json
import ssl
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Answer:
    """A target's answer to one review."""

    status: int
    text: str

    def allowed(self, uid: str) -> bool:
        """Its verdict; raises `ValueError` where it is no answer to the review of that uid."""
        try:
            response = json.loads(self.text)["response"]
            told, allowed = response["uid"], response["allowed"]
        except (ValueError, KeyError, TypeError):
            raise ValueError(f"status {self.status}, {self.text[:300]!r}") from None
        if self.status != 200 or told != uid or not isinstance(allowed, bool):
            raise ValueError(f"status {self.status}, {self.text[:300]!r}")
        return allowed


class Client:
    """One keep-alive connection to a target, made when it is first needed."""

    def __init__(self, url: str, authority: Path, *, seconds: float = 10.0) -> None:
        parts = urlsplit(url)
        assert parts.hostname is not None
        self._path = parts.path
        self._connection = http.client.HTTPSConnection(
            parts.hostname,
            parts.port,
            context=ssl.create_default_context(cafile=str(authority)),
            timeout=seconds,
        )

    def ask(self, body: bytes) -> Answer:
        """Post a review. Raises `OSError` or `http.client.HTTPException` where nobody answers."""
        try:
            self._connection.request("POST", self._path, body, {"Content-Type": "application/json"})
            answer = self._connection.getresponse()
            return Answer(answer.status, answer.read().decode())
        except (OSError, http.client.HTTPException):
            self._connection.close()
            raise

    def close(self) -> None:
        """End the connection."""
        self._connection.close()
