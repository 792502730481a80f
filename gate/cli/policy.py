"""`gate policy`: judge, show and test policy documents."""

from collections.abc import Sequence
from typing import Any

import click
import msgspec

from gate.cli import policy_store, policy_tables
from gate.cli.documents import policy_bytes
from gate.cli.exits import Exit
from gate.cli.options import EXISTING_FILE, json_option
from gate.cli.output import complain, print_json, write
from gate.core.document import (
    policy_document,
    policy_json,
    policy_schema,
    policy_warnings,
    read_policy,
)
from gate.core.policy import Policy
from gate.core.problems import InputError, Problem

_FILE = click.argument("path", metavar="FILE", type=EXISTING_FILE)


class Judgement(msgspec.Struct, frozen=True, kw_only=True):
    """What `gate policy validate --json` says of a document."""

    valid: bool
    name: str | None = None
    sha256: str | None = None
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()


@click.group()
def policy() -> None:
    """Judge, show and test policy documents."""


@policy.command(
    epilog="""\b
Example:
  gate policy validate policy.yaml
"""
)
@_FILE
@json_option
def validate(path: str, as_json: bool) -> int:
    """Say whether FILE is a valid policy, and every problem where it is not.

    Exit codes: 0 valid (warnings are on standard error), 2 not valid.
    """
    data = policy_bytes(path)
    try:
        found = read_policy(data, path)
        warnings = policy_warnings(found, data, path)
    except InputError as error:
        if as_json:
            print_json(Judgement(valid=False, problems=error.problems))
        raise
    for warning in warnings:
        complain(f"warning: {warning}")
    if as_json:
        print_json(
            Judgement(valid=True, name=found.name, sha256=found.sha256, warnings=tuple(warnings))
        )
    else:
        click.echo(f"{path}: a valid policy{_summary(found)}")
    return Exit.ALLOWED


@policy.command(
    epilog="""\b
Examples:
  gate policy show policy.yaml
  gate policy show policy.yaml --format yaml
"""
)
@_FILE
@click.option(
    "--format", "style", type=click.Choice(["json", "yaml"]), default="json", show_default=True,
    help="How to print it.",
)  # fmt: skip
@json_option
def show(path: str, style: str, as_json: bool) -> None:
    """Print FILE with every default filled in: a policy that means the same."""
    data = policy_bytes(path)
    if style == "yaml" and not as_json:
        click.echo(_yaml(policy_document(data, path)), nl=False)
    else:
        click.echo(policy_json(data, path).rstrip("\n"))


@policy.command(
    epilog="""\b
Example:
  gate policy schema > policy.schema.json
"""
)
@json_option
def schema(as_json: bool) -> None:
    """Print the JSON Schema of the policy document, for editors and other checkers."""
    del as_json  # it is JSON in any case
    write(msgspec.json.format(msgspec.json.encode(policy_schema()), indent=2) + b"\n")


for _command in (
    policy_tables.test,
    policy_store.import_,
    policy_store.activate,
    policy_store.list_,
):
    policy.add_command(_command)


def _summary(found: Policy) -> str:
    names: Sequence[str] = [window.name for window in found.windows]
    named = f" {found.name}" if found.name else ""
    windows = f"windows {', '.join(names)}" if names else "no windows"
    return f"{named}: {windows}; level lock at {found.level_lock.at}; mode {found.mode}"


def _yaml(document: dict[str, Any]) -> str:
    """YAML whose text stays text under YAML 1.1 readers, too."""
    from decimal import Decimal  # noqa: PLC0415

    import yaml  # noqa: PLC0415  (slow to load)

    class Dumper(yaml.SafeDumper):
        pass

    def number(dumper: Dumper, value: Decimal) -> yaml.Node:
        return dumper.represent_scalar("tag:yaml.org,2002:float", f"{value:f}")

    Dumper.add_representer(Decimal, number)
    text: str = yaml.dump(document, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=100)
    return text
