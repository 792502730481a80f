"""Policy, calendar, locks and overrides of the database, followed as they change.

The database says by NOTIFY that something has changed; what holds is then read whole. A slow poll
reads it anyway, and a keepalive in between finds a connection that answers nothing.
"""

import random
import threading
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import msgspec
import psycopg
from psycopg import sql

from gate.core.backoff import Backoff
from gate.core.instants import format_instant
from gate.ledger.acts.current import read_current
from gate.service.clock import utc_now
from gate.service.feed import Inputs
from gate.service.keeper.persisted import Persister
from gate.service.keeper.state_file import StateFile, calendar_file, policy_file
from gate.service.keeper.teller import Teller
from gate.service.logs import log
from gate.store.connect import Target, store_errors
from gate.store.errors import StoreUnavailable
from gate.store.patience import answered_within, line


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """How often what is done, and how long is waited, in seconds.

    ``poll``: what holds is read anew without being asked for; ``unannounced_poll`` takes its place
    once a change has come without its notification, for which ``late`` is waited. ``keepalive``
    and ``answer`` together are how long a silent connection goes unnoticed. ``repeat`` and
    ``persist``: an unchanged snapshot's new age is published and kept on disk at least so often.
    ``look``: how soon an end, or a file that has been fetched, is seen.
    """

    poll: float = 15.0
    unannounced_poll: float = 0.5
    late: float = 1.0
    keepalive: float = 2.0
    answer: float = 3.0
    repeat: float = 2.0
    persist: float = 60.0
    look: float = 0.5
    first_retry: float = 0.1
    longest_retry: float = 5.0


class Snapshots:
    """Publishes what holds in the database, and what is amiss.

    ``policy`` and ``calendar`` tell whether these come from the database; their files and the last
    snapshot lie in ``folder``, which exists.
    """

    def __init__(
        self,
        where: Target,
        folder: Path,
        publish: Callable[[Inputs], None],
        *,
        policy: bool,
        calendar: bool,
        pace: Pace = Pace(),  # noqa: B008 - frozen
    ) -> None:
        self._where = where
        self._pace = pace
        self._policy = StateFile(where, folder, "policy-*.yaml") if policy else None
        self._calendar = StateFile(where, folder, "calendar-*.jsonl") if calendar else None
        self._persister = Persister(folder, where)
        self._lost_since: datetime | None = None
        self._teller = Teller(
            where,
            folder,
            publish,
            policy=self._policy,
            calendar=self._calendar,
            persist=self._persister.keep,
            repeat_seconds=pace.repeat,
            persist_seconds=pace.persist,
        )

    def run(self, stop: threading.Event) -> None:
        """Follow the database until told to stop, whatever happens to it."""
        self._teller.restore()
        helpers = [each for each in (self._policy, self._calendar, self._persister) if each]
        threads = [threading.Thread(target=each.run, daemon=True) for each in helpers]
        for thread in threads:
            thread.start()
        backoff = Backoff(self._pace.first_retry, self._pace.longest_retry, random.random)
        while not stop.is_set():
            try:
                with line(self._where, self._pace.answer) as connection, store_errors():
                    self._follow(connection, stop, backoff)
            # Whatever it is, the next attempt may succeed; what was read last holds until then.
            except Exception as error:
                self._note_loss(error)
                stop.wait(backoff.next_seconds())
        for helper in helpers:
            helper.close()
        for thread in threads:
            thread.join(timeout=self._pace.answer)

    def _follow(
        self, connection: psycopg.Connection, stop: threading.Event, backoff: Backoff
    ) -> None:
        """One connection, until it is lost (which raises) or the end is asked for."""
        pace, teller = self._pace, self._teller
        teller.unannounced = False
        with answered_within(connection, pace.answer):
            channel = sql.Identifier(f"{self._where.schema}_changed")
            # Before the first reading: of whatever changes after that, it is heard.
            connection.execute(sql.SQL("LISTEN {}").format(channel))
        self._read(connection)
        log("database-read", lost_since=self._lost_since)
        self._lost_since = None
        backoff.reset()
        answered_at = time.monotonic()
        poll_at = answered_at + pace.poll
        unheard_since: float | None = None
        while not stop.is_set():
            heard = _heard(connection, pace.look)
            now = time.monotonic()
            if heard:
                unheard_since = None
            elif unheard_since is not None and now - unheard_since > pace.late:
                self._note_unannounced()
            if heard or now >= poll_at:
                if self._read(connection) and not heard:
                    unheard_since = now
                poll_at = now + (pace.unannounced_poll if teller.unannounced else pace.poll)
                answered_at = now
            elif now - answered_at >= pace.keepalive:
                self._ask(connection)
                answered_at = now
            teller.tell()

    def _ask(self, connection: psycopg.Connection) -> None:
        asked_at = utc_now()
        with answered_within(connection, self._pace.answer):
            connection.execute("SELECT 1")
        self._teller.answered(asked_at)

    def _read(self, connection: psycopg.Connection) -> bool:
        asked_at = utc_now()
        with answered_within(connection, self._pace.answer):
            current = read_current(connection)
        if self._policy is not None and current.policy_sha256 is not None:
            self._policy.want(policy_file(current.policy_sha256))
        if self._calendar is not None and current.calendar is not None:
            self._calendar.want(calendar_file(current.calendar))
        return self._teller.holds(current, asked_at)

    def _note_loss(self, error: Exception) -> None:
        said = str(error)
        if not isinstance(error, StoreUnavailable):
            said = f"the database cannot be followed: {type(error).__name__}: {said}"
        read_at = self._teller.read_at
        self._lost_since = self._lost_since or utc_now()
        last = f"last read at {format_instant(read_at)}" if read_at else "never read yet"
        trouble = f"{said} ({last})"
        if trouble != self._teller.lost:
            log("database-lost", error=said)
        self._teller.lost = trouble
        self._teller.tell()

    def _note_unannounced(self) -> None:
        if not self._teller.unannounced:
            log("changes-unannounced", poll_seconds=self._pace.unannounced_poll)
            self._teller.unannounced = True


def _heard(connection: psycopg.Connection, seconds: float) -> bool:
    """Whether a change is announced within a time; several at once are one."""
    heard = any(True for _ in connection.notifies(timeout=seconds, stop_after=1))
    if heard:
        for _ in connection.notifies(timeout=0):
            pass
    return heard
