"""JSON and JSON Lines into the cells of each wedding.

Objects are decoded by msgspec, which is fast but keeps the last of two equal keys. That there are
none is shown by counting: an object has one colon a pair, beside those within its texts. Where the
count does not settle it, or anything else is out of the ordinary, `json_objects` reads the pairs
one by one.
"""

import io
import re
from collections.abc import Iterator
from operator import itemgetter

import msgspec

from gate.calendars.collector import Collector
from gate.calendars.json_objects import (
    DECIMAL_TYPES,
    WHOLE_TYPES,
    ElementScanner,
    PairReader,
    is_known,
)
from gate.calendars.row import FIELDS, HEAD, KIND, PLACE, Cell, Cells, RawRow, RawRows
from gate.calendars.source import Source

_GAP = re.compile(rb"[ \t\r\n,]*")
_ARRAY = re.compile(rb"[ \t\r\n]*(?=\[)")
_OBJECT = re.compile(rb'[ \t\r\n]*\{[ \t\r\n]*"weddings"[ \t\r\n]*:[ \t\r\n]*(?=\[)')
_OBJECT_END = re.compile(rb"\](?P<end>[ \t\r\n]*\}[ \t\r\n]*)\Z")
_TAIL_BYTES = 4096
_BLANK_LINES = (b"\n", b"\r\n", b"\r")
_UNDECODED = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_MOST_SHAPES = 10_000


def jsonl_rows(source: Source, collector: Collector, extra: str | None = None) -> RawRows:
    """The rows of a JSON Lines file; what is no wedding goes to the collector.

    ``extra`` names an ``x-`` key whose value is put behind the cells of `KIND`.
    """
    buffer = io.BytesIO(source.data)
    buffer.seek(source.start)
    read = _ObjectReader(collector, extra).read
    for line, raw in enumerate(buffer, 1):
        if raw not in _BLANK_LINES:
            row = read(raw, line)
            if row is not None:
                yield row


def json_rows(source: Source, collector: Collector, extra: str | None = None) -> RawRows:
    """The rows of a JSON file, an array or ``{"weddings": [...]}``."""
    span = _array_span(source)
    if span is not None:
        begin, end = span
        try:
            elements = msgspec.json.decode(
                memoryview(source.data)[begin:end], type=list[msgspec.Raw]
            )
        except _UNDECODED:
            pass
        else:
            read = _ObjectReader(collector, extra).read
            for line, raw in _with_lines(elements, source.data, begin):
                row = read(raw, line)
                if row is not None:
                    yield row
            return
    text = source.data[source.start :].decode("utf-8", "surrogateescape")
    yield from ElementScanner(text, collector, extra).rows()


def _array_span(source: Source) -> tuple[int, int] | None:
    """Where the array of weddings lies if this is a file of the two plain forms."""
    data = source.data
    if found := _ARRAY.match(data, source.start):
        return found.end(), len(data)
    if found := _OBJECT.match(data, source.start):
        tail = _OBJECT_END.search(data[-_TAIL_BYTES:])
        if tail is not None:
            return found.end(), len(data) - len(tail["end"])
    return None


def _with_lines(
    elements: list[msgspec.Raw], data: bytes, begin: int
) -> Iterator[tuple[int, bytes]]:
    """The bytes of each element and the line on which it starts."""
    line = 1 + data.count(b"\n", 0, begin)
    counted = begin
    after = begin + 1
    for element in elements:
        raw = bytes(element)
        gap = _GAP.match(data, after)
        start = gap.end() if gap else after
        line += data.count(b"\n", counted, start)
        counted = start
        after = start + len(raw)
        yield line, raw


class _ObjectReader:
    """Reads the bytes of one object a call; remembers the shapes and types that it has judged."""

    def __init__(self, collector: Collector, extra: str | None) -> None:
        self._pairs = PairReader(collector, extra)
        self._decode = msgspec.json.Decoder().decode
        fields = KIND if extra is None else (*KIND, extra)
        self._absent: dict[str, Cell] = dict.fromkeys((*FIELDS, *fields))
        self._head = itemgetter(*HEAD)
        self._place = itemgetter(*PLACE)
        self._kind = itemgetter(*fields)
        self._shapes: dict[tuple[str, ...], int] = {}
        self._types: set[tuple[type, ...]] = set()

    def read(self, raw: bytes, line: int) -> RawRow | None:
        """The row of one object, or None where it is none."""
        if b"\\" not in raw:
            try:
                found = self._decode(raw)
            except _UNDECODED:
                pass
            else:
                if found.__class__ is dict and self._has_plain_shape(found, raw):
                    cells = {**self._absent, **found}
                    head, place, kind = self._head(cells), self._place(cells), self._kind(cells)
                    if head[0].__class__ is int:
                        head = (str(head[0]), *head[1:])
                    if self._has_plain_types(head + place + kind):
                        return line, head, place, kind
        return self._pairs.read(raw, line)

    def _has_plain_shape(self, found: dict[str, Cell], raw: bytes) -> bool:
        """Whether every key is known and none stands twice. There are no escapes in ``raw``."""
        shape = tuple(found)
        colons_in_keys = self._shapes.get(shape)
        if colons_in_keys is None:
            if not all(map(is_known, shape)) or len(self._shapes) >= _MOST_SHAPES:
                return False
            colons_in_keys = self._shapes[shape] = "".join(shape).count(":")
        colons = raw.count(b":")
        if colons == len(shape):
            return True
        texts = "".join([value for value in found.values() if value.__class__ is str])
        return colons - colons_in_keys - texts.count(":") == len(shape)

    def _has_plain_types(self, cells: Cells) -> bool:
        types = tuple(map(type, cells))
        if types in self._types:
            return True
        for field, kind in zip(FIELDS, types, strict=False):
            if field in ("guests", "days"):
                fit = kind in WHOLE_TYPES
            elif field in ("latitude", "longitude"):
                fit = kind in DECIMAL_TYPES
            else:
                fit = kind in (str, type(None))
            if not fit:
                return False
        self._types.add(types)
        return True
