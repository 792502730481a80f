"""Run the command line in this process, as a shell would."""

import io
import json
import sys
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from typing import Any
from unittest.mock import patch

import msgspec

from gate.cli.main import main


class Outcome(msgspec.Struct, frozen=True):
    """How a command ended: its exit code and both of its streams."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as one JSON value."""
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        """Standard output as JSON Lines."""
        return [json.loads(line) for line in self.out.splitlines()]


def gate(*arguments: object) -> Outcome:
    """``gate ARGUMENTS…``; anything but an exit is a failure of the test."""
    out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
    err = io.StringIO()
    words: Sequence[str] = [str(argument) for argument in arguments]
    code: Any = None
    with redirect_stdout(out), redirect_stderr(err), patch.object(sys, "argv", ["gate", *words]):
        try:
            main(words)
        except SystemExit as stop:
            code = stop.code
    data = out.buffer.getvalue()
    return Outcome(int(code), data.decode(), err.getvalue())
