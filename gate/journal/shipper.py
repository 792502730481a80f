"""Moves what segments hold into the ledger, in order, in batches, exactly once.

The ledger knows each record by writer and number and takes it once, however often it is sent; so
nothing has to be remembered here, and any number of these may work on a folder. A segment is
deleted when nobody writes it any more and all of it is in the ledger.
"""

import logging
import random
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from gate.core.backoff import Backoff
from gate.journal import aside
from gate.journal.layout import SUFFIX
from gate.journal.link import STATEMENT_SECONDS, Link, RowsLost, first_line
from gate.journal.segment import NEW_SUFFIX
from gate.journal.tail import Tail, Taken, opened
from gate.ledger.records import Record
from gate.store.connect import Target
from gate.store.errors import StoreUnavailable

POLL_SECONDS = 0.1
DRAIN_SECONDS = 10.0
_PASS_BYTES = 1 << 20
_PASS_SEGMENTS = 64
_FIRST_RETRY_SECONDS, _LAST_RETRY_SECONDS = 0.1, 5.0
_TIDY_SECONDS = 5.0
_STILLBORN_SECONDS = 60.0

_log = logging.getLogger(__name__)


class Shipping(msgspec.Struct, frozen=True, kw_only=True):
    """Where shipping stands.

    ``depth`` records wait, the first of them made at ``oldest_at``; ``shipped`` were confirmed by
    the ledger since the start. ``refused`` records and ``damaged`` segments lie aside.
    ``last_error`` is None while all is well; it has been otherwise since ``failing_since``.
    """

    depth: int = 0
    oldest_at: datetime | None = None
    segments: int = 0
    shipped: int = 0
    refused: int = 0
    damaged: int = 0
    last_error: str | None = None
    failing_since: datetime | None = None


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Shipper:
    """Ships one folder; for one thread, but ``state`` may be read from any.

    ``jitter`` gives numbers of ``[0, 1)``; ``say`` is told what a person has to look at.
    """

    def __init__(
        self,
        folder: Path,
        where: Target,
        *,
        clock: Callable[[], datetime] = _utc_now,
        jitter: Callable[[], float] = random.random,
        say: Callable[[str], None] = _log.warning,
        statement_seconds: float = STATEMENT_SECONDS,
    ) -> None:
        self.state = Shipping()
        self._folder = folder
        self._clock = clock
        self._jitter = jitter
        self._say = say
        self._tails: dict[str, Tail] = {}
        self._link = Link(where, put_aside=self._put_aside, statement_seconds=statement_seconds)
        self._lying_aside = (0, 0)
        self._tidied = -_TIDY_SECONDS

    def run(self, stop: threading.Event) -> None:
        """Ship what comes until `stop` is set; then what is there, for some seconds at most.

        An unreachable, slow, full or read-only database, or a folder that cannot be read, is tried
        again, later and later.
        """
        backoff = Backoff(_FIRST_RETRY_SECONDS, _LAST_RETRY_SECONDS, self._jitter)
        while not stop.is_set():
            reused = self._link.connected
            try:
                pause = 0.0 if self.step() else POLL_SECONDS
                backoff.reset()
            except (StoreUnavailable, OSError) as error:
                self._publish(error)
                # A connection that had been lying idle says nothing of the database now.
                pause = 0.0 if reused else backoff.next_seconds()
            stop.wait(pause)
        self._drain()
        self.close()

    def ship_once(self, advance: Callable[[int], None] = lambda _: None) -> Shipping:
        """Ship what is there now, and say where that led; `advance` is told the sum as it grows.

        Raises `StoreUnavailable` where the database cannot take it, `OSError` where the folder
        cannot be read.
        """
        while self.step():
            advance(self._link.shipped)
        advance(self._link.shipped)
        return self.state

    def step(self) -> bool:
        """One batch; whether more is there at once. Raises as `ship_once`."""
        self._look()
        with ExitStack() as stack:
            batch, more = self._gather(stack)
            records = [record for _, taken in batch for record in taken.records]
            if records:
                try:
                    self._link.ship(records)
                except RowsLost as lost:
                    self._begin_again(lost.writers)
                    raise
            for tail, taken in batch:
                tail.confirm(taken)
                if taken.done:
                    self._part_with(tail)
        self._publish()
        return more

    def close(self) -> None:
        """Give the connection back."""
        self._link.close()

    def _look(self) -> None:
        """Which segments there are, and how much is in them."""
        names = sorted(path.name for path in self._folder.iterdir() if path.suffix == SUFFIX)
        self._tails = {name: self._tails.get(name) or Tail(self._folder / name) for name in names}
        for tail in self._tails.values():
            with suppress(FileNotFoundError):
                tail.count()
        if time.monotonic() - self._tidied >= _TIDY_SECONDS:
            self._tidied = time.monotonic()
            self._lying_aside = aside.tally(self._folder)
            remove_stillborn(self._folder, self._clock())

    def _gather(self, stack: ExitStack) -> tuple[list[tuple[Tail, Taken]], bool]:
        """The next batch, and whether there is more; its segments stay open on the stack."""
        batch: list[tuple[Tail, Taken]] = []
        budget = _PASS_BYTES
        for tail in self._tails.values():
            if budget <= 0 or len(batch) == _PASS_SEGMENTS:
                return batch, True
            try:
                descriptor, free = stack.enter_context(opened(tail.path))
            except FileNotFoundError:
                continue
            taken = tail.take(descriptor, free, budget)
            if taken.end > tail.confirmed or taken.done:
                batch.append((tail, taken))
                budget -= taken.end - tail.confirmed
            if taken.more:
                # The rest of it goes before what younger segments hold.
                return batch, True
        return batch, False

    def _put_aside(self, record: Record, reason: str) -> None:
        path = aside.refuse(self._folder, record, reason, self._clock())
        self._say(f"the ledger refuses a record of {record.writer}: {reason}; it is kept in {path}")
        self._lying_aside = aside.tally(self._folder)

    def _begin_again(self, writers: Iterable[str]) -> None:
        for tail in self._tails.values():
            if tail.writer in writers:
                self._say(f"the ledger has lost rows of {tail.path.name}; it is shipped again")
                tail.begin_again()

    def _part_with(self, tail: Tail) -> None:
        """Delete a segment of which the ledger has all, or put it aside."""
        if tail.torn_bytes:
            self._say(
                f"{tail.path.name}: its writer died over the last {tail.torn_bytes} bytes;"
                " nothing of them was answered"
            )
        if reasons := tail.reasons():
            path = aside.keep_damaged(tail.path, reasons, tail.damage, self._clock())
            self._say(f"{tail.path.name}: {'; '.join(reasons)}; it is kept as {path}")
            self._lying_aside = aside.tally(self._folder)
        else:
            tail.path.unlink(missing_ok=True)
        del self._tails[tail.path.name]
        self._link.forget(tail.writer)

    def _publish(self, error: Exception | None = None) -> None:
        refused, damaged = self._lying_aside
        since = self.state.failing_since or self._clock() if error is not None else None
        tails = self._tails.values()
        self.state = Shipping(
            depth=sum(tail.pending for tail in tails),
            oldest_at=min((tail.oldest for tail in tails if tail.oldest), default=None),
            segments=len(self._tails),
            shipped=self._link.shipped,
            refused=refused,
            damaged=damaged,
            last_error=None if error is None else first_line(error),
            failing_since=since,
        )

    def _drain(self) -> None:
        deadline = time.monotonic() + DRAIN_SECONDS
        try:
            while time.monotonic() < deadline and self.step():
                continue
        except (StoreUnavailable, OSError) as error:
            self._publish(error)


def remove_stillborn(folder: Path, now: datetime) -> None:
    """Delete what a process left that died while it made a segment: nothing was ever in it."""
    for path in folder.iterdir():
        if path.suffix != NEW_SUFFIX:
            continue
        with suppress(FileNotFoundError), opened(path) as (_, free):
            age_seconds = now.timestamp() - path.stat().st_mtime
            if free and age_seconds > _STILLBORN_SECONDS:
                path.unlink()
