"""What lies in a journal's folder, for people: its segments and their records. Changes nothing."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Literal

import msgspec

from gate.journal import aside
from gate.journal.layout import SUFFIX
from gate.journal.tail import Tail, Taken, opened, time_of
from gate.ledger.records import Record

State = Literal["writing", "ended", "damaged"]
_STEP_BYTES = 1 << 20


class SegmentReport(msgspec.Struct, frozen=True, kw_only=True):
    """A segment; ``bytes`` is its file's length, room ahead included.

    ``state``: a process is ``writing`` it, or nobody is any more (``ended``), or it is ``damaged``,
    and ``problems`` says how.
    """

    name: str
    state: State
    records: int
    bytes: int
    oldest_at: datetime | None
    problems: tuple[str, ...]


class Survey(msgspec.Struct, frozen=True, kw_only=True):
    """A folder: what waits in segments, and what lies aside."""

    folder: str
    records: int
    bytes: int
    oldest_at: datetime | None
    refused: int
    damaged: int
    segments: tuple[SegmentReport, ...]


def survey(folder: Path) -> Survey:
    """Read all segments. Raises `OSError` where the folder cannot be read."""
    reports = []
    for path in _segments(folder):
        # One that is shipped and deleted meanwhile is no loss.
        with suppress(FileNotFoundError):
            reports.append(_report(path))
    refused, damaged = aside.tally(folder)
    return Survey(
        folder=str(folder),
        records=sum(report.records for report in reports),
        bytes=sum(report.bytes for report in reports),
        oldest_at=min((r.oldest_at for r in reports if r.oldest_at), default=None),
        refused=refused,
        damaged=damaged,
        segments=tuple(reports),
    )


def records_in(folder: Path) -> Iterator[tuple[str, Record]]:
    """Every record that can be read, with its segment's name, in the order of shipping.

    Raises `OSError` where the folder cannot be read.
    """
    for path in _segments(folder):
        with suppress(FileNotFoundError), opened(path) as (descriptor, free):
            for taken in _walk(Tail(path), descriptor, free):
                for record in taken.records:
                    yield path.name, record


def _report(path: Path) -> SegmentReport:
    tail = Tail(path)
    records = 0
    oldest: datetime | None = None
    with opened(path) as (descriptor, free):
        for taken in _walk(tail, descriptor, free):
            if taken.records and not records:
                oldest = time_of(taken.records[0].payload)
            records += len(taken.records)
    problems = tail.reasons()
    state: State = "ended" if free else "writing"
    return SegmentReport(
        name=path.name,
        state="damaged" if problems else state,
        records=records,
        bytes=path.stat().st_size,
        oldest_at=oldest,
        problems=tuple(problems),
    )


def _walk(tail: Tail, descriptor: int, free: bool) -> Iterator[Taken]:
    more = True
    while more:
        taken = tail.take(descriptor, free, _STEP_BYTES)
        tail.confirm(taken)
        yield taken
        more = taken.more


def _segments(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix == SUFFIX)
