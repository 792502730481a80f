"""`gate policy import`, `activate` and `list`: the versions of the policy in the database."""

from datetime import datetime
from typing import TYPE_CHECKING

import click
import msgspec

from gate.cli.database import act_of, by_option, database_option, session
from gate.cli.documents import policy_bytes
from gate.cli.options import EXISTING_FILE, json_option
from gate.cli.output import complain, print_json, print_json_array
from gate.cli.screen import moment
from gate.core.document import policy_warnings, read_policy

if TYPE_CHECKING:
    from gate.ledger.acts.policies import PolicyVersion


class VersionLine(msgspec.Struct, frozen=True, kw_only=True):
    """A stored version as JSON, without its document."""

    version: int
    sha256: str
    stored_by: str
    stored_at: datetime
    active: bool
    activated_by: str | None
    activated_at: datetime | None


@click.command(
    name="import",
    epilog="""\b
Examples:
  gate policy import policy.yaml
  gate policy import policy.yaml --activate --by ann
""",
)
@click.argument("path", metavar="FILE", type=EXISTING_FILE)
@click.option("--activate", is_flag=True, help="Make it the one that servers decide by.")
@by_option
@database_option
@json_option
def import_(path: str, activate: bool, by: str, dsn: str | None, as_json: bool) -> None:
    """Store FILE in the database as a version, if it is a valid policy; the same bytes once."""
    from gate.ledger.acts.policies import activate_policy, store_policy  # noqa: PLC0415

    data = policy_bytes(path)
    for warning in policy_warnings(read_policy(data, path), data, path):
        complain(f"warning: {warning}")
    act = act_of(by)
    with session(dsn) as connection, connection.transaction():
        stored = store_policy(connection, act, data)
        if activate:
            stored = activate_policy(connection, act, stored.version)
    _print_one(stored, as_json=as_json)


@click.command(
    epilog="""\b
Example:
  gate policy activate 3 --by ann
"""
)
@click.argument("version", type=click.IntRange(min=1))
@by_option
@database_option
@json_option
def activate(version: int, by: str, dsn: str | None, as_json: bool) -> None:
    """Make a stored VERSION the one that servers decide by."""
    from gate.ledger.acts.policies import activate_policy  # noqa: PLC0415

    with session(dsn) as connection:
        active = activate_policy(connection, act_of(by), version)
    _print_one(active, as_json=as_json)


@click.command(
    name="list",
    epilog="""\b
Example:
  gate policy list --json
""",
)
@database_option
@json_option
def list_(dsn: str | None, as_json: bool) -> None:
    """List the stored versions, newest first."""
    from gate.ledger.acts.policies import policies  # noqa: PLC0415

    with session(dsn) as connection:
        found = policies(connection)
    if as_json:
        print_json_array(map(_line, found))
        return
    for each in found:
        click.echo(_words(each))
    if not found:
        click.echo("no policies")


def _line(stored: "PolicyVersion") -> VersionLine:
    fields = VersionLine.__struct_fields__
    return VersionLine(**{name: getattr(stored, name) for name in fields})


def _print_one(stored: "PolicyVersion", *, as_json: bool) -> None:
    if as_json:
        print_json(_line(stored))
    else:
        click.echo(_words(stored))


def _words(stored: "PolicyVersion") -> str:
    state = click.style("active", fg="green") if stored.active else "stored"
    who = f"by {stored.stored_by} on {moment(stored.stored_at)}"
    return f"version {stored.version:<4} {state}  {stored.sha256[:12]}  {who}"
