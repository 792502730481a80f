"""The journal as a door uses it: append, wait until it is durable, answer.

    journal = await Journal.open(folder, "webhook")
    try:
        await journal.append(now, lambda identifier: canonical(stamped(decision, identifier)))
    except JournalUnavailable:
        ...  # undecided, store-unavailable
    await journal.close()

The event loop never waits for the disk. What is appended in one turn of the loop is handed to the
writing thread together, and whatever has gathered while that was writing becomes durable at once.
"""

import asyncio
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Self

import msgspec

from gate.core.problems import InputError
from gate.journal.committer import Commit, Committer, Item, LoopGoneError
from gate.journal.errors import JournalUnavailable
from gate.journal.layout import LARGEST_PAYLOAD_BYTES
from gate.journal.segment import GROW_BYTES, Disk

CAP_BYTES = 1 << 30
SEGMENT_BYTES = 8 << 20
QUEUE_BYTES = 32 << 20
QUEUE_RECORDS = 20_000
STALL_SECONDS = 2.0
_SEGMENTS_IN_CAP = 4
_LEAST_CAP_BYTES = 1 << 20
_RECORD_BYTES = 16
"""What a record takes beside its payload, where few share a batch."""


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """What the journal did since it was opened, and what waits.

    ``depth`` and ``queued_bytes`` are records and payload bytes that are not durable yet;
    ``folder_bytes`` is what the segments of all processes took when it was last looked at.
    ``commit_seconds`` is the sum over ``commits`` of the time that the disk took.
    """

    records: int
    refused: int
    commits: int
    commit_seconds: float
    slowest_commit_seconds: float
    depth: int
    queued_bytes: int
    folder_bytes: int


class Journal:
    """An open journal; for the event loop it was opened in.

    ``cap_bytes`` bounds the segments of all processes in the folder together, to within one
    growth of each. ``segment_bytes`` is about what a segment takes before the next is begun.
    ``on_commit`` is told records and seconds of each durable batch, in the loop.
    """

    def __init__(
        self,
        folder: Path,
        door: str,
        *,
        loop: asyncio.AbstractEventLoop,
        cap_bytes: int = CAP_BYTES,
        segment_bytes: int = SEGMENT_BYTES,
        grow_bytes: int = GROW_BYTES,
        queue_bytes: int = QUEUE_BYTES,
        queue_records: int = QUEUE_RECORDS,
        stall_seconds: float = STALL_SECONDS,
        on_commit: Callable[[int, float], None] | None = None,
        disk: Disk | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Begin to open it (`open` does, and waits). Raises `InputError` for a cap too small."""
        if cap_bytes < _LEAST_CAP_BYTES:
            raise InputError.of(
                f"a journal of {cap_bytes} bytes holds next to nothing",
                mend=f"allow at least {_LEAST_CAP_BYTES}",
            )
        self._loop = loop
        self._segment_bytes = min(segment_bytes, cap_bytes // _SEGMENTS_IN_CAP)
        self._queue_bytes = queue_bytes
        self._queue_records = queue_records
        self._stall_seconds = stall_seconds
        self._on_commit = on_commit
        self._committer = Committer(
            folder,
            door,
            settle=self._settle_from_thread,
            disk=disk or Disk(),
            clock=clock,
            cap_bytes=cap_bytes,
            grow_bytes=grow_bytes,
        )
        # Replaced by that of the first segment: no epoch is below zero.
        self._lane = self._committer.new_lane(-1)
        self._turn: list[Item] = []
        self._closing: JournalUnavailable | None = None
        self._tried = loop.create_future()
        self._ended = loop.create_future()
        self._depth = self._queued = 0
        self._records = self._refused = self._commits = 0
        self._commit_seconds = self._slowest = 0.0
        self._committer.start()

    @classmethod
    async def open(
        cls,
        folder: Path,
        door: str,
        *,
        cap_bytes: int = CAP_BYTES,
        segment_bytes: int = SEGMENT_BYTES,
        on_commit: Callable[[int, float], None] | None = None,
    ) -> Self:
        """A journal that has tried to make its first segment; `usable` says how that went.

        The folder is made where only it is missing. Raises `InputError` for a cap too small.
        """
        journal = cls(
            folder,
            door,
            loop=asyncio.get_running_loop(),
            cap_bytes=cap_bytes,
            segment_bytes=segment_bytes,
            on_commit=on_commit,
        )
        await journal.opened()
        return journal

    async def opened(self) -> None:
        """Wait until the first segment was tried."""
        await asyncio.shield(self._tried)

    def append(self, now: datetime, encode: Callable[[str], bytes]) -> asyncio.Future[None]:
        """Record the bytes that ``encode`` makes for the id it is given, minted for `now` (aware).

        ``encode`` is called at once. The future is done when the record is durable; it raises
        `JournalUnavailable` where it is not known to be. Who stops waiting cancels the future:
        what was not written by then never is.

        Raises `JournalUnavailable` where it is known now that nothing can be recorded, and
        `InputError` for a record larger than the ledger takes.
        """
        if (refusal := self._refusal()) is not None:
            self._refused += 1
            raise _fresh(refusal)
        lane = self._lane
        committer = self._committer
        if lane.epoch != committer.epoch:
            assert committer.opened is not None
            lane = self._lane = committer.opened
        elif lane.taken_bytes > self._segment_bytes:
            lane = self._lane = committer.new_lane(lane.epoch)
        payload = encode(lane.next_id(now))
        size = len(payload)
        if size > LARGEST_PAYLOAD_BYTES:
            raise InputError.of(f"a record of {size} bytes is more than the ledger takes")
        lane.taken_bytes += size + _RECORD_BYTES
        self._depth += 1
        self._queued += size
        future: asyncio.Future[None] = self._loop.create_future()
        if not self._turn:
            # Not at once: the others of this turn of the loop shall be in the same write.
            self._loop.call_soon(self._hand_over)
        self._turn.append(Item(lane, lane.last, payload, future))
        return future

    def usable(self) -> str | None:
        """Why nothing can be recorded now; None where it can."""
        refusal = self._refusal()
        return None if refusal is None else str(refusal)

    def figures(self) -> Figures:
        """Counts and sizes of this moment."""
        return Figures(
            records=self._records,
            refused=self._refused,
            commits=self._commits,
            commit_seconds=self._commit_seconds,
            slowest_commit_seconds=self._slowest,
            depth=self._depth,
            queued_bytes=self._queued,
            folder_bytes=self._committer.folder_bytes,
        )

    async def close(self) -> None:
        """Make durable what was appended, and give the segment up. May be called again.

        Raises `JournalUnavailable` where answered records are lost with their folder: it was
        removed while they were in it, and they cannot be written there again.
        """
        if self._closing is None:
            self._closing = JournalUnavailable("closed", "the journal is being closed")
            self._hand_over()
            self._committer.inbox.put(None)
        await asyncio.shield(self._ended)
        lost = self._committer.refusal
        if lost is not None and lost.what != "closed":
            raise _fresh(lost)

    def _refusal(self) -> JournalUnavailable | None:
        committer = self._committer
        if self._closing is not None:
            return self._closing
        if committer.refusal is not None:
            return committer.refusal
        since = committer.busy_since
        if since and time.monotonic() - since > self._stall_seconds:
            waited = time.monotonic() - since
            return JournalUnavailable("stalled", f"the disk has not answered for {waited:.1f} s")
        if self._depth >= self._queue_records or self._queued >= self._queue_bytes:
            return JournalUnavailable("queue", f"{self._depth} records wait for the disk already")
        return None

    def _hand_over(self) -> None:
        if self._turn:
            self._committer.inbox.put(self._turn)
            self._turn = []

    def _settle_from_thread(self, commit: Commit | None) -> None:
        try:
            self._loop.call_soon_threadsafe(self._settle, commit)
        except RuntimeError as error:
            raise LoopGoneError from error

    def _settle(self, commit: Commit | None) -> None:
        if commit is None:
            self._note_end()
            return
        items, error, records, seconds = commit
        self._depth -= len(items)
        self._queued -= sum(len(item.payload) for item in items)
        if error is None:
            self._records += records
            self._commits += 1
            self._commit_seconds += seconds
            self._slowest = max(self._slowest, seconds)
            for item in items:
                if not item.future.done():
                    item.future.set_result(None)
            if self._on_commit is not None:
                self._on_commit(records, seconds)
            return
        self._refused += len(items)
        for item in items:
            if not item.future.done():
                item.future.set_exception(_fresh(error))

    def _note_end(self) -> None:
        for future in (self._tried, self._ended):
            if not future.done():
                future.set_result(None)
                return


def _fresh(error: JournalUnavailable) -> JournalUnavailable:
    """Another of the same: one that is raised again and again would drag its traces along."""
    return JournalUnavailable(error.what, str(error))
