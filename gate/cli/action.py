"""`gate action`: the program of the GitHub Action, a step of a workflow that decides."""

import os
import secrets
from datetime import UTC, datetime
from pathlib import Path

import click

from gate.cli.exits import Exit
from gate.cli.judge import open_judge
from gate.cli.options import json_option
from gate.core.decision import Decision, Effect, Request, Verdict
from gate.core.problems import InputError, Problem
from gate.github.action.annotations import telling
from gate.github.action.commands import Kind, command, output_entries
from gate.github.action.event import Run, read_run
from gate.github.action.outputs import outputs
from gate.github.action.settings import Audit, Mode, Settings, read_settings
from gate.inputs import Unreadable

_EPILOG = """\b
Examples:
  INPUT_POLICY=policy.yaml INPUT_CALENDAR=weddings.csv gate action
  INPUT_MODE=wait INPUT_WAIT_TIMEOUT=2h INPUT_ENVIRONMENT=production gate action
"""


@click.command(epilog=_EPILOG)
@json_option
def action(as_json: bool) -> int:
    """Decide as the step of a GitHub workflow.

    The inputs of the Action are read from INPUT_POLICY, INPUT_CALENDAR and so on, as GitHub passes
    them. At a terminal, `gate check` is the command to use.
    """
    os.chdir(os.environ.get("GITHUB_WORKSPACE") or ".")
    try:
        settings = read_settings(os.environ, _is_file)
        decision = _decide(settings, read_run(os.environ, _event()))
    except InputError as error:
        for problem in error.problems:
            print(_annotated("error", problem))
        return Exit.BAD_INPUT
    _write_outputs(decision)
    return Exit.ALLOWED if settings.mode is Mode.REPORT else _exit_of(decision, settings)


def _decide(settings: Settings, run: Run) -> Decision:
    request = Request(
        action=settings.action,
        invoker=run.invoker,
        environment=settings.environment,
        namespace=settings.namespace,
        service=settings.service,
        repository=run.repository,
        actor=run.actor,
    )
    reporting = settings.mode is Mode.REPORT
    with open_judge(settings.policy, settings.calendars, settings.dsn, door="action") as judge:
        problems = judge.inputs.problems if isinstance(judge.inputs, Unreadable) else ()
        (decision,) = judge.record([judge(request, datetime.now(UTC))])
        for problem in problems:
            print(_annotated("warning" if reporting else "error", problem))
        told = telling(decision, judge.policy, has_record=settings.has_record, reporting=reporting)
        for line in told.rendered():
            print(line)
    return decision


def _annotated(kind: Kind, problem: Problem) -> str:
    title = f"Saturday Gate: {problem.field}" if problem.field else "Saturday Gate"
    body = f"{problem.message} ({problem.mend})" if problem.mend else problem.message
    return command(kind, body, title=title, file=problem.file, line=problem.line)


def _write_outputs(decision: Decision) -> None:
    path = os.environ.get("GITHUB_OUTPUT")
    if path:
        entries = output_entries(outputs(decision), f"gate-{secrets.token_hex(16)}")
        with Path(path).open("a", encoding="utf-8") as stream:
            stream.write(entries)


def _exit_of(decision: Decision, settings: Settings) -> Exit:
    if settings.audit is Audit.REQUIRED and not decision.recorded:
        return Exit.UNDECIDED
    if decision.effect is not Effect.BLOCK:
        return Exit.ALLOWED
    return Exit.UNDECIDED if decision.verdict is Verdict.UNDECIDED else Exit.DENIED


def _event() -> bytes:
    try:
        return Path(os.environ.get("GITHUB_EVENT_PATH", "")).read_bytes()
    except OSError:
        return b""


def _is_file(path: str) -> bool:
    return os.path.exists(path) and not os.path.isdir(path)
