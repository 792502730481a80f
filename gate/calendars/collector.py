"""Collects the problems of one file: the first hundred in full, and how many there are."""

from collections.abc import Iterable

from gate.calendars.row import Defect, Mend, plain_name
from gate.core.problems import Problem

KEPT_PROBLEMS = 100


class Collector:
    """The problems of ``file``; None is no file."""

    def __init__(self, file: str | None) -> None:
        self.file = file
        self.total = 0
        self._kept: list[Problem] = []

    def add(
        self,
        message: str,
        *,
        line: int | None = None,
        field: str | None = None,
        mend: Mend | None = None,
    ) -> None:
        """Count one more problem, and keep it while there are few."""
        self.total += 1
        if len(self._kept) < KEPT_PROBLEMS:
            self._kept.append(
                Problem(
                    message=message,
                    file=self.file,
                    line=line,
                    field=plain_name(field) if field is not None else None,
                    mend=str(mend) or None if mend is not None else None,
                )
            )

    def add_defects(self, defects: Iterable[Defect], line: int) -> None:
        """Add what is wrong with one row."""
        for defect in defects:
            self.add(defect.message, line=line, field=defect.field, mend=defect.mend)

    def problems(self) -> tuple[Problem, ...]:
        """Those kept, in order of line, and a last one with the total where some were not."""
        kept = sorted(self._kept, key=lambda problem: problem.line or 0)
        if self.total > len(kept):
            kept.append(
                Problem(
                    file=self.file,
                    message=f"{self.total} problems in all; the first {KEPT_PROBLEMS} are listed",
                )
            )
        return tuple(kept)
