"""What the database has as a file of the state folder, fetched beside everything else.

A calendar may have a million rows, and a disk may be slow: a manual lock must wait for neither, and
so these have a thread and a connection of their own.
"""

import os
import random
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import msgspec
import psycopg

from gate.core.backoff import Backoff
from gate.ledger.acts.current import NewestImport, calendar_lines, policy_document
from gate.service.keeper.files import write_whole
from gate.service.keeper.slot import Slot
from gate.service.logs import log
from gate.store.connect import Target
from gate.store.errors import StoreUnavailable
from gate.store.patience import answered_within, line

ANSWER_SECONDS = 30.0
Pieces = Callable[[psycopg.Connection, Callable[[], None]], Iterator[bytes]]


class Incomplete(Exception):  # noqa: N818 - the database may yet have all of it
    """What is wanted is not there whole."""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """A file to have: its name, what people call it, its digest, and how it is fetched.

    ``pieces`` is given a connection and something to call now and then; it may raise `Incomplete`.
    """

    name: str
    title: str
    sha256: str
    pieces: Pieces
    modified_at: datetime | None = None


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """A file that is there; ``sha256`` as the database names it."""

    path: str
    sha256: str


class StateFile:
    """Fetches the newest file of a kind that was wanted; ``held`` is the one that holds.

    ``pattern`` matches the names of its kind: all but the newest two are removed, for a worker may
    be about to open the one before.
    """

    def __init__(self, where: Target, folder: Path, pattern: str) -> None:
        self._where = where
        self._folder = folder
        self._pattern = pattern
        self._slot: Slot[Wanted] = Slot()
        self._asked: str | None = None
        self._before: str | None = None
        self.held: Held | None = None
        self.trouble: str | None = None

    def restore(self, held: Held | None) -> None:
        """Begin with a file that is there already."""
        self.held = held

    def want(self, wanted: Wanted) -> None:
        """Fetch this one, unless that was asked for last; what was wanted before is forgotten.

        A file that somebody has removed is fetched again.
        """
        lost = self.held is not None and not os.path.exists(self.held.path)
        if wanted.name != self._asked or lost:
            self._asked = wanted.name
            self._slot.put(wanted)

    def close(self) -> None:
        """Let `run` end."""
        self._slot.close()

    def run(self) -> None:
        """Fetch until closed."""
        backoff = Backoff(0.5, 30.0, random.random)
        while not self._slot.closed and (wanted := self._slot.take()) is not None:
            try:
                self._take(wanted)
            # Until there is a new one, the old one holds.
            except Exception as error:
                self._note(wanted, error)
                self._slot.wait(backoff.next_seconds())
                self._slot.put_back(wanted)
            else:
                self.trouble = None
                backoff.reset()

    def _note(self, wanted: Wanted, error: Exception) -> None:
        known = isinstance(error, StoreUnavailable | psycopg.Error | Incomplete)
        said = str(error) if known else f"{type(error).__name__}: {error}"
        if isinstance(error, OSError):
            said = error.strerror or str(error)
        trouble = f"{wanted.title} cannot be fetched: {said}"
        if trouble != self.trouble:
            log("not-fetched", what=wanted.title, error=said)
            self.trouble = trouble

    def _take(self, wanted: Wanted) -> None:
        path = self._folder / wanted.name
        if not path.is_file():
            write_whole(path, self._pieces(wanted))
            log("fetched", what=wanted.title)
        if wanted.modified_at is not None:
            # A calendar is as old as its import.
            seconds = wanted.modified_at.timestamp()
            os.utime(path, (seconds, seconds))
        if self.held is None or self.held.path != str(path):
            self._before = self.held.path if self.held else None
            self.held = Held(path=str(path), sha256=wanted.sha256)
        kept = {self._before, self.held.path}
        for old in self._folder.glob(self._pattern):
            if str(old) not in kept:
                with suppress(OSError):
                    old.unlink()

    def _pieces(self, wanted: Wanted) -> Iterator[bytes]:
        with (
            line(self._where, ANSWER_SECONDS) as connection,
            answered_within(connection, ANSWER_SECONDS) as patience,
        ):
            yield from wanted.pieces(connection, patience.renew)


def policy_file(sha256: str) -> Wanted:
    """The policy of this digest."""

    def pieces(connection: psycopg.Connection, _: Callable[[], None]) -> Iterator[bytes]:
        document = policy_document(connection, sha256)
        if document is None:
            raise Incomplete("it is gone")
        yield document

    return Wanted(name=f"policy-{sha256}.yaml", title="the policy", sha256=sha256, pieces=pieces)


def calendar_file(calendar: NewestImport) -> Wanted:
    """The weddings of this import, in the project's own format."""

    def pieces(connection: psycopg.Connection, every: Callable[[], None]) -> Iterator[bytes]:
        count = 0
        for row in calendar_lines(connection, calendar.version, every=every):
            count += 1
            yield row
        if count != calendar.weddings:
            # A version that was removed while a newer one came.
            raise Incomplete(f"{count} of {calendar.weddings} weddings are there")

    return Wanted(
        name=f"calendar-{calendar.version}-{calendar.sha256}.jsonl",
        title=f"calendar {calendar.version}",
        sha256=calendar.sha256,
        pieces=pieces,
        modified_at=calendar.imported_at,
    )
