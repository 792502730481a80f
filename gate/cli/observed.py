"""`gate observed`: the source of observed load, its samples, and what they teach."""

import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click
import msgspec

from gate.cli.database import act_of, by_option, database_option, session
from gate.cli.documents import policy_bytes
from gate.cli.exits import Exit
from gate.cli.options import (
    DURATION,
    EXISTING_FILE,
    INSTANT,
    checked_range,
    json_option,
    positive,
    range_options,
)
from gate.cli.output import complain, print_json, print_json_array
from gate.cli.screen import console, moment
from gate.core.document import read_policy
from gate.core.instants import from_micros, micros
from gate.core.policy import Policy
from gate.core.problems import InputError

if TYPE_CHECKING:
    import psycopg

    from gate.core.learning import Learnt


class PartLine(msgspec.Struct, frozen=True, kw_only=True):
    """A part of what a source says, in units; ``*`` is all zones, or all cultures."""

    zone: str
    culture: str
    demand: float


class NowLine(msgspec.Struct, frozen=True, kw_only=True):
    """What a source says."""

    source: str
    at: datetime
    demand: float | None
    parts: tuple[PartLine, ...]


class LearntLine(msgspec.Struct, frozen=True, kw_only=True):
    """What was learnt of a culture; ``written``: it is in force from now on."""

    culture: str
    own_factor: float
    learnt_factor: float
    samples: int
    written: bool


@click.group()
def observed() -> None:
    """Ask the policy's source of observed load, and learn from what it said."""


@observed.command(
    name="now",
    epilog="""\b
Example:
  gate observed now --policy policy.yaml
""",
)
@click.option("--policy", "policy_path", type=EXISTING_FILE, required=True, metavar="FILE",
              help="The policy document.")  # fmt: skip
@click.option("--at", type=INSTANT, metavar="INSTANT", help="When; default: now.")
@json_option
def now(policy_path: str, at: datetime | None, as_json: bool) -> int:
    """Print what the source of the policy says, to see whether its query is right.

    Exit code 4 where it cannot be asked, or says nothing.
    """
    from gate.load_sources.opening import source_of  # noqa: PLC0415
    from gate.load_sources.port import SourceFailedError  # noqa: PLC0415

    policy = _observing(read_policy(policy_bytes(policy_path), policy_path), policy_path)
    try:
        source = source_of(policy, os.environ)
        reading = source.latest(micros(at or datetime.now(UTC)))
    except SourceFailedError as error:
        complain(f"observed load: {error}")
        return Exit.UNDECIDED
    total = reading.total
    line = NowLine(
        source=source.name,
        at=from_micros(reading.at),
        demand=None if total is None else float(total.units),
        parts=tuple(
            PartLine(zone=part.zone, culture=part.culture, demand=float(part.units))
            for part in reading.parts
        ),
    )
    if as_json:
        print_json(line)
    elif total is not None:
        click.echo(f"{source.name} at {moment(line.at)}: {line.demand:g} units")
        for part in line.parts:
            click.echo(f"  {part.demand:>12g}  {part.zone}  {part.culture}")
    if total is None:
        complain("observed load: the source says nothing")
        return Exit.UNDECIDED
    return Exit.ALLOWED


@observed.command(
    epilog="""\b
Example:
  gate observed samples --from 2026-06-13T00:00:00Z --to 2026-06-14T00:00:00Z
""",
)
@range_options
@click.option("--step", type=DURATION, default="1h", show_default=True, metavar="DURATION",
              help="Samples of so long are put together.")  # fmt: skip
@database_option
@json_option
def samples(
    start: datetime, end: datetime, step: timedelta, dsn: str | None, as_json: bool
) -> None:
    """Print the samples of booked and observed load that servers have kept, in units."""
    from gate.store.load import load_series  # noqa: PLC0415  (loads the database driver)

    checked_range(start, end)
    positive(step, "--step")
    with session(dsn) as connection:
        steps = load_series(connection, start, end, step)
    if as_json:
        print_json_array(steps)
        return
    for each in steps:
        click.echo(
            f"{moment(each.step)}  {each.source:8}  mean {each.mean_units:>10.1f}"
            f"  peak {each.peak_units:>10.1f}  {each.samples} samples"
        )


@observed.command(
    epilog="""\b
Examples:
  gate observed learn --dry-run
  gate observed learn --policy policy.yaml --by ann
""",
)
@click.option("--policy", "policy_path", type=EXISTING_FILE, metavar="FILE",
              help="The policy document; else that which is active in the database.")  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Show what would change, and write nothing.")
@by_option
@database_option
@json_option
def learn(policy_path: str | None, dry_run: bool, by: str, dsn: str | None, as_json: bool) -> None:
    """Learn the cultures' factors from the samples of booked and observed load.

    What is learnt holds from now on, within the policy's bounds, and enters the demand only where
    the policy says `load.observed.learned.use: true`. Cultures with too few samples are left out.
    """
    from gate.ledger.acts.learning import keep, proposed  # noqa: PLC0415

    act = act_of(by)
    with session(dsn) as connection:
        policy = _policy(connection, policy_path)
        learnt = proposed(connection, policy, act.now)
        written = [] if dry_run else keep(connection, act, policy, learnt)
    _show_learnt(policy, learnt, {each.culture for each in written}, as_json=as_json)


def _show_learnt(
    policy: Policy, learnt: "Sequence[Learnt]", written: set[str], *, as_json: bool
) -> None:
    lines = [
        LearntLine(
            culture=each.culture,
            own_factor=float(each.own),
            learnt_factor=float(each.factor),
            samples=each.samples,
            written=each.culture in written,
        )
        for each in learnt
    ]
    rules = policy.load.observed
    assert rules is not None
    if as_json:
        print_json_array(lines)
    elif lines:
        from rich.table import Table  # noqa: PLC0415

        table = Table(box=None, pad_edge=False)
        for heading in ("culture", "own", "learnt", "hours", ""):
            table.add_column(heading, justify="left" if heading in ("culture", "") else "right")
        for line in lines:
            table.add_row(
                line.culture, f"{line.own_factor:g}", f"{line.learnt_factor:g}",
                str(line.samples), "written" if line.written else "",
            )  # fmt: skip
        console().print(table)
    if not lines:
        complain(
            f"no culture has {rules.learned.at_least_samples} hours with booked and observed load"
        )
    elif not rules.learned.use:
        complain("the policy does not use what is learnt: load.observed.learned.use is false")


def _policy(connection: "psycopg.Connection", path: str | None) -> Policy:
    if path is not None:
        return _observing(read_policy(policy_bytes(path), path), path)
    from gate.ledger.acts.policies import active_policy  # noqa: PLC0415

    active = active_policy(connection)
    if active is None:
        raise InputError.of(
            "no policy is active in the database", field="--policy", mend="give --policy FILE"
        )
    name = f"policy version {active.version}"
    return _observing(read_policy(active.document, name), name)


def _observing(policy: Policy, name: str) -> Policy:
    if policy.load.observed is None:
        raise InputError.of(
            "the policy names no source of observed load",
            file=name,
            field="load.observed",
            mend="see docs/reference/observed-load.md",
        )
    return policy
