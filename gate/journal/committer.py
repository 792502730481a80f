"""The thread that makes records durable: it does nothing else, and nobody else touches the disk.

It takes all that was handed over while it was writing and makes it durable at once (group commit).
After any error nothing more goes into the segment: it is cut back to what is durable and given up,
the records concerned are refused, and a fresh segment is tried, later and later up to a second.
"""

import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from itertools import groupby
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from gate.core.backoff import Backoff
from gate.journal.errors import JournalUnavailable
from gate.journal.lane import Lane
from gate.journal.layout import HEADER_BYTES
from gate.journal.segment import Disk, Segment, folder_bytes, make_folder, unavailable

if TYPE_CHECKING:
    import asyncio

_FIRST_RETRY_SECONDS, _LAST_RETRY_SECONDS = 0.05, 1.0
_IDLE_SECONDS = 1.0


class Item(msgspec.Struct, frozen=True, gc=False):
    """A record on its way to the disk; there are many, so they are kept light."""

    lane: Lane
    number: int
    payload: bytes
    future: "asyncio.Future[None]"


class Commit(NamedTuple):
    """What became of some items: durable where ``error`` is None.

    ``records`` counts the ``items`` for which somebody still waited when they were written;
    ``seconds`` is how long the disk took.
    """

    items: list[Item]
    error: JournalUnavailable | None
    records: int
    seconds: float


class LoopGoneError(Exception):
    """The event loop was closed without closing the journal: nobody is left to answer."""


class Committer(threading.Thread):
    """Hand it lists of items through ``inbox``, None at last; it calls ``settle`` for each batch.

    ``settle`` is called in this thread, with None when the first segment has been tried, and once
    more with None at the very end; it may raise `LoopGoneError`. The public attributes are written
    by this thread alone.
    """

    def __init__(
        self,
        folder: Path,
        door: str,
        *,
        settle: Callable[[Commit | None], None],
        disk: Disk,
        clock: Callable[[], float],
        cap_bytes: int,
        grow_bytes: int,
    ) -> None:
        super().__init__(name="gate-journal", daemon=True)
        self.inbox: SimpleQueue[list[Item] | None] = SimpleQueue()
        self.refusal: JournalUnavailable | None = JournalUnavailable("closed", "not open yet")
        """Why nothing can be recorded now."""
        self.opened: Lane | None = None
        """The lane of the segment that was made first after the last failure."""
        self.epoch = 0
        self.busy_since = 0.0
        """When the write in progress began (`time.monotonic`); 0 where there is none."""
        self.folder_bytes = 0
        self._folder = folder
        self._door = door
        self._settle = settle
        self._disk = disk
        self._clock = clock
        self._cap_bytes = cap_bytes
        self._grow_bytes = grow_bytes
        self._segment: Segment | None = None
        self._removed: list[Segment] = []
        self._retry_at = 0.0
        self._backoff = Backoff(_FIRST_RETRY_SECONDS, _LAST_RETRY_SECONDS)
        self._open = True

    def new_lane(self, epoch: int) -> Lane:
        """A lane with a name of its own."""
        milliseconds = int(self._clock() * 1000)
        return Lane(self._door, unix_milliseconds=milliseconds, random=os.urandom(10), epoch=epoch)

    def run(self) -> None:
        """Work until None comes through the inbox, or the loop is gone."""
        with suppress(LoopGoneError):
            self._recover()
            self._settle(None)
            while self._open:
                self._work(self._take())
        self._finish()
        with suppress(LoopGoneError):
            self._settle(None)

    def _take(self) -> list[Item]:
        """All that waits; nothing after a while without work."""
        seconds = _IDLE_SECONDS
        if self.refusal is not None:
            seconds = min(seconds, max(self._retry_at - time.monotonic(), 0.0))
        items: list[Item] = []
        try:
            given = self.inbox.get(timeout=seconds)
            while given is not None:
                items = items + given if items else given
                given = self.inbox.get_nowait()
            self._open = False
        except Empty:
            pass
        return items

    def _work(self, items: list[Item]) -> None:
        for lane, group in groupby(items, key=_lane_of):
            self._commit(lane, list(group))
        if self.refusal is not None and self._open and time.monotonic() >= self._retry_at:
            self._recover()
        elif not items and self._segment is not None:
            self._look_after(self._segment)

    def _commit(self, lane: Lane, items: list[Item]) -> None:
        refusal = self.refusal
        if lane.epoch != self.epoch and refusal is None:
            refusal = JournalUnavailable("io", "its segment was given up")
        records = 0
        began = time.monotonic()
        if refusal is None:
            self.busy_since = began
            try:
                records = self._write(lane, items)
            except Exception as error:
                refusal = self._give_up(error)
            self.busy_since = 0.0
        self._settle(Commit(items, refusal, records, time.monotonic() - began))

    def _write(self, lane: Lane, items: list[Item]) -> int:
        # Nobody waits any more for what was cancelled, and nothing of it was answered.
        wanted = [item for item in items if not item.future.cancelled()]
        if not wanted:
            return 0
        segment = self._segment
        if segment is None or segment.header is not lane.header:
            segment = self._rotate(lane)
        segment.commit([item.number for item in wanted], [item.payload for item in wanted])
        return len(wanted)

    def _rotate(self, lane: Lane) -> Segment:
        segment, self._segment = self._segment, None
        if segment is not None:
            segment.end()
        self._segment = self._make(lane)
        return self._segment

    def _make(self, lane: Lane) -> Segment:
        segment = Segment(
            self._folder,
            lane.header,
            disk=self._disk,
            cap_bytes=self._cap_bytes,
            grow_bytes=self._grow_bytes,
        )
        self.folder_bytes = segment.folder_bytes
        return segment

    def _give_up(self, error: Exception) -> JournalUnavailable:
        if isinstance(error, OSError):
            error = unavailable(error, self._folder)
        elif not isinstance(error, JournalUnavailable):
            error = JournalUnavailable("io", f"a bug: {type(error).__name__}: {error}")
        segment, self._segment = self._segment, None
        if segment is not None:
            self._part_with(segment)
        self.epoch += 1
        self.refusal = error
        self._retry_at = time.monotonic() + self._backoff.next_seconds()
        return error

    def _part_with(self, segment: Segment) -> None:
        if segment.removed() and segment.durable_bytes > HEADER_BYTES:
            self._removed.append(segment)
        else:
            segment.end()

    def _recover(self) -> None:
        """Make a fresh segment; what cannot be done now is tried again later."""
        lane = self.new_lane(self.epoch)
        self.busy_since = time.monotonic()
        try:
            make_folder(self._folder)
            self._save_removed()
            self._segment = self._make(lane)
        except (OSError, JournalUnavailable) as error:
            self._give_up(error)
        else:
            self.opened = lane
            self.refusal = None
            self._backoff.reset()
        self.busy_since = 0.0

    def _save_removed(self) -> None:
        while self._removed:
            self._removed[-1].save_copy(self._folder)
            self._removed.pop().end()

    def _look_after(self, segment: Segment) -> None:
        """What nobody would notice as long as nothing is recorded."""
        try:
            if segment.removed():
                self._give_up(JournalUnavailable("gone", f"somebody removed {segment.path}"))
                self._recover()
            self.folder_bytes = folder_bytes(self._folder)
        except OSError as error:
            self._give_up(error)

    def _finish(self) -> None:
        segment, self._segment = self._segment, None
        if segment is not None:
            self._part_with(segment)
        try:
            if self._removed:
                make_folder(self._folder)
                self._save_removed()
        except OSError as error:
            self.refusal = unavailable(error, self._folder)
        else:
            self.refusal = JournalUnavailable("closed", "the journal is closed")


def _lane_of(item: Item) -> Lane:
    return item.lane
