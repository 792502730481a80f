"""When a lock or an override ends: ``--until`` an instant, or ``--for`` a length of time."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import click

from gate.cli.options import DURATION

Decorated = Callable[..., Any]


def length_option(command: Decorated) -> Decorated:
    """``--for DURATION``."""
    return click.option(
        "--for", "length", type=DURATION, metavar="DURATION",
        help="The end as a length of time, such as 2h.",
    )(command)  # fmt: skip


def end_of(until: datetime | None, length: timedelta | None, start: datetime) -> datetime | None:
    """The end that ``--until`` or ``--for`` names; a usage error where both do."""
    if until is not None and length is not None:
        raise click.UsageError("give one of --until and --for")
    return start + length if length is not None else until
