"""`gate policy test`: a table of instants, requests and the verdicts that people expect."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from gate.cli.documents import policy_bytes
from gate.cli.exits import Exit
from gate.cli.options import EXISTING_FILE, VariadicCommand, json_option
from gate.cli.output import print_json
from gate.cli.screen import show
from gate.core.decide import Facts
from gate.core.decision import CalendarRef, Decision, Effect, Level, Phase, Verdict
from gate.core.demand import DemandBuilder
from gate.core.document import Case, Expected, Table, read_policy, read_table
from gate.core.problems import InputError
from gate.core.timeline import compile_timeline
from gate.inputs import Compiled, compile_inputs

if TYPE_CHECKING:
    from rich.text import Text

_ASPECTS = ("verdict", "phase", "effect", "level")


class Got(msgspec.Struct, frozen=True, kw_only=True):
    """What the policy answers."""

    verdict: Verdict
    phase: Phase | None
    effect: Effect
    level: Level | None


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """One case: what was expected, what came, and why."""

    line: int
    name: str | None
    ok: bool
    expected: Expected
    got: Got
    why: tuple[str, ...]


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """All cases of a table."""

    ok: bool
    passed: int
    failed: int
    cases: tuple[Result, ...]


@click.command(
    cls=VariadicCommand,
    epilog="""\b
Examples:
  gate policy test policy-tests.yaml
  gate policy test policy-tests.yaml --policy draft.yaml --calendar weddings.csv
""",
)
@click.argument("path", metavar="FILE", type=EXISTING_FILE)
@click.option(
    "--policy", "policy_path", type=EXISTING_FILE, metavar="FILE",
    help="Test this policy in place of the table's own.",
)  # fmt: skip
@click.option(
    "--calendar", "calendar_paths", type=EXISTING_FILE, multiple=True, metavar="FILE…",
    help="Use these calendars in place of the table's own; repeatable.",
)  # fmt: skip
@json_option
def test(path: str, policy_path: str | None, calendar_paths: tuple[str, ...], as_json: bool) -> int:
    """Answer each case of the table in FILE and compare with what it expects.

    FILE names its policy and calendars relative to itself; without calendars there is no wedding.

    Exit codes: 0 every case holds, 2 bad input, 3 some case does not hold.
    """
    table = read_table(policy_bytes(path), path)
    inputs = _inputs(path, table, policy_path, calendar_paths)
    results = tuple(_result(case, inputs) for case in table.cases)
    failed = sum(not result.ok for result in results)
    if as_json:
        print_json(
            Report(ok=not failed, passed=len(results) - failed, failed=failed, cases=results)
        )
    else:
        show(_lines(results, failed))
    return Exit.DENIED if failed else Exit.ALLOWED


def _inputs(
    path: str, table: Table, policy_path: str | None, calendar_paths: Sequence[str]
) -> Compiled:
    """The policy and calendars to test; InputError where the table names what is not there."""
    folder = Path(path).parent
    if policy_path is None:
        if table.policy is None:
            raise InputError.of(
                "names no policy", file=path, field="policy",
                mend="write `policy: FILE` into the table, or give --policy FILE",
            )  # fmt: skip
        policy_path = _beside(folder, table.policy, path, "policy")
    calendars = list(calendar_paths) or [
        _beside(folder, name, path, f"calendars[{at}]") for at, name in enumerate(table.calendars)
    ]
    if calendars:
        return compile_inputs(policy_path, calendars)
    found = read_policy(policy_bytes(policy_path), policy_path)
    empty = DemandBuilder(found.load).build()
    facts = Facts(calendar=CalendarRef(sha256=None, weddings=0))
    return Compiled(timeline=compile_timeline(found, empty), facts=facts)


def _beside(folder: Path, name: str, table: str, field: str) -> str:
    found = folder / name
    if not found.exists() or found.is_dir():
        raise InputError.of(
            f"{name!r} is no file beside the table", file=table, field=field,
            mend="name a file relative to the table's folder",
        )  # fmt: skip
    return str(found)


def _result(case: Case, inputs: Compiled) -> Result:
    decision = inputs.decide(case.request, case.at)
    return Result(
        line=case.line,
        name=case.name,
        ok=not _differences(case.expect, decision),
        expected=case.expect,
        got=Got(
            verdict=decision.verdict,
            phase=decision.phase,
            effect=decision.effect,
            level=decision.level,
        ),
        why=tuple(str(reason.message) for reason in decision.reasons),
    )


def _differences(expected: Expected, got: Decision | Got) -> list[str]:
    """The aspects that were named and came out otherwise."""
    return [
        aspect
        for aspect in _ASPECTS
        if getattr(expected, aspect) not in (None, getattr(got, aspect))
    ]


def _lines(results: Sequence[Result], failed: int) -> Iterator["Text"]:
    from rich.text import Text  # noqa: PLC0415

    for result in results:
        mark = ("ok   ", "green") if result.ok else ("FAILS", "bold red")
        name = result.name or "(no name)"
        yield Text.assemble(mark, f" line {result.line:<4} {name}")
        if result.ok:
            continue
        for aspect in _differences(result.expected, result.got):
            line = Text(f"      {aspect}: expected ")
            line.append(str(getattr(result.expected, aspect)), "bold").append(", got ")
            yield line.append(str(getattr(result.got, aspect)), "bold red")
        for why in result.why:
            yield Text(f"      {why}", "dim")
    total = Text(f"{len(results)} cases: ").append(f"{len(results) - failed} hold", "green")
    if failed:
        total.append(", ").append(f"{failed} do not", "bold red")
    yield total
