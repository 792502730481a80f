"""Progress of long work, on the standard error stream and only where that is a terminal."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class Advance(Protocol):
    """Told how many have been done, and how many there are in all where that is known."""

    def __call__(self, done: int, total: int | None = None, /) -> None:
        """Take notice."""


@contextmanager
def counting(what: str) -> Iterator[Advance]:
    """Show a spinner, a bar and a running count of ``what`` (``rows read``) while work goes on."""
    if not sys.stderr.isatty():
        yield _silent
        return
    # Imported only where someone watches.
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import (  # noqa: PLC0415
        BarColumn,
        Progress,
        SpinnerColumn,
        TextColumn,
        TimeElapsedColumn,
    )

    columns = (
        SpinnerColumn(),
        BarColumn(),
        TextColumn("{task.completed:,} " + what),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(file=sys.stderr), transient=True) as progress:
        task = progress.add_task(what, total=None)

        def advance(done: int, total: int | None = None, /) -> None:
            progress.update(task, completed=done, total=total)

        yield advance


def _silent(done: int, total: int | None = None, /) -> None:
    del done, total
