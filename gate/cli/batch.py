"""`gate check --batch`: a JSON object a line in, a decision or an error a line out, in order."""

import json
import os
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from gate.cli.exits import Exit
from gate.core.decision import Decision, Effect, Request, Verdict
from gate.core.instants import parse_instant
from gate.core.policy import Action, Invoker

_CHUNK_BYTES = 1 << 18
_MAX_LINE_BYTES = 1 << 20


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


class LineError(msgspec.Struct, frozen=True):
    """Why a line is bad; ``field`` is null where the line is no JSON object."""

    line: int
    field: str | None
    message: str


class BadLine(msgspec.Struct, frozen=True):
    """The answer in the place of a bad line."""

    error: LineError


class Defaults(msgspec.Struct, frozen=True, kw_only=True):
    """What a line that leaves a field out means; ``at`` None: the present moment."""

    at: datetime | None
    request: Request


Answer = Decision | BadLine
_FIELDS = Line.__struct_fields__
_CHOICES: dict[str, tuple[str, ...]] = {
    "action": tuple(Action),
    "invoker": ("human", "automation"),
}
_decode = msgspec.json.Decoder(Line).decode
_encode = msgspec.json.Encoder().encode


def answer_chunks(
    chunks: Iterator[list[bytes | None]],
    judge: Callable[[Request, datetime], Decision],
    defaults: Defaults,
    clock: Callable[[], datetime],
) -> Iterator[list[Answer]]:
    """Answer lines, a list of them at a time; None is a line over the limit."""
    number = 0
    for chunk in chunks:
        answers: list[Answer] = []
        for raw in chunk:
            number += 1
            try:
                request, at = read_line(raw, defaults)
            except _LineProblem as problem:
                answers.append(BadLine(LineError(number, problem.field, problem.message)))
            else:
                answers.append(judge(request, at or clock()))
        yield answers


def encode_answers(answers: list[Answer]) -> bytes:
    """A line of JSON for each."""
    return b"".join([_encode(answer) + b"\n" for answer in answers])


def exit_code(bad: bool, blocked: bool) -> Exit:
    """2 where a line was bad, else 4 where one stayed undecided and blocks, else 0."""
    if bad:
        return Exit.BAD_INPUT
    return Exit.UNDECIDED if blocked else Exit.ALLOWED


def blocks_undecided(answer: Answer) -> bool:
    """Whether an answer is undecided with effect ``block``."""
    return (
        isinstance(answer, Decision)
        and answer.verdict is Verdict.UNDECIDED
        and answer.effect is Effect.BLOCK
    )


def read_line(raw: bytes | None, defaults: Defaults) -> tuple[Request, datetime | None]:
    """A line as a request and its instant (None: the present moment)."""
    if raw is None:
        raise _LineProblem(None, f"the line is longer than {_MAX_LINE_BYTES} bytes")
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


def _repeated(raw: bytes) -> "_LineProblem | None":
    names = [name for name, _ in _pairs(raw)]
    twice = next((name for name in names if names.count(name) > 1), None)
    return None if twice is None else _LineProblem(twice, f"{twice} stands twice")


def chunks_of(descriptor: int) -> Iterator[list[bytes | None]]:
    """The lines of a file descriptor, as many at a time as one read brings; None: too long."""
    rest = b""
    skipping = False
    while data := os.read(descriptor, _CHUNK_BYTES):
        *lines, rest = (rest + data).split(b"\n")
        chunk: list[bytes | None] = list(lines)
        if skipping and chunk:
            chunk[0], skipping = None, False
        if len(rest) > _MAX_LINE_BYTES or skipping:
            rest, skipping = b"", True
        yield [None if line and len(line) > _MAX_LINE_BYTES else line for line in chunk]
    if rest or skipping:
        yield [None if skipping else rest]


class _LineProblem(Exception):  # noqa: N818  (a bad line is answered, not raised)
    def __init__(self, field: str | None, message: str) -> None:
        super().__init__(message)
        self.field = field
        self.message = message


def _explained(raw: bytes) -> _LineProblem:
    """Which field of a bad line is wrong, and how."""
    if not raw.strip():
        return _LineProblem(None, "the line is blank; write a JSON object")
    try:
        pairs = _pairs(raw)
    except RecursionError:
        return _LineProblem(None, "not readable: nested too deeply")
    except ValueError as error:
        return _LineProblem(None, f"not JSON: {error}")
    if not isinstance(pairs, _Pairs):
        return _LineProblem(None, "not a JSON object")
    for name, content in pairs:
        if message := _fault(name, content):
            return _LineProblem(name, message)
    return _LineProblem(None, "not readable as a request")


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
