"""Writes to the database that nobody waits for: they are kept until it takes them.

Whoever keeps capacity up must not wait for a database. Each write is one named query that can be
repeated without harm, for a connection can break after the database has taken what it was sent.
"""

import random
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

import msgspec
import psycopg

from gate.core.backoff import Backoff
from gate.service.logs import log
from gate.store.connect import Target, store_errors
from gate.store.errors import StoreUnavailable
from gate.store.patience import answered_within, line
from gate.store.queries import query

MOST_WAITING = 20_000
"""Some dozens of megabytes; 350 floors moved four times a day fill it in two weeks."""
_BATCH = 500
_ANSWER_SECONDS = 5.0
_IDLE_SECONDS = 30.0
_FIRST_RETRY_SECONDS, _LONGEST_RETRY_SECONDS = 0.5, 15.0


class Write(msgspec.Struct, frozen=True):
    """A query of ``gate/store/sql``, with its parameters."""

    file: str
    name: str
    values: Mapping[str, Any]


class Outbox:
    """Keeps writes in order, at most ``most``, and hands them to the database from its own thread.

    Beyond ``most`` the oldest are dropped, which is said; so is a write that the database refuses
    for what it is. ``where`` None: there is no database, and every write is forgotten.
    """

    def __init__(self, where: Target | None, *, most: int = MOST_WAITING) -> None:
        self.where = where
        self._most = most
        self._waiting: deque[Write] = deque()
        self._state = threading.Condition()
        self._taken = 0
        self._settled = 0
        self._dropped = 0
        self._lost: str | None = None

    @property
    def lost(self) -> str | None:
        """Why the database takes nothing now; None where it does, or none is wanted."""
        return self._lost

    @property
    def waiting(self) -> int:
        """How many writes wait."""
        with self._state:
            return len(self._waiting)

    def put(self, *writes: Write) -> None:
        """Take writes; returns at once."""
        if self.where is None:
            return
        with self._state:
            self._waiting.extend(writes)
            self._taken += len(writes)
            over = len(self._waiting) - self._most
            for _ in range(over):
                self._waiting.popleft()
                self._settled += 1
            if over > 0:
                self._dropped += over
                log("records-dropped", dropped=self._dropped, most=self._most, why=self._lost)
            self._state.notify_all()

    def settle(self, seconds: float) -> bool:
        """Wait until what was put before is written, but not for a database that is known away."""
        if self.where is None:
            return True
        deadline = time.monotonic() + seconds
        with self._state:
            wanted = self._taken
            while self._settled < wanted:
                left = deadline - time.monotonic()
                if self._lost is not None or left <= 0:
                    return False
                self._state.wait(left)
            return True

    def run(self, stop: threading.Event) -> None:
        """Write until told to stop, and then once more what still waits."""
        if self.where is None:
            stop.wait()
            return
        backoff = Backoff(_FIRST_RETRY_SECONDS, _LONGEST_RETRY_SECONDS, random.random)
        while not stop.is_set():
            self._wait_for_work(stop)
            try:
                self._write_all(stop, backoff)
            except StoreUnavailable as error:
                self._away(str(error))
                stop.wait(backoff.next_seconds())
        if self._lost is None:
            try:
                self._write_all(None, backoff)
            except StoreUnavailable as error:
                self._away(str(error))
        if left := self.waiting:
            log("records-lost", records=left, why=self._lost)

    def _wait_for_work(self, stop: threading.Event) -> None:
        with self._state:
            while not self._waiting and not stop.is_set():
                self._state.wait(1.0)

    def _write_all(self, stop: threading.Event | None, backoff: Backoff) -> None:
        """Over one connection, while there is work; it is closed after a while without any."""
        if self.where is None or not self.waiting:
            return
        with line(self.where, _ANSWER_SECONDS) as connection:
            idle_at = time.monotonic() + _IDLE_SECONDS
            while time.monotonic() < idle_at:
                first, batch = self._next_batch(0.0 if stop is None else 1.0)
                if batch:
                    self._write(connection, batch)
                    self._written(first + len(batch))
                    backoff.reset()
                    idle_at = time.monotonic() + _IDLE_SECONDS
                elif stop is None or stop.is_set():
                    return

    def _next_batch(self, seconds: float) -> tuple[int, Sequence[Write]]:
        """The number of the oldest write, and what is to be written from there on."""
        with self._state:
            if not self._waiting and seconds:
                self._state.wait(seconds)
            return self._settled, list(islice(self._waiting, _BATCH))

    def _write(self, connection: psycopg.Connection, batch: Sequence[Write]) -> None:
        """All in one transaction; where one is refused for what it is, one by one without it."""
        try:
            with store_errors(), answered_within(connection, _ANSWER_SECONDS):
                _execute(connection, batch)
            return
        except (psycopg.DataError, psycopg.IntegrityError, psycopg.ProgrammingError) as error:
            if len(batch) == 1:
                log("record-refused", query=batch[0].name, error=str(error).splitlines()[0])
                return
        for each in batch:
            self._write(connection, [each])

    def _written(self, end: int) -> None:
        """All before this number is written; some of it may have been dropped meanwhile."""
        with self._state:
            while self._settled < end:
                self._waiting.popleft()
                self._settled += 1
            back, self._lost = self._lost is not None, None
            self._state.notify_all()
        if back:
            log("records-written-again", still=self.waiting)

    def _away(self, why: str) -> None:
        with self._state:
            first, self._lost = self._lost is None, why
            self._state.notify_all()
        if first:
            log("records-wait", records=self.waiting, why=why)


def _execute(connection: psycopg.Connection, batch: Sequence[Write]) -> None:
    with connection.pipeline(), connection.transaction(), connection.cursor() as cursor:
        for each in batch:
            cursor.execute(query(each.file, each.name), each.values)
