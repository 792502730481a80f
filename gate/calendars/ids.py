"""Identifiers of weddings: unique over all files of a calendar."""

from gate.calendars.collector import Collector
from gate.calendars.row import Cell, Defect, WeddingRow, shown

_FILE_SHIFT = 40
_LINE_MASK = (1 << _FILE_SHIFT) - 1


class IdRegister:
    """Where each id stands. ``positions`` holds ``base + line``, the base telling the file."""

    def __init__(self) -> None:
        self.positions: dict[str, int] = {}
        self.base = 0
        self._files: list[str | None] = []

    def open(self, file: str | None) -> None:
        """The next rows are of this file."""
        self.base = len(self._files) << _FILE_SHIFT
        self._files.append(file)

    def admit(
        self, row: WeddingRow | list[Defect], id_cell: Cell, line: int, collector: Collector
    ) -> WeddingRow | None:
        """The wedding if it is one and its id is new, else None and the collector is told why.

        Good ids of bad rows are taken, too, so that their repetition is told at once.
        """
        id_: Cell
        if isinstance(row, WeddingRow):
            id_, wedding = row.id, row
        else:
            collector.add_defects(row, line)
            id_, wedding = id_cell, None
        if not isinstance(id_, str) or not id_:
            return None
        first = self.positions.get(id_)
        if first is None:
            self.positions[id_] = self.base + line
            return wedding
        collector.add(
            f"{shown(id_)} is used twice, first in {self._place(first)}",
            line=line,
            field="id",
            mend="give every wedding an id of its own, over all files",
        )
        return None

    def _place(self, position: int) -> str:
        line = position & _LINE_MASK
        same_file = position >= self.base
        return f"line {line}" if same_file else f"{self._files[position >> _FILE_SHIFT]}:{line}"
