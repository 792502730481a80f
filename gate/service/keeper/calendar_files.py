"""The newest calendar of the database as a file, fetched beside everything else.

A calendar may have a million rows: a manual lock must not wait for them, and so they come over a
connection of their own.
"""

import os
import random
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import psycopg

from gate.ledger.acts.current import NewestImport, calendar_lines
from gate.service.keeper.backoff import Backoff
from gate.service.keeper.files import remove_others, write_whole
from gate.service.logs import log
from gate.store.connect import Target
from gate.store.errors import StoreUnavailable
from gate.store.patience import answered_within, line

_PATTERN = "calendar-*.jsonl"
ANSWER_SECONDS = 30.0


class CalendarFile(msgspec.Struct, frozen=True, kw_only=True):
    """A calendar in the project's own format; ``sha256`` as it was imported."""

    path: str
    sha256: str


class CalendarFiles:
    """Fetches what is wanted in a thread of its own and tells where it lies."""

    def __init__(self, where: Target, folder: Path) -> None:
        self._where = where
        self._folder = folder
        self._wanted: NewestImport | None = None
        self._before: str | None = None
        self._changed = threading.Event()
        self.file: CalendarFile | None = None
        self.trouble: str | None = None

    def restore(self, file: CalendarFile | None) -> None:
        """Begin with a file that is there already."""
        self.file = file

    def want(self, calendar: NewestImport) -> None:
        """Fetch this one, unless it is there; what was wanted before is forgotten."""
        if calendar != self._wanted:
            self._wanted = calendar
            self._changed.set()

    def run(self, stop: threading.Event) -> None:
        """Fetch until told to stop; `wake` after setting `stop`."""
        backoff = Backoff(0.5, 30.0, random.random)
        while not stop.is_set():
            self._changed.wait()
            self._changed.clear()
            calendar = self._wanted
            if calendar is None or stop.is_set():
                continue
            try:
                self._take(calendar)
            # Until there is a new calendar the old one holds.
            except Exception as error:
                known = (StoreUnavailable, psycopg.Error, OSError, _Incomplete)
                said = str(error) if isinstance(error, known) else repr(error)
                self.trouble = f"calendar {calendar.version} cannot be fetched: {said}"
                log("calendar-not-fetched", version=calendar.version, error=said)
                self._changed.wait(backoff.next_seconds())
                self._changed.set()
            else:
                self.trouble = None
                backoff.reset()

    def wake(self) -> None:
        """Let `run` look at its `stop`."""
        self._changed.set()

    def _take(self, calendar: NewestImport) -> None:
        path = self._folder / f"calendar-{calendar.version}-{calendar.sha256}.jsonl"
        if not path.is_file():
            write_whole(path, self._lines(calendar))
            log("calendar-fetched", version=calendar.version, weddings=calendar.weddings)
        # A calendar file is as old as its content.
        at = calendar.imported_at.timestamp()
        os.utime(path, (at, at))
        if self.file is None or self.file.path != str(path):
            self._before = self.file.path if self.file else None
            self.file = CalendarFile(path=str(path), sha256=calendar.sha256)
        # A worker may be about to open the one before.
        remove_others(self._folder, _PATTERN, [self._before, self.file.path])

    def _lines(self, calendar: NewestImport) -> Iterator[bytes]:
        count = 0
        with (
            line(self._where, ANSWER_SECONDS) as connection,
            answered_within(connection, ANSWER_SECONDS) as patience,
        ):
            for row in calendar_lines(connection, calendar.version, every=patience.renew):
                count += 1
                yield row
        if count != calendar.weddings:
            # A version that was removed while a newer one came.
            raise _Incomplete(f"{count} of {calendar.weddings} weddings are there")


class _Incomplete(Exception):  # noqa: N818
    """The rows of the wanted version are not all there."""
