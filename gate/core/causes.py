"""Causes of a lock, before they are worded: what holds, from when, until when (microseconds)."""

from collections.abc import Sequence
from datetime import date
from typing import Self

import msgspec

from gate.core.decision import ManualLock
from gate.core.windows import Occurrence, ZoneInterval


class WindowCause(msgspec.Struct, frozen=True, kw_only=True):
    """An occurrence of a lock window, in the zones where it holds.

    ``start`` and ``end`` are the earliest and the latest of those zones' own intervals.
    """

    start: int
    end: int
    window: str
    date: date | None
    zones: tuple[str, ...]

    @classmethod
    def of(cls, name: str, occurrence: Occurrence, intervals: Sequence[ZoneInterval]) -> Self:
        """The cause that these intervals of an occurrence are."""
        return cls(
            start=min(interval.start for interval in intervals),
            end=max(interval.end for interval in intervals),
            window=name,
            date=occurrence.date,
            zones=tuple(sorted(i.zone for i in intervals if i.zone is not None)),
        )


class LevelCause(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of high load, gaps shorter than the policy's ``join`` filled."""

    start: int
    end: int


class LockCause(msgspec.Struct, frozen=True, kw_only=True):
    """A manual lock; ``end`` is None while it is open-ended."""

    start: int
    end: int | None
    lock: ManualLock


Cause = WindowCause | LevelCause | LockCause
