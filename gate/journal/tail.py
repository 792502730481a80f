"""One segment as whoever ships it follows it: how far it is confirmed, and what comes next."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import msgspec

from gate.journal import reader
from gate.journal.layout import HEADER_BYTES, Header
from gate.journal.reader import Damage, Stop
from gate.ledger.identity import minted_at
from gate.ledger.records import Record


class Taken(NamedTuple):
    """What comes next of a segment: records, the place behind them, whether more is there now.

    ``done``: the segment has ended, and these are its last. ``damage`` and ``torn_bytes`` lie
    before ``end``.
    """

    records: list[Record]
    end: int
    more: bool
    done: bool
    damage: Damage | None = None
    torn_bytes: int = 0


class _Identified(msgspec.Struct):
    id: str


@contextmanager
def opened(path: Path) -> Iterator[tuple[int, bool]]:
    """The segment's descriptor, and whether nobody writes it any more; locked then.

    Raises `FileNotFoundError` where it is gone.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            free = True
        except BlockingIOError:
            free = False
        yield descriptor, free
    finally:
        os.close(descriptor)


def time_of(payload: bytes) -> datetime | None:
    """When the record was made, to the millisecond; None where it has no id that tells."""
    with suppress(msgspec.MsgspecError, ValueError, OverflowError):
        return minted_at(msgspec.json.decode(payload, type=_Identified).id)
    return None


class Tail:
    """Kept in memory alone: who begins anew ships again, which the ledger takes for what it is."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.confirmed = HEADER_BYTES
        self.pending = 0
        """Records that are there and not confirmed, as of the last `count`."""
        self.oldest: datetime | None = None
        """When the first of them was made."""
        self.damage: list[Damage] = []
        self.torn_bytes = 0
        self._header: Header | None = None
        self._identified = False
        self._header_intact = True
        self._counted = HEADER_BYTES
        self._dated = 0

    @property
    def writer(self) -> str:
        """The writer's name, as the ledger knows it; empty where the segment does not say."""
        return self._header.writer if self._header else ""

    def begin_again(self) -> None:
        """Take nothing for confirmed."""
        self.confirmed = self._counted = HEADER_BYTES
        self.pending = self.torn_bytes = 0
        self.damage = []

    def count(self) -> None:
        """Bring ``pending`` and ``oldest`` up to date; reads what came since the last time.

        Raises `FileNotFoundError` where the segment is gone.
        """
        descriptor = os.open(self.path, os.O_RDONLY)
        try:
            self._count(descriptor)
        finally:
            os.close(descriptor)

    def _count(self, descriptor: int) -> None:
        more, self._counted = reader.count(descriptor, self._counted)
        self.pending += more
        if not self.pending:
            self.oldest = None
        elif self._dated != self.confirmed:
            self._dated = self.confirmed
            self.oldest = self._first_time(descriptor)

    def take(self, descriptor: int, free: bool, budget_bytes: int) -> Taken:
        """What comes after the confirmed, about `budget_bytes` of it.

        ``free`` is what `opened` said: whether nobody writes the segment any more.
        """
        header = self._identify(descriptor)
        if header is None:
            return Taken([], self.confirmed, more=False, done=free)
        piece = reader.read(descriptor, self.confirmed, header.salt, budget_bytes)
        if piece.stop is Stop.UNSOUND or (free and piece.stop is Stop.BLANK):
            judged = reader.judge(descriptor, piece.end, header.salt)
            # Where nothing sound follows in a live segment, this is being written just now.
            if free or judged.damage is not None:
                return Taken(
                    _named(header, piece.records + judged.records),
                    judged.end,
                    more=judged.more,
                    done=free and not judged.more,
                    damage=judged.damage,
                    torn_bytes=judged.torn_bytes,
                )
        return Taken(
            _named(header, piece.records),
            piece.end,
            more=piece.stop is Stop.BUDGET,
            done=free and piece.stop is Stop.CLOSED,
        )

    def confirm(self, taken: Taken) -> None:
        """The ledger has these, or they are put aside."""
        self.confirmed = taken.end
        if taken.end >= self._counted:
            self._counted, self.pending = taken.end, 0
        else:
            self.pending = max(self.pending - len(taken.records), 0)
        if taken.damage is not None:
            self.damage.append(taken.damage)
        self.torn_bytes += taken.torn_bytes

    def reasons(self) -> list[str]:
        """Why this segment cannot simply be deleted when it is done; nothing where it can."""
        said = []
        if not self._header_intact:
            said.append("its header is damaged" if self._header else "it is no segment")
        for each in self.damage:
            lost = f" {', '.join(map(str, each.numbers))}" if each.numbers else ""
            said.append(f"records{lost} in bytes {each.start} to {each.end} are damaged")
        return said

    def _identify(self, descriptor: int) -> Header | None:
        if not self._identified:
            self._header, self._header_intact = reader.header_of(descriptor, self.path.name)
            self._identified = True
        return self._header

    def _first_time(self, descriptor: int) -> datetime | None:
        header = self._identify(descriptor)
        if header is None:
            return None
        records = reader.read(descriptor, self.confirmed, header.salt, 1 << 12).records
        return time_of(records[0][1]) if records else None


def _named(header: Header, records: reader.Records) -> list[Record]:
    return [
        Record(door=header.door, writer=header.writer, number=number, payload=payload)
        for number, payload in records
    ]
