"""`gate github sync`: a check on the head of every pull request, as the gate decides now."""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

import click
import msgspec

from gate.cli import options
from gate.cli.exits import Exit
from gate.cli.output import complain, count, print_json_array, write
from gate.cli.progress import counting
from gate.core.decision import Decision, Request
from gate.core.instants import format_instant
from gate.core.policy import Action
from gate.github.names import REPOSITORY

if TYPE_CHECKING:
    from gate.cli.recorder import Recorder
    from gate.github.checks.sweep import Swept
    from gate.github.client import Connection
    from gate.service.github.watch import Report

DOOR = "checks"
"""How the ledger names decisions that checks follow."""
ONCE_SECONDS = 45.0
"""Requests of a single run begin within this; what has begun may take ten more, the start two."""
_SHOWN_FAILURES = 10
_EPILOG = """\b
Examples:
  gate github sync --repo acme/bookings --policy policy.yaml --calendar weddings.csv --once
  gate github sync --repo acme/bookings --policy policy.yaml --calendar weddings.csv \\
      --dsn postgresql://gate@db/gate --environment production --watch

\b
Exit codes: 0 all heads stand as decided, 2 bad usage or input, no credentials, 4 otherwise.
"""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A head as ``--json`` prints it."""

    number: int | None
    sha: str
    kind: Literal["check", "status"]
    state: str
    changed: bool
    until: str | None


class _Repository(click.ParamType[str, str]):
    name = "owner/name"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """``OWNER/NAME`` as it is."""
        parts = value.split("/")
        if not REPOSITORY.fullmatch(value) or {".", ".."} & set(parts):
            self.fail(f"{value!r} is no repository; write it as OWNER/NAME", param, ctx)
        return value


@click.command(cls=options.VariadicCommand, epilog=_EPILOG)
@click.option("--repo", "repository", type=_Repository(), required=True, metavar="OWNER/NAME",
              help="The repository whose pull requests are checked.")  # fmt: skip
@options.policy_option
@options.calendar_option
@options.dsn_option
@click.option("--environment", metavar="NAME", help="Environment that merging deploys to.")
@click.option("--once", is_flag=True, help="Make every head stand as decided now, and end.")
@click.option("--watch", is_flag=True, help="Go on, at every transition and in between.")
@options.json_option
def sync(
    repository: str,
    policy_path: str,
    calendar_paths: tuple[str, ...],
    dsn: str | None,
    environment: str | None,
    once: bool,
    watch: bool,
    as_json: bool,
) -> int:
    """Make the check `saturday-gate` on pull requests follow the clock.

    The head of every open pull request and merge-group entry whose base the policy protects gets a
    check run: in progress while the gate is closed, with the instant of its reopening, successful
    while it is open. Where checks may not be written it is a commit status. Credentials come from
    GITHUB_TOKEN, or from GATE_GITHUB_APP_ID and GATE_GITHUB_APP_KEY; GITHUB_API_URL names another
    server than GitHub's.
    """
    if once == watch:
        raise click.UsageError("give one of --once and --watch")
    request = Request(
        action=Action.DEPLOY,
        invoker="automation",
        environment=environment or None,
        repository=repository,
    )
    paths = (policy_path, *calendar_paths)
    with _connection() as connection:
        if once:
            return _once(connection, request, paths, dsn, as_json=as_json)
        return _watch(connection, request, paths, dsn, as_json=as_json)


def _once(
    connection: "Connection",
    request: Request,
    paths: Sequence[str],
    dsn: str | None,
    *,
    as_json: bool,
) -> int:
    from gate.cli.judge import open_judge  # noqa: PLC0415  (reads documents, loads the database)
    from gate.github.calls import Caller, Limits  # noqa: PLC0415  (loads PyGithub)
    from gate.github.checks.heads import protected_bases  # noqa: PLC0415
    from gate.github.checks.settling import Memory  # noqa: PLC0415
    from gate.github.checks.sweep import THREADS, THREADS_PUBLIC, sweep  # noqa: PLC0415
    from gate.github.checks.wanted import wanted  # noqa: PLC0415
    from gate.github.timing import RealTiming  # noqa: PLC0415
    from gate.inputs import Unreadable  # noqa: PLC0415

    assert request.repository is not None
    timing = RealTiming()
    limits = Limits(connection.url)
    caller = Caller(
        connection, request.repository, timing=timing, limits=limits, seconds=ONCE_SECONDS
    )
    policy_path, *calendar_paths = paths
    with open_judge(policy_path, calendar_paths, dsn, door=DOOR) as judge:
        unreadable = isinstance(judge.inputs, Unreadable)
        for problem in judge.inputs.problems if isinstance(judge.inputs, Unreadable) else ():
            complain(str(problem))
        (decision,) = judge.record([judge(request, timing.now())])
        policy = judge.policy
    with counting("heads") as advance:
        swept = sweep(
            caller,
            wanted(decision, policy.timezone if policy else None),
            protected_bases(policy),
            Memory(),
            threads=THREADS_PUBLIC if limits.is_public else THREADS,
            advance=advance,
        )
    if as_json:
        print_json_array(entries(swept, decision))
    else:
        _print_table(swept, decision)
    for line in troubles(swept):
        complain(line)
    if unreadable:
        # The heads are blocked where the policy wants that, and the files have to be mended.
        return Exit.BAD_INPUT
    return Exit.ALLOWED if swept.complete else Exit.UNDECIDED


def _watch(
    connection: "Connection",
    request: Request,
    paths: Sequence[str],
    dsn: str | None,
    *,
    as_json: bool,
) -> int:
    from gate.cli.following import Following  # noqa: PLC0415  (reads documents)
    from gate.github.timing import RealTiming  # noqa: PLC0415  (loads PyGithub)
    from gate.service.github.watch import Watch  # noqa: PLC0415
    from gate.service.signals import set_on  # noqa: PLC0415

    stop = threading.Event()
    set_on(stop, signal.SIGTERM, signal.SIGINT)
    timing = RealTiming(stop)
    policy_path, *calendar_paths = paths
    judge = Following(
        policy_path, calendar_paths, _opener(dsn), monotonic=timing.monotonic, tell=complain
    )
    watch = Watch(
        connection,
        request,
        judge,
        timing=timing,
        told=_Teller(as_json=as_json),
    )
    try:
        watch.run(stop)
    finally:
        judge.close()
    return Exit.ALLOWED if watch.complete else Exit.UNDECIDED


class _Teller:
    """Prints a sweep that has changed something, and troubles when they are other than before."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._told: list[str] = []

    def __call__(self, report: "Report") -> None:
        """Tell of one sweep."""
        if report.swept.changed:
            shown = list(entries(report.swept, report.decision))
            if self._as_json:
                write(msgspec.json.encode(shown) + b"\n")
            else:
                changed = count(sum(entry.changed for entry in shown), "head")
                click.echo(f"{format_instant(report.decision.at)}  {changed} changed")
            sys.stdout.flush()
        said = list(troubles(report.swept))
        if said != self._told:
            for line in said or ["all heads stand as decided again"]:
                complain(line)
        self._told = said


def entries(swept: "Swept", decision: Decision) -> Iterator[Entry]:
    """The heads of which something is known, pull requests by number, then merge groups."""
    until = decision.locked_until
    outcomes = sorted(
        swept.outcomes, key=lambda each: (each.head.number is None, each.head.number or 0)
    )
    for outcome in outcomes:
        if outcome.kind is not None and outcome.state is not None:
            yield Entry(
                number=outcome.head.number,
                sha=outcome.head.sha,
                kind=outcome.kind,
                state=outcome.state,
                changed=outcome.changed,
                until=None if until is None else format_instant(until),
            )


def troubles(swept: "Swept") -> Iterator[str]:
    """What kept heads from standing as decided, in lines for people."""
    failed = [outcome for outcome in swept.outcomes if outcome.failure]
    for outcome in failed[:_SHOWN_FAILURES]:
        yield f"{_name(outcome.head.number, outcome.head.sha)}: {outcome.failure}"
    if len(failed) > _SHOWN_FAILURES:
        yield f"and {count(len(failed) - _SHOWN_FAILURES, 'head')} more that failed"
    if swept.stopped is not None:
        rest = (
            f"; {count(len(swept.unreached), 'head')} left, the newest" if swept.unreached else ""
        )
        yield f"stopped: {swept.stopped}{rest}"


def _name(number: int | None, sha: str) -> str:
    return f"#{number}" if number is not None else f"merge group {sha[:12]}"


def _print_table(swept: "Swept", decision: Decision) -> None:
    from rich.table import Table  # noqa: PLC0415  (only where a table is shown)
    from rich.text import Text  # noqa: PLC0415

    from gate.cli.screen import show  # noqa: PLC0415

    table = Table(box=None, pad_edge=False)
    for heading in ("PULL", "COMMIT", "KIND", "STATE", "CHANGED"):
        table.add_column(heading, justify="right" if heading == "PULL" else "left")
    shown = list(entries(swept, decision))
    for entry in shown:
        number = "queue" if entry.number is None else f"#{entry.number}"
        style = "green" if entry.state in {"completed", "success"} else "yellow"
        changed = "yes" if entry.changed else "no"
        table.add_row(number, entry.sha[:12], entry.kind, Text(entry.state, style=style), changed)
    if shown:
        show([table])
    written = sum(entry.changed for entry in shown)
    click.echo(f"{count(len(shown), 'head')}, {written} changed, {swept.calls} API calls")


def _opener(dsn: str | None) -> "Callable[[], Recorder] | None":
    if dsn is None:
        return None
    from gate.cli.database import where  # noqa: PLC0415  (loads the database driver)
    from gate.cli.recorder import Recorder  # noqa: PLC0415
    from gate.store.connect import store_errors  # noqa: PLC0415

    target = where(dsn)

    def opened() -> Recorder:
        with store_errors():
            return Recorder(target, DOOR)

    return opened


@contextmanager
def _connection() -> "Iterator[Connection]":
    """GitHub with the environment's credentials; InputError where there are none."""
    from gate.github.client import Connection, api_url, credentials  # noqa: PLC0415

    connection = Connection(credentials(os.environ), api_url(os.environ))
    try:
        yield connection
    finally:
        connection.close()
