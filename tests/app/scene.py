"""One database, one GitHub, one clock, and what happens among them."""

import threading
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any, Self
from uuid import UUID

from gate.github.client import Connection
from gate.github.webhook.answer import Answer
from gate.github.webhook.signature import Secrets
from gate.service.github.asked import Asked
from gate.service.github.deliveries import Receiver
from gate.service.github.protecting import Protecting
from gate.store.connect import Target, connect
from tests.app.court import Court
from tests.app.deployments import Deployments, Run
from tests.app.payloads import delivery, requested
from tests.github.fake import FakeGitHub

FRIDAY = datetime(2026, 6, 12, 12, tzinfo=UTC)
SATURDAY = datetime(2026, 6, 13, 12, tzinfo=UTC)
REOPENING = datetime(2026, 6, 13, 23, tzinfo=UTC)
"""Midnight in London."""


class SetTiming:
    """A clock that stands still until it is set; waits move it."""

    def __init__(self) -> None:
        self.at = SATURDAY
        self.lock = threading.Lock()

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.at.timestamp()

    def wait(self, seconds: float) -> bool:
        with self.lock:
            self.at += timedelta(seconds=max(seconds, 0.0))
        return False


class Scene:
    """Deliveries come in, the clock is set, workers have their turns."""

    def __init__(
        self,
        where: Target,
        reached: Connection,
        court: Court,
        secrets: Secrets,
        receiver: Receiver,
        fake: FakeGitHub,
        deployments: Deployments,
        timing: SetTiming,
    ) -> None:
        self.where = where
        self.reached = reached
        self.court = court
        self.secrets = secrets
        self.receiver = receiver
        self.fake = fake
        self.deployments = deployments
        self.timing = timing
        self.stop = threading.Event()
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self.database = self._stack.enter_context(connect(self.where))
        self.asked = self._stack.enter_context(Asked.opened(self.where))
        self.worker = self.hired()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def hired(self) -> Protecting:
        """Another worker, of another server."""
        return Protecting(
            self.where,
            self.reached,
            self.court,
            timing=self.timing,
            lanes=1,
            share=lambda: 1.0,
        )

    def receive(self, event: str, content: Any, guid: UUID | None = None) -> Answer:
        """A delivery comes, signed."""
        headers, body = delivery(event, content, self.secrets, guid=guid)
        return self.receiver(headers, body, self.timing.now())

    def deploys(self, run: int = 12, **said: Any) -> Run:
        """A job of a run waits, and GitHub says so."""
        made = self.deployments.ask(run, said.get("environment", "production"))
        answer = self.receive("deployment_protection_rule", requested(run, **said))
        assert answer.status == 202
        return made

    def turn(self, at: datetime | None = None) -> None:
        """The worker looks at all that waits."""
        self.timing.at = at or self.timing.at
        self.worker.turn(self.asked, self.timing, self.stop)

    def states(self) -> list[str]:
        """How the requests stand, in the order in which they came."""
        rows = self.database.execute("SELECT state FROM github_protection_requests ORDER BY number")
        return [state for (state,) in rows]

    def row(self) -> dict[str, Any]:
        """The only request."""
        cursor = self.database.execute("SELECT * FROM github_protection_requests")
        (row,) = cursor.fetchall()
        names = [column.name for column in cursor.description or ()]
        return dict(zip(names, row, strict=True))
