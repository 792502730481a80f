"""`/readyz`: may traffic come here? Policy, calendar, certificate and journal must be usable."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec

from gate.inputs import Unreadable
from gate.journal.writer import Journal
from gate.service.clock import utc_now
from gate.service.standings import Standings
from gate.service.webhook.standing import Standing
from gate.service.webhook.tls import Certificate


class Readiness:
    """What `/readyz` of one worker rests on."""

    def __init__(
        self,
        standings: Standings[Standing],
        certificate: Certificate,
        journal: Journal,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._standings = standings
        self._certificate = certificate
        self._journal = journal
        self._clock = clock
        self.draining = False

    def report(self) -> tuple[bool, bytes]:
        """Whether it is ready, and why (not), as JSON."""
        inputs = self._standings.inputs
        unreadable = inputs if isinstance(inputs, Unreadable) else None
        problem = str(unreadable.problems[0]) if unreadable else None
        without_policy = unreadable is not None and unreadable.policy is None
        checks: dict[str, str | None] = {
            "policy": problem if without_policy else None,
            "calendar": problem,
            "certificate": self._certificate.usable(self._clock()),
            "journal": self._journal.usable(),
        }
        if self.draining:
            checks["draining"] = "this server is being stopped"
        ready = not any(checks.values())
        body = {"ready": ready, "checks": {k: v or "ok" for k, v in checks.items()}}
        return ready, msgspec.json.encode(body | self._notes())

    def _notes(self) -> dict[str, Any]:
        """What does not make it unready, and should be known all the same."""
        standings = self._standings
        notes: dict[str, Any] = {}
        if standings.read_at is not None:
            age = (self._clock() - standings.read_at).total_seconds()
            notes["snapshot_age_seconds"] = round(max(age, 0.0), 3)
        if standings.trouble:
            notes["database"] = standings.trouble
        if standings.refused:
            notes["refused"] = [str(problem) for problem in standings.refused[:5]]
        if self._certificate.trouble:
            notes["certificate"] = self._certificate.trouble
        return notes
