"""`gate check --batch`: a JSON object a line in, a decision or an error a line out, in order."""

import os
from collections.abc import Callable, Iterator
from datetime import datetime

import msgspec

from gate.cli.exits import Exit
from gate.core.decision import Decision, Effect, Request, Verdict
from gate.inputs.lines import MAX_LINE_BYTES, BadLine, Defaults, read_line

_CHUNK_BYTES = 1 << 18


class LineError(msgspec.Struct, frozen=True):
    """Why a line is bad; ``field`` is null where the line is no JSON object."""

    line: int
    field: str | None
    message: str


class BadAnswer(msgspec.Struct, frozen=True):
    """The answer in the place of a bad line."""

    error: LineError


Answer = Decision | BadAnswer
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
            except BadLine as problem:
                answers.append(BadAnswer(LineError(number, problem.field, problem.message)))
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


def chunks_of(descriptor: int) -> Iterator[list[bytes | None]]:
    """The lines of a file descriptor, as many at a time as one read brings; None: too long."""
    rest = b""
    skipping = False
    while data := os.read(descriptor, _CHUNK_BYTES):
        *lines, rest = (rest + data).split(b"\n")
        chunk: list[bytes | None] = list(lines)
        if skipping and chunk:
            chunk[0], skipping = None, False
        if len(rest) > MAX_LINE_BYTES or skipping:
            rest, skipping = b"", True
        yield [None if line and len(line) > MAX_LINE_BYTES else line for line in chunk]
    if rest or skipping:
        yield [None if skipping else rest]
