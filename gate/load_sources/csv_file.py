"""Load from a CSV file that something else writes: ``timestamp,value`` and maybe ``zone,culture``.

Rows of one instant are summed. A last line without an end is still being written, and not read.
Of a file beyond `MOST_BYTES` the end is read, which is where it grows.
"""

import csv
import os
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Literal, NamedTuple

from gate.core.instants import micros, parse_instant
from gate.core.observed import Observation
from gate.core.policy import CsvSource, ObservedRules
from gate.core.printable import plain
from gate.load_sources.port import Reading, SourceFailedError, parted, units_of

MOST_BYTES = 16 << 20
_REQUIRED = ("timestamp", "value")
_COLUMNS = (*_REQUIRED, "zone", "culture")


class _Row(NamedTuple):
    at: int
    zone: str | None
    culture: str | None
    units: Fraction


class CsvFile:
    """A `LoadSource`; it reads the file anew each time it is asked."""

    name: Literal["csv"] = "csv"

    def __init__(self, source: CsvSource, rules: ObservedRules, cultures: frozenset[str]) -> None:
        self._path = Path(source.file)
        self._units_per_value = rules.units_per_value
        self._cultures = cultures

    def latest(self, now: int) -> Reading:
        """The rows of the last instant up to ``now``."""
        rows = [row for row in self._rows() if row.at <= now]
        at = max((row.at for row in rows), default=now)
        values = ((row.zone, row.culture, row.units) for row in rows if row.at == at)
        return Reading(at=at, parts=parted(values, self._cultures))

    def between(self, first: int, last: int) -> tuple[Observation, ...]:
        """The whole load at each instant of the file in [first, last]."""
        sums: dict[int, Fraction] = {}
        for row in self._rows():
            if first <= row.at <= last:
                sums[row.at] = sums.get(row.at, Fraction(0)) + row.units
        return tuple(Observation(at, units) for at, units in sorted(sums.items()))

    def _rows(self) -> Iterator[_Row]:
        head, lines, skipped = self._lines()
        columns = next(csv.reader([head]), [])
        if bad := _bad_head(columns):
            raise SourceFailedError(f"{self._path}:1: {bad}")
        where = f"{self._path}, near its end: line" if skipped else f"{self._path}:"
        reader = csv.reader(lines, strict=True)
        try:
            for cells in reader:
                if cells and (row := self._row(columns, cells)) is not None:
                    yield row
        except (csv.Error, ValueError, SourceFailedError) as error:
            number = reader.line_num + (0 if skipped else 1)
            raise SourceFailedError(f"{where}{number}: {plain(str(error)[:200])}") from None

    def _row(self, columns: list[str], cells: list[str]) -> _Row | None:
        if len(cells) != len(columns):
            raise SourceFailedError(f"has {len(cells)} cells; the header has {len(columns)}")
        named = dict(zip(columns, cells, strict=True))
        at = micros(parse_instant(named["timestamp"]))
        units = units_of(named["value"], self._units_per_value)
        if units is None:
            return None
        return _Row(at, named.get("zone") or None, named.get("culture") or None, units)

    def _lines(self) -> tuple[str, list[str], bool]:
        """The header, the whole lines behind it, and whether some of them were left out."""
        try:
            with self._path.open("rb") as stream:
                head = stream.readline(4096)
                size = os.fstat(stream.fileno()).st_size
                skipped = size - len(head) > MOST_BYTES
                if skipped:
                    stream.seek(size - MOST_BYTES)
                    stream.readline()
                body = stream.read(MOST_BYTES)
        except OSError as error:
            raise SourceFailedError(f"{self._path} cannot be read: {error.strerror}") from None
        whole = body[: body.rfind(b"\n") + 1]
        try:
            return head.decode("utf-8-sig").rstrip("\r\n"), whole.decode().split("\n")[:-1], skipped
        except UnicodeDecodeError:
            raise SourceFailedError(f"{self._path} is not UTF-8") from None


def _bad_head(columns: list[str]) -> str | None:
    """What is wrong with a header; None where nothing is."""
    missing = [name for name in _REQUIRED if name not in columns]
    if missing:
        return f"the header has no column {missing[0]!r}; it is timestamp,value[,zone][,culture]"
    if unknown := [name for name in columns if name not in _COLUMNS]:
        return f"column {plain(unknown[0][:40])!r} is not known; known are {', '.join(_COLUMNS)}"
    return "a column stands twice" if len(set(columns)) < len(columns) else None
