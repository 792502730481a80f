"""The files that the Action writes: outputs, the step's summary, decisions recorded nowhere else.

A summary or a line that cannot be written is told and no more; an output that cannot be written
ends the step, since what comes after it would read nothing as an answer.
"""

import os
import secrets
from collections.abc import Mapping
from pathlib import Path

import msgspec

from gate.core.decision import Decision
from gate.github.action.commands import output_entries

DECISIONS = "gate-decisions.jsonl"
_SUMMARY_BYTES = 512 * 1024
"""GitHub refuses a step's summary above 1 MiB."""


def write_outputs(values: Mapping[str, str], environ: Mapping[str, str]) -> None:
    """Append to ``GITHUB_OUTPUT``, where there is one; OSError where that fails."""
    path = environ.get("GITHUB_OUTPUT")
    if path:
        delimiter = f"gate-{secrets.token_hex(16)}"
        _append(Path(path), output_entries(values, delimiter).encode("utf-8", "replace"))


def write_summary(text: str, environ: Mapping[str, str]) -> None:
    """Append to ``GITHUB_STEP_SUMMARY``, where there is one; OSError where that fails."""
    path = environ.get("GITHUB_STEP_SUMMARY")
    if path:
        data = text.encode("utf-8", "replace")
        if len(data) > _SUMMARY_BYTES:
            data = data[:_SUMMARY_BYTES].decode("utf-8", "ignore").encode() + "…\n".encode()
        _append(Path(path), data)


def append_decision(decision: Decision) -> None:
    """A line of JSON in the workspace; OSError where that fails.

    A link in its place is not followed: whoever wrote the files of the workspace must not choose
    which file of the runner grows.
    """
    _append(Path(DECISIONS), msgspec.json.encode(decision) + b"\n", os.O_NOFOLLOW)


def _append(path: Path, data: bytes, flags: int = 0) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | flags, 0o644)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(data)
