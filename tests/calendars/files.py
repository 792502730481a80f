"""Calendar files in a few words, for the tests of their readers."""

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gate.calendars import LoadedCalendar, WeddingRow, read_calendars, read_rows
from gate.core.document import read_policy
from gate.core.policy import LoadModel
from gate.core.problems import InputError, Problem

LOAD: LoadModel = read_policy(b"version: 1\ntimezone: Europe/London\n", "policy.yaml").load
NUMBERS = ("days", "guests", "latitude", "longitude")
Row = dict[str, Any]


def row(id_: Any = "w1", **more: Any) -> Row:
    """A wedding in London with further fields."""
    return {"id": id_, "date": "2026-06-13", "timezone": "Europe/London", **more}


def as_csv(rows: Sequence[Row], columns: Sequence[str] = ()) -> bytes:
    """Rows as CSV by the standard library; absent values are empty cells."""
    named = list(columns) or list(dict.fromkeys(key for each in rows for key in each))
    text = io.StringIO()
    writer = csv.DictWriter(text, named or ["id", "date", "timezone"], restval="")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def as_json(rows: Sequence[Row], indent: int | None = None) -> bytes:
    """Rows as a JSON array."""
    return json.dumps(rows, indent=indent, ensure_ascii=False).encode()


def as_jsonl(rows: Sequence[Row]) -> bytes:
    """Rows as JSON Lines; without any, an empty line."""
    lines = [json.dumps(each, ensure_ascii=False).encode() + b"\n" for each in rows]
    return b"".join(lines) or b"\n"


def written(folder: Path, name: str, data: bytes) -> Path:
    """A file with these bytes."""
    path = folder / name
    path.write_bytes(data)
    return path


def loaded(folder: Path, name: str, data: bytes) -> LoadedCalendar:
    """The calendar of a file with these bytes."""
    return read_calendars([written(folder, name, data)], LOAD)


def rows_of(folder: Path, name: str, data: bytes) -> list[WeddingRow]:
    """The rows of a file with these bytes."""
    return list(read_rows([written(folder, name, data)], LOAD))


def problems_of(folder: Path, name: str, data: bytes) -> tuple[Problem, ...]:
    """What is wrong with a file with these bytes; both ways of reading must say the same."""
    path = written(folder, name, data)
    found = []
    for read in (lambda: read_calendars([path], LOAD), lambda: list(read_rows([path], LOAD))):
        try:
            read()
        except InputError as error:
            found.append(error.problems)
        else:
            found.append(())
    assert found[0] == found[1]
    assert {problem.file for problem in found[0]} <= {str(path)}
    return found[0]


def places(problems: Sequence[Problem]) -> list[tuple[int | None, str | None]]:
    """Line and field of each problem."""
    return [(problem.line, problem.field) for problem in problems]


def only_texts(value: object) -> str:
    """Names a parametrised case by its text, not by kilobytes."""
    return value[:40] if isinstance(value, str) else ""
