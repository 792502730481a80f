"""Manifests as kubectl reads them: the objects of a file, with their lines. Pure.

kubectl takes YAML and JSON, several documents in one file, and lists of objects.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

import msgspec

from gate.cluster.yaml_documents import (
    MAX_LEVELS,
    Document,
    UnreadableError,
    finite,
    integer,
    yaml_documents,
)
from gate.core.problems import InputError, Problem

MAX_BYTES = 16 << 20
_BLANK = re.compile(r"[\s]*")


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """An object and its place: ``document`` and ``line`` from 1. It can be written as JSON."""

    file: str
    document: int
    line: int
    content: dict[str, Any]

    def problem(self, message: str, field: str | None = None, mend: str | None = None) -> Problem:
        """A problem of this object, with its place."""
        place = f"document {self.document}"
        return Problem(
            message=message,
            file=self.file,
            line=self.line,
            field=f"{place}: {field}" if field else place,
            mend=mend,
        )


def read_manifests(data: bytes, file: str) -> list[Manifest]:
    """The objects in a file, those in lists one by one; blank documents are left out.

    Raises `InputError` with all problems that can be told apart.
    """
    if len(data) > MAX_BYTES:
        raise InputError.of(f"has more than {MAX_BYTES} bytes", file=file)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError.of(
            f"is not UTF-8: byte 0x{data[error.start]:02x}",
            file=file, line=line, mend="save the file as UTF-8",
        ) from None  # fmt: skip
    try:
        documents = _documents(text)
    except UnreadableError as error:
        raise InputError.of(error.message, file=file, line=error.line, mend=error.mend) from None
    found = [each for number, document in enumerate(documents, 1)
             for each in _objects(document, number, file)]  # fmt: skip
    if not found:
        raise InputError.of("holds no object", file=file)
    problems = [problem for each in found if (problem := _fault(each))]
    if problems:
        raise InputError(problems)
    return found


def _documents(text: str) -> list[Document]:
    if text.lstrip()[:1] != "{":
        return yaml_documents(text)
    try:
        return list(_json_documents(text))
    except UnreadableError as error:
        try:
            return yaml_documents(text)
        except UnreadableError:
            raise error from None


def _objects(document: Document, number: int, file: str) -> Iterator[Manifest]:
    value = document.value
    if value is None:
        return
    if isinstance(value, dict) and _is_list(value):
        lines = document.item_lines or [document.line] * len(value["items"])
        for item, line in zip(value["items"], lines, strict=True):
            yield Manifest(file=file, document=number, line=line, content=item)
    else:
        yield Manifest(file=file, document=number, line=document.line, content=value)


def _is_list(value: dict[str, Any]) -> bool:
    kind = value.get("kind")
    return isinstance(kind, str) and kind.endswith("List") and isinstance(value.get("items"), list)


def _fault(each: Manifest) -> Problem | None:
    if not isinstance(each.content, dict):
        return each.problem("is no object", mend="a manifest has apiVersion, kind and metadata")
    for field in ("apiVersion", "kind"):
        value = each.content.get(field)
        if not isinstance(value, str) or not value:
            return each.problem("is missing or no text", field)
    if each.content["kind"].endswith("List") and "items" in each.content:
        return each.problem("is no list", "items")
    return None


def _json_documents(text: str) -> Iterator[Document]:
    """JSON values one after the other, as kubectl takes them."""
    decoder = json.JSONDecoder(
        object_pairs_hook=_object,
        parse_int=integer,
        parse_float=lambda text: finite(float(text)),
        parse_constant=_no_constant,
    )
    at = 0
    while True:
        blank = _BLANK.match(text, at)
        at = blank.end() if blank else at
        if at == len(text):
            return
        line = text.count("\n", 0, at) + 1
        try:
            value, at = decoder.raw_decode(text, at)
            msgspec.json.encode(value)
        except json.JSONDecodeError as error:
            raise UnreadableError(f"is not JSON: {error.msg}", error.lineno) from None
        except UnicodeEncodeError:
            raise UnreadableError("holds half of a surrogate pair", line) from None
        except RecursionError:
            raise _too_deep(line) from None
        except ValueError as error:
            raise UnreadableError(str(error), line) from None
        if _levels(value) > MAX_LEVELS:
            raise _too_deep(line)
        yield Document(value, line)


def _too_deep(line: int) -> UnreadableError:
    return UnreadableError(f"is nested more than {MAX_LEVELS} levels deep", line)


def _levels(value: Any) -> int:
    levels, ahead = 0, [value]
    while ahead := [
        child
        for each in ahead
        if isinstance(each, dict | list)
        for child in (each.values() if isinstance(each, dict) else each)
    ]:
        levels += 1
    return levels


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"has the key {twice[:60]!r} twice in one object")
    return made


def _no_constant(text: str) -> Any:
    raise ValueError(f"{text} is no JSON")
