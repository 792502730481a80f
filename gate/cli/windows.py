"""`gate windows`: the locked time of a request over a range, as text, JSON or iCalendar."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from gate.cli.opening import open_inputs
from gate.cli.options import (
    VariadicCommand,
    calendar_option,
    checked_range,
    dsn_option,
    json_option,
    policy_option,
    range_options,
)
from gate.cli.output import print_json_array, write
from gate.cli.screen import cause_words, local, show
from gate.cli.targets import request_of, target_options, target_words
from gate.core.decision import Request
from gate.core.instants import micros
from gate.core.listing import LockedStretch, locked_stretches
from gate.core.wording import lasting
from gate.core.zones import zone

if TYPE_CHECKING:
    from rich.text import Text

_EPILOG = """\b
Examples:
  gate windows --policy policy.yaml --calendar weddings.csv \\
      --from 2026-06-01T00:00:00Z --to 2026-07-01T00:00:00Z --environment production
  gate windows --policy policy.yaml --calendar weddings.csv \\
      --from 2026-06-01T00:00:00Z --to 2027-06-01T00:00:00Z --ics > locks.ics
"""


@click.command(cls=VariadicCommand, epilog=_EPILOG)
@policy_option
@calendar_option
@range_options
@target_options
@dsn_option
@click.option(
    "--format", "style", type=click.Choice(["text", "json", "ics"]), default="text",
    show_default=True, help="How to print them.",
)  # fmt: skip
@click.option("--ics", "as_ics", is_flag=True, help="Print iCalendar; the same as --format ics.")
@json_option
def windows(
    policy_path: str,
    calendar_paths: tuple[str, ...],
    start: datetime,
    end: datetime,
    action: str,
    invoker: str,
    dsn: str | None,
    style: str,
    as_ics: bool,
    as_json: bool,
    **fields: str | None,
) -> None:
    """List when changes are locked within [--from, --to), and why.

    Stretches are cut to the range; their causes are not. With a database, manual locks count.
    """
    checked_range(start, end)
    style = _style(style, as_ics=as_ics, as_json=as_json)
    inputs = open_inputs(policy_path, calendar_paths, dsn)
    request = request_of(action, invoker, fields)
    stretches = locked_stretches(inputs.timeline, request, micros(start), micros(end))
    if style == "json":
        print_json_array(stretches)
    elif style == "ics":
        from gate.cli.ics import calendar_bytes  # noqa: PLC0415  (loads a library of an extra)

        write(calendar_bytes(stretches, request, inputs.policy, stamped=datetime.now(UTC)))
    else:
        show(_lines(stretches, request, inputs.policy.timezone, (start, end)))


def _style(style: str, *, as_ics: bool, as_json: bool) -> str:
    """The one style asked for; a usage error where options contradict each other."""
    asked = {name for name, on in (("ics", as_ics), ("json", as_json)) if on}
    if style != "text":
        asked.add(style)
    if len(asked) > 1:
        raise click.UsageError("give one of --json, --ics and --format")
    return asked.pop() if asked else "text"


def _lines(
    stretches: Sequence[LockedStretch],
    request: Request,
    home: str,
    span: tuple[datetime, datetime],
) -> Iterator["Text"]:
    from rich.text import Text  # noqa: PLC0415

    there = zone(home)
    yield Text.assemble(("Locked for ", ""), (target_words(request), "bold"), f", times of {home}")
    if not stretches:
        yield Text(f"  nothing from {local(span[0], there)} to {local(span[1], there)}", "green")
    for stretch in stretches:
        line = Text()
        line.append(_edge(local(stretch.start, there), cut=stretch.start == span[0]), "bold")
        line.append(" to ")
        line.append(_edge(local(stretch.end, there), cut=stretch.end == span[1]), "bold")
        line.append(f"  {lasting(stretch.end - stretch.start)}", "cyan")
        yield line
        for cause in stretch.causes:
            yield Text(f"    {cause_words(cause, there)}")
    if any(s.start == span[0] or s.end == span[1] for s in stretches):
        yield Text("* cut to the range asked for", "dim")


def _edge(text: str, *, cut: bool) -> str:
    return f"{text}*" if cut else text
