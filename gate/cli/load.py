"""`gate load` and `gate plan`: the load that a calendar implies, and the floors that follow it."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import click

from gate.cli.costing import CostOptions, cost_options, print_costs
from gate.cli.opening import open_inputs
from gate.cli.options import (
    DURATION,
    VariadicCommand,
    calendar_option,
    checked_range,
    json_option,
    policy_option,
    positive,
    range_options,
    span_options,
)
from gate.cli.output import print_json_array
from gate.cli.screen import LEVEL_STYLES, bar, console, local, show, speaks
from gate.core.instants import duration_micros, micros
from gate.core.plan import LoadSample, PlanChange, load_samples, plan_changes
from gate.core.policy import Capacity
from gate.core.wording import lasting
from gate.core.zones import zone

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

_observed_option = click.option(
    "--observed", is_flag=True,
    help="Count what the policy's source of observed load has raised, too, by --to or by now.",
)  # fmt: skip
_BAR = 10
_PLAN_BAR = 6


@click.command(
    cls=VariadicCommand,
    epilog="""\b
Example:
  gate load --policy policy.yaml --calendar weddings.csv \\
      --from 2026-06-13T00:00:00Z --to 2026-06-14T00:00:00Z --step 1h
""",
)
@policy_option
@calendar_option
@range_options
@click.option(
    "--step", type=DURATION, default="1h", show_default=True, metavar="DURATION",
    help="Time between two lines.",
)  # fmt: skip
@_observed_option
@json_option
def load(
    policy_path: str,
    calendar_paths: tuple[str, ...],
    start: datetime,
    end: datetime,
    step: timedelta,
    observed: bool,
    as_json: bool,
) -> None:
    """Print the booked load at every step of [--from, --to).

    Demand is in units (one unit is a British church wedding of 150 guests on an off-season weekday
    at its peak hour); needed, replicas and short are replicas; weddings are those standing then.
    """
    checked_range(start, end)
    positive(step, "--step")
    inputs = open_inputs(policy_path, calendar_paths, observed=observed, at=end, first=start)
    capacity = inputs.policy.load.capacity
    samples = load_samples(
        inputs.timeline.calendar.demand,
        capacity,
        micros(start),
        micros(end),
        duration_micros(step),
    )
    if as_json:
        print_json_array(samples)
    else:
        what = "Load, booked or observed" if observed else "Booked load"
        year = start.year != end.year
        show(_load_lines(samples, what, inputs.policy.timezone, capacity, year=year))


@click.command(
    cls=VariadicCommand,
    epilog="""\b
Examples:
  gate plan --policy policy.yaml --calendar weddings.csv \\
      --from 2026-06-12T00:00:00Z --to 2026-06-15T00:00:00Z --ahead 30m --hold 1h
  gate plan --policy policy.yaml --calendar weddings.csv --cost \\
      --from 2026-06-01T00:00:00Z --to 2026-07-01T00:00:00Z --price-per-replica-hour 0.12
""",
)
@policy_option
@calendar_option
@range_options
@span_options
@click.option("--rungs", is_flag=True, help="Floors are floor, high, ceiling (the default).")
@click.option("--continuous", is_flag=True, help="Floors follow the load replica by replica.")
@cost_options
@_observed_option
@json_option
def plan(
    policy_path: str,
    calendar_paths: tuple[str, ...],
    start: datetime,
    end: datetime,
    ahead: timedelta,
    hold: timedelta,
    rungs: bool,
    continuous: bool,
    asked: CostOptions | None,
    observed: bool,
    as_json: bool,
) -> None:
    """Print the replica floor at --from and each of its changes before --to.

    The floor in force covers every load from --hold before an instant to --ahead after it, load
    outside the range included. With --cost: the replica-hours of this plan, of its continuous
    form, of static capacity and of an autoscaler alone, each with the hours it would be short.
    """
    checked_range(start, end)
    if rungs and continuous:
        raise click.UsageError("--rungs and --continuous exclude each other; give one of them")
    inputs = open_inputs(policy_path, calendar_paths, observed=observed, at=end, first=start)
    if asked is not None:
        if rungs or continuous:
            raise click.UsageError("--cost compares both --rungs and --continuous; leave them out")
        print_costs(inputs, (start, end), ahead, hold, asked, as_json=as_json)
        return
    changes = plan_changes(
        inputs.timeline.calendar.demand,
        inputs.policy.load.capacity,
        micros(start),
        micros(end),
        ahead=duration_micros(ahead),
        hold=duration_micros(hold),
        continuous=continuous,
        observed=inputs.facts.observed,
    )
    if as_json:
        print_json_array(changes)
    else:
        table = _plan_table(changes, inputs.policy.timezone, end, start.year != end.year)
        console().print(table)


def _load_lines(
    samples: Iterator[LoadSample], what: str, home: str, capacity: Capacity, *, year: bool
) -> Iterator["Text"]:
    from rich.text import Text  # noqa: PLC0415

    plain, there = not speaks("█▏"), zone(home)
    width = 27 if year else 22
    yield Text(f"{what}, times of {home}; a full bar is {capacity.ceiling} replicas")
    yield Text(
        f"{'at':{width}} {'demand':>9} {'':{_BAR}} needed replicas short level   weddings",
        style="bold",
    )
    for sample in samples:
        line = Text(f"{local(sample.at, there, year=year):{width}} {sample.demand:>9.1f} ")
        style = LEVEL_STYLES[sample.level]
        line.append(bar(sample.needed, capacity.ceiling, _BAR, plain=plain), style)
        line.append(f" {sample.needed:>6} {sample.required_replicas:>8} ")
        line.append(f"{sample.shortfall or '':>5}", "bold red")
        line.append(f" {sample.level:7}", style)
        line.append(f" {sample.weddings:>8}")
        yield line


def _plan_table(changes: Iterator[PlanChange], home: str, end: datetime, year: bool) -> "Table":
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    plain, there = not speaks("█▏"), zone(home)
    entries = list(changes)
    table = Table(
        box=None, pad_edge=False, padding=(0, 1, 0, 0), title_justify="left", title_style="",
        title=f"Replica floors, times of {home}; a full bar is the ceiling of {entries[0].max}",
    )  # fmt: skip
    table.add_column("from", no_wrap=True)
    table.add_column("min", justify="right")
    table.add_column("", no_wrap=True)
    for heading in ("level", "for"):
        table.add_column(heading, no_wrap=True)
    table.add_column("why")
    for entry, after in zip(entries, [*(e.at for e in entries[1:]), end], strict=True):
        short = f"{entry.shortfall} short: " if entry.shortfall else ""
        table.add_row(
            local(entry.at, there, year=year),
            str(entry.min),
            Text(bar(entry.min, entry.max, _PLAN_BAR, plain=plain), LEVEL_STYLES[entry.level]),
            Text(entry.level, LEVEL_STYLES[entry.level]),
            lasting(after - entry.at),
            Text.assemble((short, "bold red"), entry.reason),
        )
    return table
