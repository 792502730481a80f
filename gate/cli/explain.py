"""`gate explain`: the answer, why, and the next days as a picture in the terminal."""

from datetime import UTC, datetime

import click

from gate.cli.opening import open_inputs
from gate.cli.options import (
    INSTANT,
    VariadicCommand,
    calendar_option,
    dsn_option,
    json_option,
    policy_option,
)
from gate.cli.output import print_json
from gate.cli.screen import console, speaks
from gate.cli.targets import request_of, target_options
from gate.core.outlook import look_ahead
from gate.ledger.fresh_ids import Identifiers

_MAX_DAYS = 62
_EPILOG = """\b
Examples:
  gate explain --policy policy.yaml --calendar weddings.csv
  gate explain --policy policy.yaml --calendar weddings.csv \\
      --at 2026-06-13T12:00:00Z --environment production --action restart --days 7
"""


@click.command(cls=VariadicCommand, epilog=_EPILOG)
@policy_option
@calendar_option
@click.option("--at", type=INSTANT, metavar="INSTANT", help="When; default: now.")
@click.option(
    "--days", type=click.IntRange(1, _MAX_DAYS), default=14, show_default=True,
    help="Local days to show.",
)  # fmt: skip
@target_options
@dsn_option
@json_option
def explain(
    policy_path: str,
    calendar_paths: tuple[str, ...],
    at: datetime | None,
    days: int,
    action: str,
    invoker: str,
    dsn: str | None,
    as_json: bool,
    **fields: str | None,
) -> None:
    """Show whether a change may go out, why, when that changes, and the next days as a picture.

    A row is a day in the policy's home zone, a cell an hour of it. Nothing is recorded.
    """
    inputs = open_inputs(policy_path, calendar_paths, dsn, observed=True, at=at)
    request = request_of(action, invoker, fields)
    moment, name = at or datetime.now(UTC), Identifiers().next()
    outlook = look_ahead(inputs.timeline, inputs.facts, request, moment, days, name=name)
    if as_json:
        print_json(outlook)
        return
    from gate.cli.sketch import DRAWN, TYPED, draw  # noqa: PLC0415  (loads the renderer)

    draw(console(), outlook, inputs.policy, DRAWN if speaks(DRAWN.all()) else TYPED)
