"""`gate prescale`: capacity is there before the guests."""

import os
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gate.cli.cluster import kubeconfig_option, namespace_option, need_client
from gate.cli.exits import Exit
from gate.cli.options import (
    DURATION,
    INSTANT,
    VariadicCommand,
    dsn_option,
    json_option,
    span_options,
    stored_inputs_options,
)
from gate.cli.output import complain, count, print_json_array
from gate.cli.progress import counting
from gate.cli.screen import LEVEL_STYLES, console, moment, speaks

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

    from gate.cluster.scaling.values import Step
    from gate.inputs import Compiled, Unreadable
    from gate.service.scaling.cluster import Scalers
    from gate.service.scaling.judging import Judged
    from gate.service.scaling.run import HoldsOf, Run

_EPILOG = """\b
Examples:
  gate prescale --policy policy.yaml --calendar weddings.csv --once
  gate prescale --policy policy.yaml --calendar weddings.csv --once --dry-run \\
      --at 2026-06-13T12:00:00Z --namespace bookings
  GATE_DSN=postgresql://gate@db.example/gate gate prescale --once --json
  gate prescale --policy policy.yaml --calendar weddings.csv --watch

\b
With --watch, SIGTERM ends it, and log lines (JSON) go to standard error.
Exit codes: 0 ended as told; or every target stands as planned, or as somebody else left it;
2 bad usage; 4 a target does not, or policy, calendar or cluster could not be read.
"""


@click.command(cls=VariadicCommand, epilog=_EPILOG)
@stored_inputs_options
@dsn_option
@kubeconfig_option
@namespace_option
@click.option("--once", is_flag=True, help="Bring the targets to the plan, and end.")
@click.option("--watch", is_flag=True,
              help="Keep the targets at the plan until told to stop.")  # fmt: skip
@click.option("--at", type=INSTANT, metavar="INSTANT",
              help="The plan of another instant, as a rehearsal; default: now.")  # fmt: skip
@span_options
@click.option("--ready-within", type=DURATION, default="5m", show_default=True,
              metavar="DURATION", help="With --watch: by when a floor must be Ready.")  # fmt: skip
@click.option("--state", type=click.Path(file_okay=False, path_type=Path), metavar="DIR",
              help="With --watch: remembers there what the database says.")  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Say what would be done, and write nothing at all.")
@json_option
def prescale(
    policy_path: str | None,
    calendar_paths: tuple[str, ...],
    dsn: str | None,
    kubeconfig: str | None,
    namespace: str | None,
    once: bool,
    watch: bool,
    at: datetime | None,
    ahead: timedelta,
    hold: timedelta,
    ready_within: timedelta,
    state: Path | None,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Bring the floors of labelled autoscalers to the plan.

    Targets are HorizontalPodAutoscalers and KEDA's ScaledObjects with the label
    `saturday-gate.io/prescale: "true"`. Their own values are kept in an annotation, and are given
    back when the plan is over. Where policy or calendar cannot be read, floors are raised to the
    fallback, and nothing is lowered.
    """
    if once == watch:
        raise click.UsageError("give --once or --watch")
    if watch and (at is not None or dry_run):
        raise click.UsageError("--at and --dry-run are for --once")
    if dsn is None and (policy_path is None or not calendar_paths):
        raise click.UsageError("give --policy and --calendar, or a --dsn that has them")
    need_client()
    if watch:
        from gate.service.scaling.worker import service  # noqa: PLC0415  (loads the client)

        service.serve(
            kubeconfig, policy_path, calendar_paths,
            service.settings(os.environ, namespace=namespace, ready_within=ready_within),
            dsn=dsn, state=state, ahead=ahead, hold=hold,
        )  # fmt: skip
        return Exit.ALLOWED
    from gate.inputs import observed_now, trouble_of  # noqa: PLC0415
    from gate.service.keeper.kube import ClusterUnavailable  # noqa: PLC0415  (loads the client)
    from gate.service.scaling.cluster import Scalers  # noqa: PLC0415
    from gate.service.scaling.judging import judge  # noqa: PLC0415
    from gate.service.scaling.recording import recording  # noqa: PLC0415
    from gate.service.scaling.run import run_once  # noqa: PLC0415

    scalers = Scalers.connect(kubeconfig, os.environ)
    inputs = observed_now(_read(policy_path, calendar_paths, dsn), at, os.environ)
    if trouble := trouble_of(inputs):
        complain(trouble)
    judged = judge(inputs, at or datetime.now(UTC), ahead=ahead, hold=hold)
    if judged.fallback:
        _say_fallback(inputs)
    try:
        with recording(dsn, os.environ) as recorder, counting("targets patched") as advance:
            done = run_once(
                scalers, judged, namespace=namespace, recorder=recorder, dry_run=dry_run,
                holds_of=_holds(dsn), advance=advance,
            )  # fmt: skip
    except ClusterUnavailable as error:
        complain(str(error))
        return Exit.UNDECIDED
    _bring_cache(scalers, judged, done, dsn, dry_run=dry_run)
    _show(done, judged, dry_run=dry_run, as_json=as_json)
    return Exit.ALLOWED if done.as_planned and not judged.fallback else Exit.UNDECIDED


def _read(policy: str | None, calendars: Sequence[str], dsn: str | None) -> "Compiled | Unreadable":
    if dsn is None:
        from gate.inputs import read_inputs  # noqa: PLC0415

        assert policy is not None
        return read_inputs(policy, calendars)
    from gate.cli.database import where  # noqa: PLC0415  (loads the database driver)
    from gate.service.scaling.inputs import read_stored  # noqa: PLC0415

    return read_stored(where(dsn), policy, calendars)


def _bring_cache(
    scalers: "Scalers", judged: "Judged", done: "Run", dsn: str | None, *, dry_run: bool
) -> None:
    """The level's cache settings, after the floors; what goes wrong is said, and no more."""
    if not judged.cache:
        return
    from gate.cli.database import where  # noqa: PLC0415  (loads the database driver)
    from gate.service.scaling.cache import apply_cache  # noqa: PLC0415

    run = apply_cache(
        scalers.client,
        judged.cache,
        judged.level,
        (step.target.namespace for step in done.steps),
        at=datetime.now(UTC),
        store=None if dsn is None else where(dsn),
        dry_run=dry_run,
    )
    for problem in () if run is None else run.problems:
        complain(problem)


def _holds(dsn: str | None) -> "HoldsOf":
    """What people hold, by the database's word where there is one, else the targets' own."""
    if dsn is None:
        from gate.service.scaling.run import holds_on_target  # noqa: PLC0415

        return holds_on_target
    from gate.cli.database import where  # noqa: PLC0415  (loads the database driver)
    from gate.service.scaling.standing import StandingHolds  # noqa: PLC0415

    standing = StandingHolds(where(dsn)).read()
    if standing.trouble is not None:
        complain(f"{standing.trouble}: what people hold is what stands on the targets")
    return standing


def _say_fallback(inputs: "Compiled | Unreadable") -> None:
    from gate.inputs import Unreadable  # noqa: PLC0415

    for problem in inputs.problems if isinstance(inputs, Unreadable) else ():
        complain(str(problem))
    if isinstance(inputs, Unreadable):
        complain("the plan is not known: floors are raised to the fallback, and nothing is lowered")
    else:
        complain("the load is not known: floors are at least the fallback, and nothing is lowered")


def _show(done: "Run", judged: "Judged", *, dry_run: bool, as_json: bool) -> None:
    from gate.cluster.scaling.entries import entry  # noqa: PLC0415

    for trouble in done.troubles:
        complain(trouble)
    if judged.shortfall:
        complain(f"the plan lacks {count(judged.shortfall, 'replica')} beyond the ceiling")
    if as_json:
        if not done.steps:
            complain("no target carries the label")
        print_json_array(map(entry, done.steps))
        return
    screen = console()
    screen.print(_headline(done, judged, dry_run=dry_run), soft_wrap=True)
    if done.steps:
        screen.print(_table(done.steps))
        for line in _remarks(done.steps):
            screen.print(line, soft_wrap=True)


def _headline(done: "Run", judged: "Judged", *, dry_run: bool) -> str:
    """``HIGH at 2026-06-13T12:00:00Z (booked load …): 3 of 5 targets moved, 12 API calls``."""
    level = judged.level or "Fallback"
    if not done.steps:
        return f"{level} at {moment(judged.at)}: no target carries the label"
    moved = sum(step.changed for step in done.steps)
    verb = "would move" if dry_run else "moved"
    return (
        f"{level} at {moment(judged.at)} ({judged.reason}):"
        f" {moved} of {count(len(done.steps), 'target')} {verb}"
    )


def _table(steps: Sequence["Step"]) -> "Table":
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(box=None, pad_edge=False, show_edge=False)
    for heading in ("namespace", "name", "kind"):
        table.add_column(heading, overflow="fold")
    for heading in ("min", "max"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("level")
    table.add_column("cause")
    table.add_column("")
    for step in steps:
        target, style = step.target, LEVEL_STYLES.get(step.level, "") if step.level else "red"
        table.add_row(
            target.namespace,
            target.name,
            "HPA" if target.kind == "HorizontalPodAutoscaler" else target.kind,
            _moved(step.before.min, step.after.min),
            _moved(step.before.max, step.after.max),
            Text(step.level or "unknown", style),
            step.cause,
            _mark(step),
        )
    return table


def _moved(before: int, after: int) -> str:
    arrow = "→" if speaks("→") else "->"
    return str(before) if before == after else f"{before} {arrow} {after}"


def _mark(step: "Step") -> "Text":
    from rich.text import Text  # noqa: PLC0415

    if step.error is not None:
        return Text("error", "bold red")
    return Text("kept", "yellow") if step.kept is not None else Text("")


def _remarks(steps: Sequence["Step"]) -> Iterator[str]:
    for step in steps:
        for word, text in (("error", step.error), ("kept", step.kept), ("note", step.note)):
            if text is not None:
                yield f"{step.target}: {word}: {text}"
