"""CSV by RFC 4180 into the cells of each row.

A line without a quote is split at its commas; only lines with a quote pay for the grammar. Lines
end in LF or CRLF.
"""

import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from operator import itemgetter

from gate.calendars.collector import Collector
from gate.calendars.row import (
    FIELDS,
    HEAD,
    IGNORED_PREFIX,
    KIND,
    PLACE,
    REQUIRED,
    Cell,
    Cells,
    RawRows,
    Unfit,
    shown,
    unfit_character,
    unknown_column,
)
from gate.calendars.source import Source

_QUOTED = r'"[^"]*+(?:""[^"]*+)*+"'
_PLAIN = r'[^",\r\n]*+'
_RECORD = re.compile(rf"(?:{_QUOTED}|{_PLAIN})(?:,(?:{_QUOTED}|{_PLAIN}))*+(?:\r?\n)?")
_OPEN_RECORD = re.compile(rf'(?:(?:{_QUOTED}|{_PLAIN}),)*+"[^"]*+(?:""[^"]*+)*+')
_CELL = re.compile(rf",({_QUOTED}|{_PLAIN})")
# Longer cells than the csv module reads are taken apart by the pattern above.
_CSV_LIMIT = csv.field_size_limit()

_UTF_16 = (b"\xff\xfe", b"\xfe\xff")

_Record = tuple[int, list[str]]


def csv_rows(source: Source, collector: Collector, extra: str | None = None) -> RawRows:
    """The rows of a CSV file; what is no CSV goes to the collector, and its row is left out.

    ``extra`` names an ``x-`` column whose cell is put behind those of `KIND`.
    """
    if source.data.startswith(_UTF_16):
        collector.add("is UTF-16, not UTF-8", line=1, mend="save it as CSV UTF-8")
        return
    records = _records(source, collector)
    line, header = next(records, (None, None))
    if header is None:
        if not collector.total:
            collector.add("has no header", line=1, mend=f"begin with {','.join(REQUIRED)}")
        return
    columns = _columns(header, line or 1, collector)
    if columns is None:
        return
    head = _picker([columns.get(field, -1) for field in HEAD])
    place = _picker([columns.get(field, -1) for field in PLACE])
    kind = _picker([columns.get(field, -1) for field in (*KIND, extra) if field is not None])
    width = len(header)
    clean = _is_clean(source.data)
    for line, record in records:
        if len(record) != width:
            collector.add(
                f"has {len(record)} cells, the header has {width}",
                line=line,
                mend="give every row as many cells as the header; quote a cell with a comma",
            )
            continue
        record.append("")
        cells = record if clean else _screened(record, header, line, collector)
        yield line, head(cells), place(cells), kind(cells)


def _picker(positions: list[int]) -> Callable[[Sequence[Cell]], Cells]:
    return itemgetter(*positions)


def _is_clean(data: bytes) -> bool:
    """Whether no cell can hold a NUL or bytes that are not UTF-8."""
    return b"\0" not in data and is_utf8(data)


def is_utf8(data: bytes) -> bool:
    """Whether bytes are UTF-8, found out in little memory."""
    if data.isascii():
        return True
    reader = io.TextIOWrapper(io.BytesIO(data), "utf-8", newline="\n")
    try:
        while reader.read(1 << 20):
            pass
    except UnicodeDecodeError:
        return False
    return True


def _screened(
    record: list[str], header: list[str], line: int, collector: Collector
) -> Sequence[Cell]:
    """The cells with `Unfit` in place of text that none may hold; told of ignored columns here."""
    cells: list[Cell] = []
    for name, cell in zip((*header, ""), record, strict=True):
        message = unfit_character(cell)
        if message and name.startswith(IGNORED_PREFIX):
            collector.add(message, line=line, field=name, mend="remove it; save as UTF-8")
        cells.append(Unfit(message, "remove it; save the file as UTF-8") if message else cell)
    return cells


def _columns(header: list[str], line: int, collector: Collector) -> dict[str, int] | None:
    """Where each column stands; None where the header is wrong."""
    before = collector.total
    columns: dict[str, int] = {}
    for position, name in enumerate(header):
        if name in columns:
            collector.add(
                f"column {shown(name)} stands twice", line=line, field=name, mend="keep one of them"
            )
        elif name not in FIELDS and not name.startswith(IGNORED_PREFIX):
            collector.add_defects([unknown_column(name)], line)
        elif message := unfit_character(name):
            collector.add(f"the header {message}", line=line, field=name, mend="save it as UTF-8")
        columns[name] = position
    for name in REQUIRED:
        if name not in columns:
            collector.add(
                f"column {name} is missing",
                line=line,
                field=name,
                mend=f"every wedding has {', '.join(REQUIRED)}",
            )
    return columns if collector.total == before else None


def _records(source: Source, collector: Collector) -> Iterator[_Record]:
    """Line and cells of each record that has a character."""
    buffer = io.BytesIO(source.data)
    buffer.seek(source.start)
    text = io.TextIOWrapper(buffer, "utf-8", errors="surrogateescape", newline="\n")
    lines = enumerate(text, 1)
    if source.data.count(b"\r") == source.data.count(b"\r\n"):
        needs_grammar, end = '"', "\r\n"
    else:
        needs_grammar, end = "", "\n"
    for number, line in lines:
        if needs_grammar in line:
            record = _by_grammar(number, line, lines, collector)
            if record is not None:
                yield number, record
        elif bare := line.rstrip(end):
            yield number, bare.split(",")


def _by_grammar(
    number: int, line: str, lines: Iterator[tuple[int, str]], collector: Collector
) -> list[str] | None:
    """The cells of a record that begins on this line; None where it has none or is no CSV."""
    if not line.rstrip("\n").removesuffix("\r"):
        return None
    if _RECORD.fullmatch(line):
        return _split(line)
    if _OPEN_RECORD.fullmatch(line):
        parts = [line]
        for _, part in lines:
            parts.append(part)
            if part.count('"') % 2:
                break
        else:
            collector.add(
                "a quote that opens here is never closed", line=number, mend='close it: "'
            )
            return None
        line = "".join(parts)
        if _RECORD.fullmatch(line):
            return _split(line)
    if line.count("\r") != line.count("\r\n") and '"' not in line:
        collector.add("holds a bare carriage return", line=number, mend="end lines in LF or CRLF")
        return None
    collector.add(
        "a quote stands inside a cell, or text behind a closing quote",
        line=number,
        mend='quote the whole cell and double its inner quotes: "5"" cake"',
    )
    return None


def _split(record: str) -> list[str]:
    if len(record) < _CSV_LIMIT:
        return next(csv.reader((record,), strict=True))
    cells = _CELL.findall("," + record.removesuffix("\n").removesuffix("\r"))
    return [cell[1:-1].replace('""', '"') if cell[:1] == '"' else cell for cell in cells]
