"""Reading a segment, also while it is written and after it was damaged.

What does not read as a batch may be three things. *Not yet written*, or torn when its writer died:
nothing sound follows, and nothing of it was answered. *Damaged*: a sound batch follows, which was
only written once this one was durable; so records that were answered are hurt, and that is said.
"""

import os
from enum import Enum
from typing import NamedTuple

import msgspec

from gate.journal import layout
from gate.journal.layout import HEADER_BYTES, Frame, Header

BUDGET_BYTES = 4 << 20
Records = list[tuple[int, bytes]]


class Stop(Enum):
    """Why reading went no further."""

    BUDGET = "budget"
    CLOSED = "closed"
    BLANK = "blank"
    """Zeros or the end of the file."""
    UNSOUND = "unsound"


class Piece(NamedTuple):
    """Records from a place on, and the place behind them."""

    records: Records
    end: int
    stop: Stop


class Damage(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes ``[start, end)`` of a segment that were durable once and are not what was written.

    ``numbers`` of the records that are lost with them; None where that cannot be told.
    """

    start: int
    end: int
    numbers: tuple[int, ...] | None


class Judgement(NamedTuple):
    """What a place that does not read turns out to be.

    ``records`` are what could be saved of it, ``end`` where to read on, ``more`` whether something
    sound stands there; ``torn_bytes`` is what a dying writer left at the end.
    """

    records: Records
    end: int
    more: bool
    damage: Damage | None = None
    torn_bytes: int = 0


def header_of(descriptor: int, name: str) -> tuple[Header | None, bool]:
    """Who writes the segment of this file name, and whether the header says so, undamaged."""
    header = layout.decode_header(os.pread(descriptor, HEADER_BYTES, 0))
    return (header, True) if header is not None else (layout.header_of_name(name), False)


def read(descriptor: int, offset: int, salt: int, budget_bytes: int = BUDGET_BYTES) -> Piece:
    """The records from `offset` on, some `budget_bytes` of them (one batch at the least)."""
    asked = budget_bytes
    data = os.pread(descriptor, asked, offset)
    records: Records = []
    at = 0
    while True:
        frame = layout.frame_at(data, at)
        cut = frame.end > len(data) if frame else len(data) == asked and _short(data, at)
        if cut and at:
            return Piece(records, offset + at, Stop.BUDGET)
        if frame is None:
            blank = not any(data[at : at + layout.BATCH_HEAD_BYTES])
            return Piece(records, offset + at, Stop.BLANK if blank else Stop.UNSOUND)
        if cut:
            # One batch larger than the budget. Its length is only believed where it can be true.
            if offset + frame.end > os.fstat(descriptor).st_size:
                return Piece(records, offset, Stop.UNSOUND)
            asked = frame.end
            data = os.pread(descriptor, asked, offset)
        good = _whole(data, frame, salt)
        if good is None:
            return Piece(records, offset + at, Stop.UNSOUND)
        records += good
        at = frame.end
        if frame.records == 0:
            return Piece(records, offset + at, Stop.CLOSED)


def judge(descriptor: int, offset: int, salt: int) -> Judgement:
    """What stands at `offset`, where reading stopped; for a segment that may still be written, too.

    Raises nothing: a file that has become shorter holds nothing there.
    """
    data = _rest(descriptor, offset)
    found = layout.find_batch(data, 1, salt)
    if found is not None:
        # Read again: what stood half written a moment ago was complete before its follower began.
        data = _rest(descriptor, offset)
    frame = layout.frame_at(data, 0)
    if frame is None or not layout.sound(data, frame, salt):
        if found is None:
            return Judgement([], offset, more=False, torn_bytes=len(data.rstrip(b"\0")))
        damage = Damage(start=offset, end=offset + found, numbers=None)
        return Judgement([], offset + found, more=True, damage=damage)
    saved = layout.salvage(data, frame)
    found = layout.find_batch(data, frame.end, salt)
    if found is None:
        torn = len(data.rstrip(b"\0")) if saved.bad else 0
        end = offset + min(frame.end, len(data))
        return Judgement(saved.records, end, more=False, torn_bytes=torn)
    hurt = None
    if saved.bad or found > frame.end:
        numbers = tuple(saved.bad) if found == frame.end else None
        hurt = Damage(start=offset, end=offset + found, numbers=numbers)
    return Judgement(saved.records, offset + found, more=True, damage=hurt)


def count(descriptor: int, offset: int) -> tuple[int, int]:
    """How many records stand from `offset` on, by the batches' heads alone, and where they end."""
    total = 0
    size = os.fstat(descriptor).st_size
    while True:
        frame = layout.frame_at(os.pread(descriptor, layout.BATCH_HEAD_BYTES, offset), 0)
        if frame is None or frame.records == 0 or offset + frame.end > size:
            return total, offset
        total += frame.records
        offset += frame.end


def _short(data: bytes, at: int) -> bool:
    return len(data) - at < layout.BATCH_HEAD_BYTES


def _whole(data: bytes, frame: Frame, salt: int) -> Records | None:
    """The records of a batch that is all there and undamaged."""
    if frame.end > len(data) or not layout.sound(data, frame, salt):
        return None
    saved = layout.salvage(data, frame)
    return None if saved.bad else saved.records


def _rest(descriptor: int, offset: int) -> bytes:
    return os.pread(descriptor, max(os.fstat(descriptor).st_size - offset, 0), offset)
