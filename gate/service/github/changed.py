"""The worker that passes on which heads' checks to look at, from deliveries that were stored."""

import random
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
import psycopg
from psycopg.rows import class_row

from gate.core.backoff import Backoff
from gate.github.timing import RealTiming, Timing
from gate.service.logs import log
from gate.store.connect import Target, store_errors
from gate.store.errors import StoreUnavailable
from gate.store.patience import answered_within, line
from gate.store.queries import query

Resync = Callable[[str, str | None], None]
"""Look at a repository's heads now: at one commit, whatever is known of it, or (None) at all.

Called from a worker's thread; it notes what is to be done and returns. What it raises is logged,
and it is called again later.
"""
LOOK_SECONDS = 0.5
MOST_ATTEMPTS = 10
_ANSWER_SECONDS = 10.0
_FIRST_RETRY_SECONDS, _LONGEST_RETRY_SECONDS = 1.0, 60.0


class _Change(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    repository: str
    sha: str | None
    attempts: int


class PassingOn:
    """Hands each stored change to ``resync`` once, on one of the servers."""

    name = "github-changes"

    def __init__(
        self,
        where: Target,
        resync: Resync,
        *,
        timing: Timing | None = None,
        share: Callable[[], float] = random.random,
    ) -> None:
        self._where = where
        self._resync = resync
        self._timing = timing
        self._share = share

    def run(self, stop: threading.Event) -> None:
        """Work until ``stop`` is set, whatever happens to the database."""
        timing = self._timing or RealTiming(stop)
        backoff = Backoff(_FIRST_RETRY_SECONDS, _LONGEST_RETRY_SECONDS, self._share)
        while not stop.is_set():
            try:
                with line(self._where, _ANSWER_SECONDS) as connection:
                    while not stop.is_set():
                        self.turn(connection, timing.now())
                        backoff.reset()
                        timing.wait(LOOK_SECONDS)
            except StoreUnavailable as error:
                log("github-changes-interrupted", error=str(error))
                timing.wait(backoff.next_seconds())

    def turn(self, connection: psycopg.Connection, now: datetime) -> int:
        """Pass on what is there; how many. Raises `StoreUnavailable`."""
        with (
            store_errors(),
            answered_within(connection, _ANSWER_SECONDS),
            connection.transaction(),
        ):
            with connection.cursor(row_factory=class_row(_Change)) as cursor:
                changes = cursor.execute(query("github", "claim_heads"), {"now": now}).fetchall()
            done: dict[tuple[str, str | None], str | None] = {}
            for change in changes:
                key = (change.repository, change.sha)
                # Twenty pushes while the database was away are one reason to look.
                if key not in done:
                    done[key] = self._passed_on(change)
                self._note(connection, change, done[key], now)
        return len(changes)

    def _passed_on(self, change: _Change) -> str | None:
        """Why it could not be passed on; None where it was."""
        try:
            self._resync(change.repository, change.sha)
        # The other changes are not to wait for one that something is wrong with.
        except Exception as error:
            log("github-change-not-passed-on", delivery=change.id, repository=change.repository,
                error=f"{type(error).__name__}: {error}")  # fmt: skip
            return f"{type(error).__name__}: {error}"[:500]
        return None

    def _note(
        self, connection: psycopg.Connection, change: _Change, error: str | None, now: datetime
    ) -> None:
        name = "heads_done"
        seconds = min(_FIRST_RETRY_SECONDS * 2.0**change.attempts, _LONGEST_RETRY_SECONDS)
        if error is not None:
            name = "heads_later" if change.attempts + 1 < MOST_ATTEMPTS else "heads_failed"
        connection.execute(
            query("github", name),
            {
                "id": change.id, "now": now, "error": error,
                "next": now + timedelta(seconds=seconds * (0.5 + 0.5 * self._share())),
            },
        )  # fmt: skip
