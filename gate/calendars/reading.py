"""Calendar files in, one compiled calendar out."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import msgspec

from gate.calendars.collector import Collector
from gate.calendars.compiling import Compiler
from gate.calendars.csv_rows import csv_rows
from gate.calendars.ids import IdRegister
from gate.calendars.json_rows import json_rows, jsonl_rows
from gate.calendars.row import RawRows, WeddingRow, check_row
from gate.calendars.source import Kind, Source, check_paths, joined_sha256, read_source
from gate.core.demand import Calendar
from gate.core.policy import LoadModel
from gate.core.problems import InputError, Problem

Progress = Callable[[int], None]
"""Told the number of rows read so far, every `PROGRESS_ROWS` rows."""
PROGRESS_ROWS = 50_000
_BOOKED_AT = "x-booked-at"

_READERS: dict[Kind, Callable[[Source, Collector, str | None], RawRows]] = {
    "csv": csv_rows,
    "json": json_rows,
    "jsonl": jsonl_rows,
}


class LoadedCalendar(msgspec.Struct, frozen=True, kw_only=True):
    """The calendar of all files, their digest as decisions print it, and the kind of each.

    ``warnings`` do not keep anyone from using it.
    """

    calendar: Calendar
    sha256: str
    kinds: tuple[Kind, ...]
    warnings: tuple[Problem, ...]


def read_calendars(
    paths: Sequence[str | Path], load: LoadModel, progress: Progress | None = None
) -> LoadedCalendar:
    """Read, check, merge and compile calendar files under a load model.

    Raises `NotAFile` where a path names no file or a directory, and `InputError` with all problems
    of all files (of each file the first hundred, and their number).
    """
    sources, unread = read_sources(paths)
    return compile_sources(sources, load, unread, progress)


def read_sources(paths: Sequence[str | Path]) -> tuple[list[Source], list[Problem]]:
    """The files' bytes, and what is wrong with those that cannot be read.

    Raises `NotAFile` where a path names no file or a directory.
    """
    check_paths(paths)
    sources: list[Source] = []
    problems: list[Problem] = []
    for path in paths:
        try:
            sources.append(read_source(path))
        except InputError as error:
            problems += error.problems
    return sources, problems


def compile_sources(
    sources: Sequence[Source],
    load: LoadModel,
    unread: Sequence[Problem] = (),
    progress: Progress | None = None,
) -> LoadedCalendar:
    """Check, merge and compile files that were read; ``unread`` is told with what is wrong here."""
    compiler = Compiler(load)
    problems = list(unread)
    for source in sources:
        collector = Collector(source.name)
        rows = _READERS[source.kind](source, collector, None)
        compiler.add(rows if progress is None else _told(rows, progress, compiler), collector)
        problems += collector.problems()
    if problems:
        raise InputError(problems)
    calendar = compiler.build()
    return LoadedCalendar(
        calendar=calendar,
        sha256=joined_sha256([source.sha256 for source in sources]),
        kinds=tuple(source.kind for source in sources),
        warnings=_warnings(calendar, compiler.rows, [source.name for source in sources]),
    )


def read_rows(paths: Sequence[str | Path], load: LoadModel | None = None) -> Iterator[WeddingRow]:
    """The weddings of calendar files one by one, cancelled ones included, for an importer.

    All rows that are good are given; the `InputError` with all problems comes after the last one,
    so keep nothing (roll back) until the iterator has ended. Without a load model any culture is
    taken. Raises `NotAFile` as `read_calendars` does, at the first row asked for.
    """
    check_paths(paths)
    problems: list[Problem] = []
    register = IdRegister()
    cultures = None if load is None else load.cultures
    for path in paths:
        try:
            source = read_source(path)
        except InputError as error:
            problems += error.problems
            continue
        collector = Collector(source.name)
        register.open(source.name)
        for line, head, place, kind in _READERS[source.kind](source, collector, _BOOKED_AT):
            row = check_row(head + place + kind[:-1], cultures, _booked_at(kind[-1]))
            wedding = register.admit(row, head[0], line, collector)
            if wedding is not None:
                yield wedding
        problems += collector.problems()
    if problems:
        raise InputError(problems)


def calendar_from_rows(rows: Iterable[WeddingRow], load: LoadModel) -> Calendar:
    """Compile weddings that were checked before, as when they come back from a database.

    Raises `InputError` where one has a culture, or a zone, that is not known any more.
    """
    compiler = Compiler(load)
    collector = Collector(None)
    compiler.add_weddings(rows, collector)
    if collector.total:
        raise InputError(collector.problems())
    return compiler.build()


def _told(rows: RawRows, progress: Progress, compiler: Compiler) -> RawRows:
    """The rows as they are; ``progress`` hears of every `PROGRESS_ROWS` of them."""
    before = compiler.rows
    count = 0
    while chunk := list(islice(rows, PROGRESS_ROWS)):
        yield from chunk
        count += len(chunk)
        progress(before + count)


def _booked_at(cell: object) -> str | None:
    return cell if isinstance(cell, str) and cell else None


def _warnings(calendar: Calendar, rows: int, paths: Sequence[str | Path]) -> tuple[Problem, ...]:
    if calendar.weddings:
        return ()
    return (
        Problem(
            file=str(paths[0]) if len(paths) == 1 else None,
            message=f"all {rows} weddings are cancelled" if rows else "there is no wedding at all",
            mend="with no wedding only the windows of the home zone and of named zones protect",
        ),
    )
