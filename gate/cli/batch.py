"""`gate check --batch`: a JSON object a line in, a decision or an error a line out, in order."""

import os
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import msgspec

from gate.cli.exits import Exit
from gate.core.decision import Decision, Effect, Request, Verdict
from gate.core.instants import parse_instant
from gate.core.policy import Action, Invoker

_CHUNK_BYTES = 1 << 18
_MAX_LINE_BYTES = 1 << 20


class Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The fields of a batch line; null counts as left out."""

    at: str | None = None
    action: Action | None = None
    invoker: Invoker | None = None
    environment: str | None = None
    namespace: str | None = None
    service: str | None = None
    repository: str | None = None
    actor: str | None = None


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
        at = defaults.at if line.at is None else parse_instant(line.at)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise _explained(raw) from None
    usual = defaults.request
    return (
        Request(
            action=line.action or usual.action,
            invoker=line.invoker or usual.invoker,
            environment=usual.environment if line.environment is None else line.environment or None,
            namespace=usual.namespace if line.namespace is None else line.namespace or None,
            service=usual.service if line.service is None else line.service or None,
            repository=usual.repository if line.repository is None else line.repository or None,
            actor=usual.actor if line.actor is None else line.actor or None,
        ),
        at,
    )


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
        value = msgspec.json.decode(raw)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        return _LineProblem(None, f"not JSON: {error}")
    if not isinstance(value, dict):
        return _LineProblem(None, "not a JSON object")
    for name, content in value.items():
        if message := _fault(name, content):
            return _LineProblem(name, message)
    return _LineProblem(None, "not readable as a request")


def _fault(name: str, content: Any) -> str | None:
    if name not in Line.__struct_fields__:
        known = ", ".join(Line.__struct_fields__)
        return f"unknown field {name[:40]!r}; known are {known}"
    if content is None:
        return None
    if not isinstance(content, str):
        return f"{name} must be text"
    choices: tuple[str, ...] = ()
    if name == "action":
        choices = tuple(Action)
    elif name == "invoker":
        choices = ("human", "automation")
    if choices and content not in choices:
        return f"{content[:40]!r} is not one of {', '.join(choices)}"
    if name == "at":
        try:
            parse_instant(content)
        except ValueError as error:
            return str(error)
    return None
