"""YAML as kubectl reads it, which is 1.1: ``yes`` is true, keys merge, ``0777`` is an octal. Pure.

It is read from libyaml's events: PyYAML's own loaders would make dates of texts, take the last of
equal keys without a word, and lose the lines.
"""

import math
import re
from typing import Any

import msgspec

MAX_NODES = 1_000_000
"""Of a file, with aliases expanded."""
MAX_LEVELS = 100

_INTEGER_BITS = 63
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE = frozenset({"y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"})
_FALSE = frozenset({"n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"})
_DECIMAL = re.compile(r"[-+]?(?:0|[1-9][0-9_]*)")
_OCTAL = re.compile(r"([-+]?)0o?([0-7_]*[0-7][0-7_]*)")
_PREFIXED = re.compile(r"[-+]?0(?:x[0-9a-fA-F_]*[0-9a-fA-F]|b[01_]*[01])")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+][0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_STRING_TAG = "tag:yaml.org,2002:str"
_MERGE = object()
_NO_KEY = object()


class UnreadableError(Exception):
    """The text cannot be read past this line."""

    def __init__(self, message: str, line: int, mend: str | None = None) -> None:
        super().__init__(message)
        self.message, self.line, self.mend = message, line, mend


class Document(msgspec.Struct):
    """A document as plain data, its line, and the lines of the entries of its ``items``."""

    value: Any
    line: int
    item_lines: list[int] = []


def integer(text: str) -> int:
    """A decimal of at most 64 bits; ValueError otherwise."""
    # More digits than that are refused before they cost anything to convert.
    return _whole(int(text) if len(text) <= _INTEGER_BITS else 1 << _INTEGER_BITS)


def finite(value: float) -> float:
    """The number, if JSON can say it; ValueError otherwise."""
    if not math.isfinite(value):
        raise ValueError("holds a number that is not finite")
    return value


def plain_value(text: str) -> Any:
    """What a scalar without quotes means; ValueError for a number that JSON cannot say."""
    if text in _NULLS:
        return None
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    number = _number(text)
    return text if number is None else number


def _number(text: str) -> int | float | None:
    if _DECIMAL.fullmatch(text):
        return integer(text.replace("_", ""))
    if octal := _OCTAL.fullmatch(text):
        return _whole(int(octal[1] + octal[2].replace("_", ""), 8))
    if _PREFIXED.fullmatch(text):
        return _whole(int(text.replace("_", ""), 0))
    if _NOT_FINITE.fullmatch(text):
        return finite(math.inf)
    return finite(float(text)) if _FLOAT.fullmatch(text) else None


def yaml_documents(text: str) -> list[Document]:
    """The documents of a stream, also blank ones (None); raises `UnreadableError`."""
    import yaml  # noqa: PLC0415  (slow to load)

    builder = _Builder()
    try:
        parser = yaml.CBaseLoader(text)
        while (event := parser.get_event()) is not None:
            line = event.start_mark.line + 1 if event.start_mark else 1
            if isinstance(event, yaml.ScalarEvent):
                builder.add(_scalar(event, line), line, event.anchor)
            elif isinstance(event, yaml.MappingStartEvent):
                builder.begin({}, line, event)
            elif isinstance(event, yaml.SequenceStartEvent):
                builder.begin([], line, event)
            elif isinstance(event, yaml.CollectionEndEvent):
                builder.end()
            elif isinstance(event, yaml.AliasEvent):
                builder.alias(str(event.anchor), line)
            elif isinstance(event, yaml.DocumentEndEvent):
                builder.forget()
    except yaml.YAMLError as error:
        raise _explained(error, text) from None
    return builder.documents


def _whole(value: int) -> int:
    if value.bit_length() > _INTEGER_BITS:
        raise ValueError("holds an integer of more than 64 bits")
    return value


def _scalar(event: Any, line: int) -> Any:
    if event.tag is not None and event.tag != _STRING_TAG:
        raise _tagged(line)
    if not _is_text(event.value):
        raise UnreadableError("holds half of a surrogate pair", line, "write the character itself")
    if event.tag is not None or event.style:
        return event.value
    if event.value == "<<":
        return _MERGE
    try:
        return plain_value(event.value)
    except ValueError as error:
        raise UnreadableError(str(error), line) from None


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _tagged(line: int) -> UnreadableError:
    return UnreadableError("has a tag that no object of Kubernetes needs", line, "leave it out")


def _explained(error: Any, text: str) -> UnreadableError:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    parts = (getattr(error, "context", None), getattr(error, "problem", None))
    what = ", ".join(part for part in parts if part) or str(error).splitlines()[0]
    # libyaml puts the end of a text without a final line break on the line after it.
    line = min(mark.line, text.count("\n")) + 1 if mark else 1
    return UnreadableError(f"is not YAML: {what}", line)


class _Anchored(msgspec.Struct, frozen=True):
    """A node that aliases may repeat, with the nodes and levels that a copy of it has."""

    value: Any
    size: int = 1
    height: int = 0


class _Frame:
    """A collection that is still open."""

    def __init__(self, value: Any, line: int, anchor: str | None, before: int) -> None:
        self.value, self.line, self.anchor, self.before = value, line, anchor, before
        self.key: Any = _NO_KEY
        self.height = 0
        self.lines: list[int] = []
        self.merged: list[dict[str, Any]] = []


class _Builder:
    """Takes events in order and keeps to the limits; an alias is shared, and counted in full."""

    def __init__(self) -> None:
        self.documents: list[Document] = []
        self._open: list[_Frame] = []
        self._anchors: dict[str, _Anchored] = {}
        self._count = 0
        self._item_lines: list[int] = []

    def add(self, value: Any, line: int, anchor: str | None) -> None:
        """A scalar."""
        self._counted(1, line)
        if anchor is not None:
            self._anchors[anchor] = _Anchored("<<" if value is _MERGE else value)
        self._place(value, line)

    def begin(self, value: Any, line: int, event: Any) -> None:
        """A collection; what follows is in it, until `end`."""
        if event.tag is not None:
            raise _tagged(line)
        self._counted(1, line)
        self._open.append(_Frame(value, line, event.anchor, self._count))
        self._deepened(0, line)

    def end(self) -> None:
        """The end of the innermost collection."""
        frame = self._open.pop()
        for merged in frame.merged:
            for key, value in merged.items():
                frame.value.setdefault(key, value)
        if frame.anchor is not None:
            size = self._count - frame.before + 1
            self._anchors[frame.anchor] = _Anchored(frame.value, size, frame.height + 1)
        if self._open:
            self._open[-1].height = max(self._open[-1].height, frame.height + 1)
            if len(self._open) == 1 and self._open[-1].key == "items":
                self._item_lines = frame.lines
        self._place(frame.value, frame.line)

    def alias(self, name: str, line: int) -> None:
        """The anchored node once more."""
        found = self._anchors.get(name)
        if found is None:
            raise UnreadableError(f"has the alias *{name[:60]} without an anchor before it", line)
        self._counted(found.size, line)
        self._deepened(found.height, line)
        if self._open:
            self._open[-1].height = max(self._open[-1].height, found.height)
        self._place(found.value, line)

    def forget(self) -> None:
        """The end of a document: its anchors end with it."""
        self._anchors.clear()

    def _counted(self, more: int, line: int) -> None:
        self._count += more
        if self._count > MAX_NODES:
            raise UnreadableError(f"has more than {MAX_NODES} nodes, aliases expanded", line)

    def _deepened(self, more: int, line: int) -> None:
        if len(self._open) + more > MAX_LEVELS:
            raise UnreadableError(f"is nested more than {MAX_LEVELS} levels deep", line)

    def _place(self, value: Any, line: int) -> None:
        if not self._open:
            lines, self._item_lines = self._item_lines, []
            self.documents.append(Document("<<" if value is _MERGE else value, line, lines))
            return
        frame = self._open[-1]
        if isinstance(frame.value, list):
            frame.lines.append(line)
            frame.value.append("<<" if value is _MERGE else value)
        elif frame.key is _NO_KEY:
            frame.key = _MERGE if value is _MERGE else _key(value, line)
        else:
            key, frame.key = frame.key, _NO_KEY
            if key is _MERGE:
                frame.merged += _mappings(value, line)
            elif key in frame.value:
                raise UnreadableError(f"has the key {key[:60]!r} twice in one object", line)
            else:
                frame.value[key] = "<<" if value is _MERGE else value


def _key(value: Any, line: int) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    raise UnreadableError("has a key that is no text", line, "put the key in quotes")


def _mappings(value: Any, line: int) -> list[dict[str, Any]]:
    values = value if isinstance(value, list) else [value]
    if not all(isinstance(each, dict) for each in values):
        raise UnreadableError("merges what is no mapping", line)
    return values
