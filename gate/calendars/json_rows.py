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
from gate.calendars.json_objects import FIT_TYPES, ElementScanner, PairReader, is_known
from gate.calendars.row import FIELDS, HEAD, KIND, PLACE, Cell, RawRow, RawRows
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


class _Shape:
    """What is known of objects with the same keys in the same order."""

    __slots__ = ("colons_in_keys", "judged_types", "missing", "pairs")

    def __init__(self, keys: tuple[str, ...], fields: tuple[str, ...]) -> None:
        self.pairs = len(keys)
        self.colons_in_keys = "".join(keys).count(":")
        self.missing: dict[str, Cell] = {field: None for field in fields if field not in keys}
        self.judged_types: dict[tuple[type, ...], bool] = {}


class _ObjectReader:
    """Reads the bytes of one object a call; remembers the shapes that it has judged."""

    def __init__(self, collector: Collector, extra: str | None) -> None:
        self._pairs = PairReader(collector, extra)
        self._decode = msgspec.json.Decoder().decode
        kind_fields = KIND if extra is None else (*KIND, extra)
        self._fields = (*HEAD, *PLACE, *kind_fields)
        self._head = itemgetter(*HEAD)
        self._place = itemgetter(*PLACE)
        self._kind = itemgetter(*kind_fields)
        self._shapes: dict[tuple[str, ...], _Shape] = {}

    def read(self, raw: bytes, line: int) -> RawRow | None:
        """The row of one object, or None where it is none."""
        found = None
        if b"\\" not in raw:
            # Not `contextlib.suppress`, which would cost a third of the decoding.
            try:  # noqa: SIM105
                found = self._decode(raw)
            except _UNDECODED:
                pass
        if found.__class__ is dict:
            keys = tuple(found)
            shape = self._shapes.get(keys) or self._new_shape(keys)
            if shape is not None and _has_each_key_once(found, raw, shape):
                types = tuple(map(type, found.values()))
                if shape.judged_types.get(types) or self._judge(shape, keys, types):
                    found.update(shape.missing)
                    head = self._head(found)
                    if head[0].__class__ is int:
                        head = (str(head[0]), *head[1:])
                    return line, head, self._place(found), self._kind(found)
        return self._pairs.read(raw, line)

    def _new_shape(self, keys: tuple[str, ...]) -> _Shape | None:
        if len(self._shapes) >= _MOST_SHAPES or not all(map(is_known, keys)):
            return None
        shape = self._shapes[keys] = _Shape(keys, self._fields)
        return shape

    def _judge(self, shape: _Shape, keys: tuple[str, ...], types: tuple[type, ...]) -> bool:
        fit = all(
            kind in FIT_TYPES[key] for key, kind in zip(keys, types, strict=True) if key in FIELDS
        )
        if len(shape.judged_types) < _MOST_SHAPES:
            shape.judged_types[types] = fit
        return fit


def _has_each_key_once(found: dict[str, Cell], raw: bytes, shape: _Shape) -> bool:
    """Whether the object cannot have an equal key twice. There are no escapes in ``raw``."""
    colons = raw.count(b":")
    if colons == shape.pairs:
        return True
    texts = "".join([value for value in found.values() if value.__class__ is str])
    return colons - shape.colons_in_keys - texts.count(":") == shape.pairs
