"""`gate calendar`: judge calendar files, and bring them into the database."""

from collections.abc import Sequence
from datetime import date

import click
import msgspec

from gate.calendars import LoadedCalendar, read_calendars
from gate.cli import calendar_store
from gate.cli.documents import load_model
from gate.cli.exits import Exit
from gate.cli.options import EXISTING_FILE, json_option
from gate.cli.output import complain, count, print_json
from gate.cli.progress import counting
from gate.core.problems import InputError, Problem

_FILES = click.argument("paths", metavar="FILE…", type=EXISTING_FILE, nargs=-1, required=True)


class Judgement(msgspec.Struct, frozen=True, kw_only=True):
    """What `gate calendar validate --json` says; dates are the first and last local ones."""

    valid: bool
    sha256: str | None = None
    weddings: int | None = None
    zones: int | None = None
    first_date: date | None = None
    last_date: date | None = None
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()


@click.group()
def calendar() -> None:
    """Judge calendar files, and bring them into the database."""


@calendar.command(
    epilog="""\b
Examples:
  gate calendar validate weddings.csv
  gate calendar validate june.csv july.json --policy policy.yaml
"""
)
@_FILES
@click.option(
    "--policy", "policy_path", type=EXISTING_FILE, metavar="FILE",
    help="Judge cultures by this policy; default: the built-in ones.",
)  # fmt: skip
@json_option
def validate(paths: tuple[str, ...], policy_path: str | None, as_json: bool) -> int:
    """Say whether the FILEs are one valid calendar, and every problem where they are not.

    Exit codes: 0 valid (warnings are on standard error), 2 not valid.
    """
    load = load_model(policy_path)
    try:
        with counting("weddings read") as advance:
            loaded = read_calendars(paths, load, advance)
    except InputError as error:
        if as_json:
            print_json(Judgement(valid=False, problems=error.problems))
        raise
    for warning in loaded.warnings:
        complain(f"warning: {warning}")
    judgement = _judged(loaded)
    if as_json:
        print_json(judgement)
    else:
        click.echo(_summary(paths, judgement))
    return Exit.ALLOWED


for _command in (calendar_store.import_, calendar_store.list_):
    calendar.add_command(_command)


def _judged(loaded: LoadedCalendar) -> Judgement:
    presence = loaded.calendar.presence
    firsts = [runs[0][0] for runs in presence.values() if runs]
    afters = [runs[-1][1] for runs in presence.values() if runs]
    return Judgement(
        valid=True,
        sha256=loaded.sha256,
        weddings=loaded.calendar.weddings,
        zones=len(presence),
        first_date=date.fromordinal(min(firsts)) if firsts else None,
        last_date=date.fromordinal(max(afters) - 1) if afters else None,
        warnings=loaded.warnings,
    )


def _summary(paths: Sequence[str], found: Judgement) -> str:
    name = paths[0] if len(paths) == 1 else f"{len(paths)} files"
    if not found.weddings:
        return f"{name}: a valid calendar without weddings"
    return (
        f"{name}: a valid calendar of {count(found.weddings, 'wedding')}"
        f" in {count(found.zones or 0, 'time zone')},"
        f" {found.first_date} to {found.last_date}"
    )
