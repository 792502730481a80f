"""Errors in what people wrote: always where, what and how to mend it.

A *problem* is a value; :class:`InputError` carries all problems of a document at once, so that a
person mends a file in one pass. It means *bad input*; a denied or undecided change is never an
exception.
"""

from collections.abc import Iterable

import msgspec


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One defect of an input.

    ``file`` as the user named it, ``line`` from 1 (None where there is no line), ``field`` a dotted
    path such as ``windows[0].rrule`` (None for the whole), ``message`` what is wrong, ``mend`` what
    to write instead.
    """

    message: str
    file: str | None = None
    line: int | None = None
    field: str | None = None
    mend: str | None = None

    def __str__(self) -> str:
        where = ":".join(str(part) for part in (self.file, self.line) if part is not None)
        head = ": ".join(part for part in (where, self.field) if part)
        text = f"{head}: {self.message}" if head else self.message
        return f"{text} ({self.mend})" if self.mend else text


class InputError(ValueError):
    """Bad input; ``problems`` is never empty."""

    def __init__(self, problems: Iterable[Problem] | Problem) -> None:
        self.problems: tuple[Problem, ...] = (
            (problems,) if isinstance(problems, Problem) else tuple(problems)
        )
        super().__init__("\n".join(map(str, self.problems)))

    @classmethod
    def of(
        cls,
        message: str,
        *,
        field: str | None = None,
        mend: str | None = None,
        file: str | None = None,
        line: int | None = None,
    ) -> "InputError":
        """An error of a single problem."""
        return cls(Problem(message=message, field=field, mend=mend, file=file, line=line))
