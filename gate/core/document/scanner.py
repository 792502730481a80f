"""Strict JSON (RFC 8259) with lines, for documents that begin with a brace or a bracket.

YAML's flow style reads nearly all JSON, but not surrogate pairs, nor tabs everywhere; and Python's
own decoder knows neither lines nor exact numbers nor duplicate keys.
"""

import re
from bisect import bisect_right
from json import JSONDecodeError, JSONDecoder

from gate.core.document.nodes import Builder, Child, Mapping, Scalar, Sequence
from gate.core.document.scalars import NULL, Fault, Value, check_text, number

_BLANK = re.compile(r"[ \t\r\n]*")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
_WORD = re.compile(r"true|false|null")
_WORDS: dict[str, bool | Fault] = {"true": True, "false": False, "null": NULL}
_DECODER = JSONDecoder(strict=True)
_LINE_BREAK = re.compile(r"\r\n|\r|\n")


class NotJsonError(Exception):
    """The text is not JSON; it may still be YAML."""


def read_json(text: str) -> Child:
    """The root of a JSON text; `NotJsonError` where it is none, `UnreadableError` past a limit."""
    scanner = _Scanner(text)
    position = scanner.value(scanner.blank(0))
    if scanner.blank(position) != len(text):
        raise NotJsonError
    assert scanner.builder.root is not None
    return scanner.builder.root


class _Scanner:
    """Each method takes the offset at which it begins and returns the one after it.

    Recursion is bounded by the builder's limit on levels.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.builder = Builder()
        self._breaks = [found.end() for found in _LINE_BREAK.finditer(text)]

    def blank(self, position: int) -> int:
        found = _BLANK.match(self.text, position)
        assert found is not None
        return found.end()

    def value(self, position: int) -> int:
        start = self.text[position : position + 1]
        if start == "{":
            return self._object(position)
        if start == "[":
            return self._array(position)
        if start == '"':
            return self._string(position)
        value: Value
        if found := _NUMBER.match(self.text, position):
            value = number(found[0])
        elif found := _WORD.match(self.text, position):
            value = _WORDS[found[0]]
        else:
            raise NotJsonError
        self.builder.scalar(Scalar(value), self._line(position))
        return found.end()

    def _object(self, position: int) -> int:
        self.builder.begin(Mapping(), self._line(position))
        position = self.blank(position + 1)
        if self.text[position : position + 1] != "}":
            position = self._member(position)
            while self.text[position : position + 1] == ",":
                position = self._member(self.blank(position + 1))
        return self._close(position, "}")

    def _member(self, position: int) -> int:
        if self.text[position : position + 1] != '"':
            raise NotJsonError
        position = self.blank(self._string(position))
        if self.text[position : position + 1] != ":":
            raise NotJsonError
        return self.blank(self.value(self.blank(position + 1)))

    def _array(self, position: int) -> int:
        self.builder.begin(Sequence(), self._line(position))
        position = self.blank(position + 1)
        if self.text[position : position + 1] != "]":
            position = self.blank(self.value(position))
            while self.text[position : position + 1] == ",":
                position = self.blank(self.value(self.blank(position + 1)))
        return self._close(position, "]")

    def _close(self, position: int, bracket: str) -> int:
        if self.text[position : position + 1] != bracket:
            raise NotJsonError
        self.builder.end()
        return position + 1

    def _string(self, position: int) -> int:
        try:
            # At a quotation mark the decoder reads just this string, escapes included.
            text, end = _DECODER.raw_decode(self.text, position)
        except JSONDecodeError:
            raise NotJsonError from None
        self.builder.scalar(Scalar(check_text(text)), self._line(position))
        return end

    def _line(self, position: int) -> int:
        return bisect_right(self._breaks, position) + 1
