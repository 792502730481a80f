"""The App's deliveries in the fake of GitHub, and asking for them again."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from tests.github.fake import FakeGitHub
from tests.github.fake.server import Asked, Reply
from tests.github.fake.state import stamp


class Hook:
    """Attempts, the newest first; ``redeliver`` is called with those that are asked for again."""

    def __init__(self, fake: FakeGitHub) -> None:
        self.attempts: list[dict[str, Any]] = []
        self.asked_for = 0
        self.repeated: list[int] = []
        self.redeliver: Callable[[int], int] = lambda _: 202
        fake.route("GET", "/app/hook/deliveries", self._list)
        fake.route("POST", r"/app/hook/deliveries/(?P<number>[0-9]+)/attempts", self._again)

    def failed(self, guid: str, at: datetime, *, status: int = 503, event: str = "") -> int:
        """An attempt at a delivery; its number."""
        number = len(self.attempts) + 1
        attempt = {
            "id": number,
            "guid": guid,
            "delivered_at": stamp(at + timedelta(milliseconds=number)),
            "redelivery": False,
            "duration": 0.1,
            "status": "OK" if status < 300 else "Service Unavailable",
            "status_code": status,
            "event": event or "deployment_protection_rule",
            "action": "requested",
            "installation_id": 7000,
            "repository_id": 1,
        }
        self.attempts.insert(0, attempt)
        return number

    def _list(self, _: Asked) -> Reply:
        self.asked_for += 1
        return Reply(200, self.attempts, paged=True)

    def _again(self, asked: Asked) -> Reply:
        number = int(asked.match["number"])
        self.repeated.append(number)
        return Reply(self.redeliver(number), {})
