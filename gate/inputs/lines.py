"""A request as people and programs write it: one JSON object, a line of `gate check --batch`.

The HTTP API takes the same object as its body. Unknown, repeated and wrong fields are refused, each
with the field's name.
"""

import json
from datetime import datetime
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from gate.core.decision import Request
from gate.core.instants import parse_instant
from gate.core.policy import Action, Invoker

MAX_LINE_BYTES = 1 << 20


class Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The fields of a batch line; null counts as left out."""

    at: str | UnsetType | None = UNSET
    action: Action | UnsetType | None = UNSET
    invoker: Invoker | UnsetType | None = UNSET
    environment: str | UnsetType | None = UNSET
    namespace: str | UnsetType | None = UNSET
    service: str | UnsetType | None = UNSET
    repository: str | UnsetType | None = UNSET
    actor: str | UnsetType | None = UNSET


class Defaults(msgspec.Struct, frozen=True, kw_only=True):
    """What a line that leaves a field out means; ``at`` None: the present moment."""

    at: datetime | None
    request: Request


class BadLine(Exception):  # noqa: N818  (a bad line is answered)
    """What is wrong with a line; ``field`` is None where it is no JSON object."""

    def __init__(self, field: str | None, message: str) -> None:
        super().__init__(message)
        self.field = field
        self.message = message


_FIELDS = Line.__struct_fields__
_CHOICES: dict[str, tuple[str, ...]] = {
    "action": tuple(Action),
    "invoker": ("human", "automation"),
}
_decode = msgspec.json.Decoder(Line).decode


def read_line(raw: bytes | None, defaults: Defaults) -> tuple[Request, datetime | None]:
    """A line as a request and its instant (None: the present moment); None is one that is too long.

    Raises `BadLine`.
    """
    if raw is None:
        raise BadLine(None, f"the line is longer than {MAX_LINE_BYTES} bytes")
    try:
        line = _decode(raw)
        at = parse_instant(line.at) if line.at or line.at == "" else defaults.at
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise _explained(raw) from None
    if _may_repeat(raw, line) and (problem := _repeated(raw)):
        raise problem
    usual = defaults.request
    return (
        Request(
            action=line.action or usual.action,
            invoker=line.invoker or usual.invoker,
            environment=_scope(line.environment, usual.environment),
            namespace=_scope(line.namespace, usual.namespace),
            service=_scope(line.service, usual.service),
            repository=_scope(line.repository, usual.repository),
            actor=_scope(line.actor, usual.actor),
        ),
        at,
    )


def _scope(value: str | UnsetType | None, usual: str | None) -> str | None:
    return usual if value is None or value is UNSET else value or None


def _may_repeat(raw: bytes, line: Line) -> bool:
    """Whether a key could stand twice: the quotes are not those of each key and text once.

    The decoder takes the last of equal keys without a word, and a gate must not.
    """
    quotes = 0
    for name in _FIELDS:
        value = getattr(line, name)
        if value is not UNSET:
            quotes += 2 if value is None else 4
    return raw.count(b'"') != quotes


def _repeated(raw: bytes) -> BadLine | None:
    names = [name for name, _ in _pairs(raw)]
    twice = next((name for name in names if names.count(name) > 1), None)
    return None if twice is None else BadLine(twice, f"{twice} stands twice")


def _explained(raw: bytes) -> BadLine:
    """Which field of a bad line is wrong, and how."""
    if not raw.strip():
        return BadLine(None, "the line is blank; write a JSON object")
    try:
        pairs = _pairs(raw)
    except RecursionError:
        return BadLine(None, "not readable: nested too deeply")
    except ValueError as error:
        return BadLine(None, f"not JSON: {error}")
    if not isinstance(pairs, _Pairs):
        return BadLine(None, "not a JSON object")
    for name, content in pairs:
        if message := _fault(name, content):
            return BadLine(name, message)
    return BadLine(None, "not readable as a request")


class _Pairs(list[tuple[str, Any]]):
    """A JSON object as it is written, keys that stand twice included."""


def _pairs(raw: bytes) -> Any:
    """Slowly read a line, numbers as such whatever their size; ValueError where it is no JSON."""

    def number(_: str) -> float:
        return 0.0

    def refused(name: str) -> Any:
        raise ValueError(f"{name} is no JSON")

    return json.loads(
        raw.decode("utf-8"),
        object_pairs_hook=_Pairs,
        parse_int=number,
        parse_float=number,
        parse_constant=refused,
    )


def _fault(name: str, content: Any) -> str | None:
    if name not in _FIELDS:
        return f"unknown field {name[:40]!r}; known are {', '.join(_FIELDS)}"
    if content is None:
        return None
    if not isinstance(content, str):
        return f"{name} must be text"
    if any("\ud800" <= character <= "\udfff" for character in content):
        return f"{name} holds half of a surrogate pair"
    if content not in _CHOICES.get(name, (content,)):
        return f"{content[:40]!r} is not one of {', '.join(_CHOICES[name])}"
    return _instant_fault(content) if name == "at" else None


def _instant_fault(content: str) -> str | None:
    try:
        parse_instant(content)
    except ValueError as error:
        return str(error)
    return None
