"""`gate capacity`: will there be room for the floors of the coming days?"""

import os
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from gate.cli.cluster import kubeconfig_option, namespace_option, need_client
from gate.cli.exits import Exit
from gate.cli.opening import open_inputs
from gate.cli.options import (
    INSTANT,
    VariadicCommand,
    dsn_option,
    json_option,
    span_options,
    stored_inputs_options,
)
from gate.cli.output import complain, count, print_json
from gate.cli.screen import console, local
from gate.core.instants import duration_micros, micros
from gate.core.peaks import peak
from gate.core.problems import Problem
from gate.core.zones import zone

if TYPE_CHECKING:
    from rich.table import Table

    from gate.cluster.scaling.room import Finding, Report, Room
    from gate.inputs import Compiled

_EPILOG = """\b
Examples:
  gate capacity --policy policy.yaml --calendar weddings.csv
  gate capacity --policy policy.yaml --calendar weddings.csv --days 14 --namespace bookings \\
      --kubeconfig cluster.kubeconfig --json
  GATE_DSN=postgresql://gate@db.example/gate gate capacity

\b
Exit codes: 0 everything fits; 2 bad usage or input; 3 something would be short;
4 the cluster, or the database, could not be asked.
"""


@click.command(cls=VariadicCommand, epilog=_EPILOG)
@stored_inputs_options
@dsn_option
@kubeconfig_option
@namespace_option
@click.option("--days", type=click.IntRange(1, 366), default=7, show_default=True, metavar="N",
              help="How many days to look ahead.")  # fmt: skip
@click.option("--at", type=INSTANT, metavar="INSTANT",
              help="Look ahead from then; default: now.")  # fmt: skip
@span_options
@json_option
def capacity(
    policy_path: str | None,
    calendar_paths: tuple[str, ...],
    dsn: str | None,
    kubeconfig: str | None,
    namespace: str | None,
    days: int,
    at: datetime | None,
    ahead: timedelta,
    hold: timedelta,
    as_json: bool,
) -> int:
    """Tell shortfalls in advance: demand beyond the ceiling, nodes, quotas, limits, budgets.

    For every autoscaler that pre-scaling moves: its floor now, the peak of the coming days, whether
    the cluster holds all of them at once, what is short, and what to do. Nothing is written.
    """
    if dsn is None and (policy_path is None or not calendar_paths):
        raise click.UsageError("give --policy and --calendar, or a --dsn that has them")
    need_client()
    from gate.service.keeper.kube import ClusterUnavailable, named_client  # noqa: PLC0415
    from gate.service.scaling.room import shortfalls  # noqa: PLC0415

    client = named_client(kubeconfig, os.environ)
    inputs = _inputs(policy_path, calendar_paths, dsn)
    if inputs is None:
        return Exit.UNDECIDED
    demand, rungs = inputs.timeline.calendar.demand, inputs.policy.load.capacity
    start, span = at or datetime.now(UTC), timedelta(days=days)
    around = {"ahead": duration_micros(ahead), "hold": duration_micros(hold)}
    try:
        report = shortfalls(
            client, demand, rungs, at=start, span=span, namespace=namespace, **around
        )
    except ClusterUnavailable as error:
        complain(str(error))
        most = peak(demand, rungs, micros(start), micros(start + span), **around)
        if most.shortfall:
            complain(f"whatever it holds: {count(most.shortfall, 'replica')} beyond the ceiling")
        return Exit.UNDECIDED
    _show(report, inputs.policy.timezone, as_json=as_json)
    if report.troubles:
        return Exit.UNDECIDED
    return Exit.DENIED if report.short else Exit.ALLOWED


def _inputs(policy: str | None, calendars: tuple[str, ...], dsn: str | None) -> "Compiled | None":
    """Policy and calendar; None, and said, where the database's cannot be read."""
    if policy is not None and calendars:
        return open_inputs(policy, calendars)
    from gate.cli.database import where  # noqa: PLC0415  (loads the database driver)
    from gate.inputs import Unreadable  # noqa: PLC0415
    from gate.service.scaling.inputs import read_stored  # noqa: PLC0415

    found = read_stored(where(dsn), policy, calendars)
    if not isinstance(found, Unreadable):
        return found
    for problem in found.problems or found.reasons:
        complain(str(problem) if isinstance(problem, Problem) else str(problem.message))
    return None


def _show(report: "Report", home: str, *, as_json: bool) -> None:
    for trouble in report.troubles:
        complain(trouble)
    if as_json:
        print_json(_document(report))
        return
    screen = console()
    for line in _headlines(report, home):
        screen.print(line, soft_wrap=True)
    if report.targets:
        screen.print(_table(report.targets))
        for line in _remarks(report.targets):
            screen.print(line, soft_wrap=True)


def _document(report: "Report") -> dict[str, Any]:
    most = report.peak
    return {
        "at": report.at,
        "until": report.until,
        "short": report.short,
        "peak": {
            "at": most.at,
            "needed": most.needed,
            "level": most.level,
            "ceiling": report.ceiling,
            "shortfall": most.shortfall,
            "beyond": [{"from": b.start, "to": b.end, "short": b.short} for b in most.beyond],
        },
        "findings": report.findings,
        "targets": report.targets,
    }


def _headlines(report: "Report", home: str) -> Iterator[str]:
    most, there = report.peak, zone(home)
    days = count((report.until - report.at).days, "day")
    yield (
        f"The next {days}: at most {most.needed} of {report.ceiling} replicas needed, {most.level}"
        f" from {local(most.at, there)}"
    )
    for finding in report.findings:
        yield f"  SHORT {finding.message}: {finding.mend}"
    if not report.targets:
        yield "No target carries the label."


def _table(rooms: Sequence["Room"]) -> "Table":
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(box=None, pad_edge=False, show_edge=False)
    for heading in ("namespace", "name"):
        table.add_column(heading, overflow="fold")
    for heading in ("floor now", "peak", "ready", "to add"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("fits", no_wrap=True)
    table.add_column("short of")
    for room in rooms:
        codes = dict.fromkeys(each.code for each in room.findings if each.short)
        table.add_row(
            room.namespace,
            room.name,
            str(room.floor),
            str(room.peak),
            "?" if room.ready is None else str(room.ready),
            str(room.add),
            Text("yes", "green") if room.fits else Text("NO", "bold red"),
            ", ".join(codes),
        )
    return table


def _remarks(rooms: Sequence["Room"]) -> Iterator[str]:
    for room in rooms:
        name = f"{room.namespace}/{room.name}"
        yield from (f"{name}: {_said(finding)}" for finding in room.findings)
        if room.unconsidered:
            yield f"{name}: not looked at: {', '.join(room.unconsidered)}"


def _said(finding: "Finding") -> str:
    return f"{'SHORT' if finding.short else 'note'} {finding.message}: {finding.mend}"
