"""The worker that has GitHub deliver again what did not come through while a server was down."""

import threading
from datetime import timedelta

from github import GithubException
from github.Requester import Requester
from requests import RequestException

from gate.github.client import Connection
from gate.github.hook_deliveries import attempts_since, repeat, to_repeat
from gate.github.timing import RealTiming, Timing
from gate.service.logs import log

EVENTS = frozenset({"check_run", "deployment_protection_rule", "merge_group", "pull_request"})
EVERY_SECONDS = 180.0
REMEMBERED = timedelta(days=3)
"""GitHub keeps deliveries, and delivers them again, for so long."""
MOST_ATTEMPTS = 6
_UNDER_WAY = timedelta(seconds=30)


class Recovering:
    """At the start, and every few minutes; for an App only, whose deliveries can be listed."""

    name = "github-recovery"

    def __init__(self, connection: Connection, *, timing: Timing | None = None) -> None:
        self._connection = connection
        self._timing = timing

    def run(self, stop: threading.Event) -> None:
        """Work until ``stop`` is set."""
        timing = self._timing or RealTiming(stop)
        requester = self._connection.integration().requester
        while not stop.is_set():
            try:
                self.turn(requester, timing)
            except (GithubException, RequestException, ValueError) as error:
                why = str(error).splitlines()[0][:200] if str(error) else ""
                log("github-recovery-failed", error=f"{type(error).__name__}: {why}")
            if timing.wait(EVERY_SECONDS):
                return

    def turn(self, requester: Requester, timing: Timing) -> int:
        """Ask once; how many are delivered again. Raises what PyGithub and requests raise."""
        now = timing.now()
        attempts = attempts_since(requester, now - REMEMBERED)
        lost = to_repeat(attempts, EVENTS, before=now - _UNDER_WAY, most=MOST_ATTEMPTS)
        for attempt in lost:
            repeat(requester, attempt)
            log("github-delivery-repeated", delivery=attempt.guid, event_name=attempt.event,
                status=attempt.status_code)  # fmt: skip
        return len(lost)
