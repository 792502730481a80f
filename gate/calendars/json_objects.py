"""Reads JSON objects pair by pair, and says exactly what is wrong with a document."""

import json
import re
from typing import Any, NoReturn

from gate.calendars.collector import Collector
from gate.calendars.row import (
    FIELDS,
    HEAD,
    IGNORED_PREFIX,
    KIND,
    NUMBERS,
    PLACE,
    Cell,
    RawRow,
    RawRows,
    Unfit,
    shown,
    unfit_character,
    unknown_column,
)

_NONE = type(None)
_WHOLE_TYPES: frozenset[type] = frozenset((int, _NONE))
_DECIMAL_TYPES: frozenset[type] = frozenset((int, float, _NONE))
_TEXT_TYPES: frozenset[type] = frozenset((str, _NONE))

FIT_TYPES: dict[str, frozenset[type]] = dict.fromkeys(FIELDS, _TEXT_TYPES) | {
    "id": frozenset((str, int)),
    "guests": _WHOLE_TYPES,
    "days": _WHOLE_TYPES,
    "latitude": _DECIMAL_TYPES,
    "longitude": _DECIMAL_TYPES,
}
"""The types that a value may have; an empty text in place of a number is left to `PairReader`."""

_SPACE = re.compile(r"[ \t\r\n]*")
# Python reads no integer of more digits than this by default (sys.get_int_max_str_digits).
_MOST_DIGITS = 4000


class Pairs(list[tuple[str, Any]]):
    """An object as its pairs in order, equal keys included."""


def is_known(key: str) -> bool:
    """Whether a wedding may have this key."""
    return key in FIELDS or key.startswith(IGNORED_PREFIX)


def _integer(digits: str) -> int | Unfit:
    if len(digits) > _MOST_DIGITS:
        return Unfit(f"has more than {_MOST_DIGITS} digits", "correct the number")
    return int(digits)


def _constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


_DECODER = json.JSONDecoder(object_pairs_hook=Pairs, parse_int=_integer, parse_constant=_constant)


class PairReader:
    """Turns objects into rows and their errors into problems."""

    def __init__(self, collector: Collector, extra: str | None) -> None:
        self._collector = collector
        self._extra = extra

    def read(self, raw: bytes, line: int) -> RawRow | None:
        """The row of an object that begins on a line; None where it is none."""
        try:
            # Without its line end, so that what is missing is missing on this line.
            text = raw.removesuffix(b"\n").decode("utf-8", "surrogateescape")
            value = _DECODER.decode(text)
        except (ValueError, RecursionError) as error:
            self.report(error, line)
            return None
        return self.row(value, line)

    def report(self, error: ValueError | RecursionError, line: int) -> None:
        """Add a syntax error of a text that begins on a line."""
        message = "is nested too deeply"
        if isinstance(error, json.JSONDecodeError):
            line += error.lineno - 1
            message = f"is no JSON: {error.msg} at column {error.colno}"
        elif isinstance(error, ValueError):
            message = f"is no JSON: {error}"
        self._collector.add(message, line=line, mend="correct the JSON")

    def row(self, value: object, line: int) -> RawRow | None:
        """The row of a decoded value; None where it is no object."""
        if not isinstance(value, Pairs):
            self._collector.add(
                f"is {_kind(value)}, not an object",
                line=line,
                mend='write each wedding as {"id": …, "date": …, "timezone": …}',
            )
            return None
        cells: dict[str, Cell] = {}
        booked: Cell = None
        seen: set[str] = set()
        for key, cell in value:
            self._judge_key(key, seen, line)
            seen.add(key)
            if key in FIELDS:
                cells[key] = _cell(key, cell)
            elif key.startswith(IGNORED_PREFIX):
                self._judge_ignored(key, cell, line)
                if key == self._extra and isinstance(cell, str):
                    booked = cell
        head = tuple(cells.get(field) for field in HEAD)
        place = tuple(cells.get(field) for field in PLACE)
        kind = tuple(cells.get(field) for field in KIND)
        return line, head, place, kind if self._extra is None else (*kind, booked)

    def _judge_key(self, key: str, seen: set[str], line: int) -> None:
        if key in seen:
            self._collector.add(
                f"key {shown(key)} stands twice", line=line, field=key, mend="keep one of them"
            )
        elif not is_known(key):
            self._collector.add_defects([unknown_column(key)], line)
        elif message := unfit_character(key):
            self._collector.add(f"the key {message}", line=line, field=key, mend="remove it")

    def _judge_ignored(self, key: str, value: object, line: int) -> None:
        stack = [value]
        while stack:
            item = stack.pop()
            if isinstance(item, Pairs):
                stack.extend(part for pair in item for part in pair)
            elif isinstance(item, list):
                stack.extend(item)
            elif isinstance(item, str) and (message := unfit_character(item)):
                self._collector.add(message, line=line, field=key, mend="remove it")
                return


def _cell(field: str, value: object) -> Cell:
    """The value of a known key as a cell, `Unfit` where it has the wrong type."""
    if value is None or value == "":
        return None
    if isinstance(value, str) and (message := unfit_character(value)):
        return Unfit(message, "remove it")
    if field in NUMBERS:
        return _number(value, FIT_TYPES[field])
    if field == "id" and type(value) is int:
        return str(value)
    if isinstance(value, str | Unfit):
        return value
    return Unfit(f"is {_kind(value)}, not text", "write a text in quotes")


def _number(value: object, types: frozenset[type]) -> Cell:
    if type(value) in types or isinstance(value, Unfit):
        return value  # type: ignore[return-value]
    if isinstance(value, float):
        return Unfit(f"{shown(value)} is no whole number", "write it without a fraction")
    return Unfit(f"is {_kind(value)}, not a number", "write a number without quotes")


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, Pairs):
        return "an object"
    if isinstance(value, list):
        return "an array"
    if isinstance(value, str):
        return "text"
    return "null" if value is None else "a number"


class ElementScanner:
    """Walks a whole JSON text element by element, so that each error has its line."""

    def __init__(self, text: str, collector: Collector, extra: str | None) -> None:
        self._text = text
        self._collector = collector
        self._reader = PairReader(collector, extra)
        self._at = 0
        self._line = 1
        self._counted = 0

    def rows(self) -> RawRows:
        """The rows before the first syntax error."""
        try:
            if self._next() == "[":
                yield from self._array()
            elif self._next() == "{":
                yield from self._object()
            else:
                self._value()
                self._collector.add(
                    "is no array of weddings", line=1, mend='write [...] or {"weddings": [...]}'
                )
            if self._next():
                raise self._error("Extra data")
        except json.JSONDecodeError as error:
            self._reader.report(error, 1)
        except (ValueError, RecursionError) as error:
            self._reader.report(error, self._line_now())

    def _object(self) -> RawRows:
        found = False
        for key in self._items("}"):
            line = self._line_now()
            name = self._value() if key == '"' else None
            if not isinstance(name, str):
                raise self._error("Expecting property name enclosed in double quotes")
            self._expect(":")
            if name != "weddings":
                self._collector.add(
                    f"{shown(name)} is unknown here",
                    line=line,
                    field=name,
                    mend='write [...] or {"weddings": [...]}',
                )
            elif found:
                self._collector.add(
                    "key 'weddings' stands twice", line=line, field=name, mend="keep one of them"
                )
            found = found or name == "weddings"
            if name == "weddings" and self._next() == "[":
                yield from self._array()
            else:
                value = self._value()
                if name == "weddings":
                    self._collector.add(
                        f"is {_kind(value)}, not an array",
                        line=line,
                        field=name,
                        mend="write [...]",
                    )
        if not found:
            self._collector.add(
                "has no key weddings", line=1, mend='write [...] or {"weddings": [...]}'
            )

    def _array(self) -> RawRows:
        for _ in self._items("]"):
            line = self._line_now()
            row = self._reader.row(self._value(), line)
            if row is not None:
                yield row

    def _items(self, close: str) -> Any:
        """The first character of each item up to the closing one; the caller reads the item."""
        self._at += 1
        if self._next() == close:
            self._at += 1
            return
        while True:
            yield self._next()
            if self._next() == close:
                self._at += 1
                return
            self._expect(",")

    def _next(self) -> str:
        """The next character that is not white space, or nothing at the end."""
        space = _SPACE.match(self._text, self._at)
        self._at = space.end() if space else self._at
        return self._text[self._at : self._at + 1]

    def _expect(self, character: str) -> None:
        if self._next() != character:
            raise self._error(f"Expecting {character!r} delimiter")
        self._at += 1

    def _value(self) -> object:
        self._next()
        value, self._at = _DECODER.raw_decode(self._text, self._at)
        return value

    def _line_now(self) -> int:
        self._line += self._text.count("\n", self._counted, self._at)
        self._counted = self._at
        return self._line

    def _error(self, message: str) -> json.JSONDecodeError:
        return json.JSONDecodeError(message, self._text, self._at)
