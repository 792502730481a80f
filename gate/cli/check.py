"""`gate check`: may this change go out?"""

import os
import sys
from datetime import UTC, datetime
from typing import Any

import click

from gate.cli import options
from gate.cli.batch import (
    answer_chunks,
    blocks_undecided,
    chunks_of,
    encode_answers,
    exit_code,
)
from gate.cli.judge import Judge, exit_of, open_judge
from gate.cli.output import complain, print_json, write
from gate.cli.refusal import render
from gate.core.decision import Decision, Request
from gate.core.policy import Action
from gate.inputs import Unreadable
from gate.inputs.lines import Defaults

_EPILOG = """\b
Examples:
  gate check --policy policy.yaml --calendar weddings.csv
  gate check --policy policy.yaml --calendar weddings.csv \\
      --at 2026-06-13T12:00:00Z --action deploy --environment production --json
  gate check --policy policy.yaml --calendar weddings.csv --batch requests.jsonl

\b
Exit codes: 0 allowed or only warned, 2 bad usage or input, 3 denied, 4 could not decide.
"""


@click.command(cls=options.VariadicCommand, epilog=_EPILOG)
@options.policy_option
@options.calendar_option
@click.option("--at", type=options.INSTANT, metavar="INSTANT", help="When; default: now.")
@click.option("--action", type=options.ACTION, default="deploy", show_default=True,
              help="What the change does.")  # fmt: skip
@click.option("--invoker", type=options.INVOKER, default="automation", show_default=True,
              help="Who starts it.")  # fmt: skip
@options.scope_options
@click.option("--actor", metavar="NAME", help="The person or account behind it, for the record.")
@options.dsn_option
@options.batch_option
@options.json_option
def check(
    policy_path: str,
    calendar_paths: tuple[str, ...],
    at: datetime | None,
    dsn: str | None,
    batch_path: str | None,
    as_json: bool,
    **fields: Any,
) -> int:
    """Decide whether a change may go out.

    Denials say what is protected, until when, what is still allowed and whom to ask. Where policy,
    calendar or store cannot be read, the answer is `undecided`, which blocks unless the policy says
    otherwise.
    """
    named: dict[str, Any] = {name: value or None for name, value in fields.items()}
    request = Request(action=Action(named.pop("action")), **named)
    with open_judge(policy_path, calendar_paths, dsn, at=at) as judge:
        if isinstance(judge.inputs, Unreadable):
            for problem in judge.inputs.problems:
                complain(str(problem))
        if batch_path is not None:
            return _batch(judge, Defaults(at=at, request=request), batch_path)
        return _one(judge, request, at or _now(), as_json=as_json)


def _one(judge: Judge, request: Request, at: datetime, *, as_json: bool) -> int:
    (decision,) = judge.record([judge(request, at)])
    if as_json:
        print_json(decision)
    else:
        click.echo(render(decision, judge.policy), nl=False)
    return exit_of(decision)


def _batch(judge: Judge, defaults: Defaults, path: str) -> int:
    descriptor = sys.stdin.fileno() if path == "-" else os.open(path, os.O_RDONLY)
    bad = blocked = False
    for answers in answer_chunks(chunks_of(descriptor), judge, defaults, _now):
        recorded = judge.record_answers(answers)
        write(encode_answers(recorded))
        sys.stdout.flush()
        bad = bad or not all(isinstance(answer, Decision) for answer in recorded)
        blocked = blocked or any(map(blocks_undecided, recorded))
    return exit_code(bad, blocked)


def _now() -> datetime:
    return datetime.now(UTC)
