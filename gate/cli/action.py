"""`gate action`: the program of the GitHub Action, a step of a workflow that decides."""

import os
import signal
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

import click
import msgspec

from gate.cli.action_step import Step, ending
from gate.cli.action_telling import Log
from gate.cli.exits import Exit
from gate.cli.options import json_option
from gate.cli.output import write
from gate.core.decision import Decision
from gate.core.problems import InputError
from gate.github.action.event import read_run
from gate.github.action.settings import read_settings

_EPILOG = """\b
Examples:
  INPUT_POLICY=policy.yaml INPUT_CALENDAR=weddings.csv gate action
  INPUT_MODE=wait INPUT_WAIT_TIMEOUT=2h INPUT_ENVIRONMENT=production gate action --json

\b
Exit codes: 0 allowed or reported, 2 bad input, 3 denied, 4 could not decide.
"""
_LARGEST_EVENT_BYTES = 32 << 20


class _SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


@click.command(epilog=_EPILOG)
@json_option
def action(as_json: bool) -> int:
    """Decide as the step of a GitHub workflow.

    Inputs are read from INPUT_POLICY, INPUT_CALENDAR, INPUT_ENVIRONMENT and so on, as GitHub
    passes the inputs of an Action; outputs, summary and annotations go where it reads them. At a
    terminal, `gate check` is the command to use. With --json the decision is on standard output,
    the log on standard error.
    """
    # As the first process of a container it would otherwise outlive the end of a cancelled job.
    # Both by hand: whoever started this may have had SIGINT ignored.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _interrupt)
    log = Log(sys.stderr if as_json else sys.stdout)
    _explain_terminal(log, os.environ)
    if workspace := os.environ.get("GITHUB_WORKSPACE"):
        os.chdir(workspace)
    try:
        settings = read_settings(os.environ, _is_file)
        run = read_run(os.environ, _event(os.environ))
        found = Step(settings, run, os.environ, log, _SystemClock()).take()
    except InputError as error:
        for problem in error.problems:
            log.problem("error", problem)
        return Exit.BAD_INPUT
    if as_json:
        write(_json(found.decision))
    return ending(found.decision, settings.mode)


def _explain_terminal(log: Log, environ: Mapping[str, str]) -> None:
    if environ.get("GITHUB_ACTIONS") != "true":
        log.say(
            "this is the program of the GitHub Action; outside of a workflow its inputs are"
            " INPUT_POLICY and the like, and `gate check` is the command for a terminal"
        )


def _json(decision: Decision) -> bytes:
    """The decision for people and programs; in a job's log no text of it may be a command."""
    text = msgspec.json.format(msgspec.json.encode(decision), indent=2)
    return text.replace(b"##[", b"##\\u005b") + b"\n"


def _event(environ: Mapping[str, str]) -> bytes:
    """The event's payload, where there is one that can be read."""
    try:
        with Path(environ.get("GITHUB_EVENT_PATH", "")).open("rb") as stream:
            return stream.read(_LARGEST_EVENT_BYTES)
    except OSError:
        return b""


def _is_file(path: str) -> bool:
    return os.path.exists(path) and not os.path.isdir(path)


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
