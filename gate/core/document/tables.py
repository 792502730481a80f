"""Tables of expected verdicts, kept beside a policy: the document of `gate policy test`."""

from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from gate.core.decision import Effect, Level, Phase, Request, Verdict
from gate.core.policy import Action

if TYPE_CHECKING:
    from gate.core.document.table_schema import CaseSection


class Expected(msgspec.Struct, frozen=True, kw_only=True):
    """What a decision must say; None: anything."""

    verdict: Verdict
    phase: Phase | None = None
    effect: Effect | None = None
    level: Level | None = None


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One question (``at`` in UTC) and its answer; ``line`` is where it stands in the file."""

    line: int
    name: str | None
    at: datetime
    request: Request
    expect: Expected


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """The cases; paths are as written, to be read from the table's own folder."""

    policy: str | None
    calendars: tuple[str, ...]
    cases: tuple[Case, ...]


def read_table(data: bytes, file: str) -> Table:
    """The table that a document's bytes mean; raises `InputError` with all problems."""
    # Imported here so that whoever imports this module does not pay for pydantic.
    from gate.core.document.table_schema import TableDocument  # noqa: PLC0415
    from gate.core.document.tree import read_tree  # noqa: PLC0415
    from gate.core.document.validate import validate  # noqa: PLC0415

    tree = read_tree(data, file)
    document = validate(tree, TableDocument, file)
    return Table(
        policy=document.policy,
        calendars=tuple(document.calendars),
        cases=tuple(
            _case(case, tree.where(("cases", at))[1]) for at, case in enumerate(document.cases)
        ),
    )


def _case(case: "CaseSection", line: int) -> Case:
    return Case(
        line=line,
        name=case.name,
        at=case.at,
        request=Request(
            action=Action(case.action),
            invoker=case.invoker,
            environment=case.environment or None,
            namespace=case.namespace or None,
            service=case.service or None,
            repository=case.repository or None,
        ),
        expect=_expected(case),
    )


def _expected(case: "CaseSection") -> Expected:
    if isinstance(case.expect, str):
        return Expected(verdict=Verdict(case.expect))
    wanted = case.expect
    return Expected(
        verdict=Verdict(wanted.verdict),
        phase=Phase(wanted.phase) if wanted.phase else None,
        effect=Effect(wanted.effect) if wanted.effect else None,
        level=Level(wanted.level) if wanted.level else None,
    )
