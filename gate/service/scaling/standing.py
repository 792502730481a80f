"""The database's word on holds, for whoever brings targets to their floors."""

import random
import threading
import time
from collections.abc import Callable
from datetime import datetime

import msgspec
import psycopg
from psycopg import sql

from gate.cluster.scaling.values import Hold, Target
from gate.cluster.scaling.wanting import in_force
from gate.core.backoff import Backoff
from gate.ledger.acts.holds import Holds, open_holds
from gate.service.clock import utc_now
from gate.service.logs import log
from gate.store import connect as store
from gate.store.errors import StoreUnavailable
from gate.store.patience import answered_within, line


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds. ``poll``: holds are read anew without being asked for; ``answer``: so long may the
    database be silent; ``look``: how soon an end is seen."""

    poll: float = 5.0
    answer: float = 3.0
    look: float = 0.5
    first_retry: float = 0.1
    longest_retry: float = 5.0


class StandingHolds:
    """Which holds should stand on a target, as the database had it last.

    Call it with a target. Before the database has answered, a target's own word holds, and what
    was read last holds while it is away; ``trouble`` says that it is. Any thread may ask.
    """

    def __init__(
        self,
        where: store.Target,
        *,
        changed: Callable[[], None] = lambda: None,
        clock: Callable[[], datetime] = utc_now,
        pace: Pace = Pace(),  # noqa: B008 - frozen
    ) -> None:
        """``changed`` is called where other holds stand than before."""
        self._where = where
        self.changed = changed
        self._clock = clock
        self._pace = pace
        self._holds: Holds | None = None
        self.trouble: str | None = None

    def __call__(self, target: Target) -> tuple[Hold, ...] | None:
        """The holds that should stand on it; None: those that do, none."""
        holds, now = self._holds, self._clock()
        if holds is not None:
            return holds.on(target.namespace, target.name, target.holds, now)
        return in_force(target.holds, now) if target.holds else None

    def read(self) -> "StandingHolds":
        """Read once, for a run that happens once; ``trouble`` where that cannot be done."""
        try:
            with line(self._where, self._pace.answer) as connection, store.store_errors():
                self._read(connection)
        except StoreUnavailable as error:
            self.trouble = str(error)
        return self

    def run(self, stop: threading.Event) -> None:
        """Follow the database until told to stop, whatever happens to it."""
        backoff = Backoff(self._pace.first_retry, self._pace.longest_retry, random.random)
        while not stop.is_set():
            try:
                with line(self._where, self._pace.answer) as connection, store.store_errors():
                    self._follow(connection, stop, backoff)
            # Whatever it is, the next attempt may succeed; what was read last holds until then.
            except Exception as error:
                if self.trouble is None:
                    log("holds-lost", error=str(error))
                self.trouble = str(error)
                stop.wait(backoff.next_seconds())

    def _follow(
        self, connection: psycopg.Connection, stop: threading.Event, backoff: Backoff
    ) -> None:
        with answered_within(connection, self._pace.answer):
            channel = sql.Identifier(f"{self._where.schema}_changed")
            # Before the first reading: of whatever changes after that, it is heard.
            connection.execute(sql.SQL("LISTEN {}").format(channel))
        read_at = float("-inf")
        while not stop.is_set():
            if time.monotonic() - read_at >= self._pace.poll:
                self._read(connection)
                read_at = time.monotonic()
                backoff.reset()
            # Also of a lock or a policy: to read once more costs less than to tell them apart.
            for _ in connection.notifies(timeout=self._pace.look, stop_after=1):
                read_at = float("-inf")

    def _read(self, connection: psycopg.Connection) -> None:
        with answered_within(connection, self._pace.answer):
            holds = open_holds(connection, self._clock())
        before, self._holds, self.trouble = self._holds, holds, None
        if before != holds:
            self.changed()
