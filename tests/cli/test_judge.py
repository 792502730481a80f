"""What a judge answers where the ledger refuses or is gone."""

from collections.abc import Sequence
from typing import cast

from gate.cli.judge import Judge
from gate.cli.recorder import Recorder
from gate.core.decide import Facts
from gate.core.decision import CalendarRef, Decision
from gate.core.instants import parse_instant
from gate.core.problems import InputError
from gate.inputs import Compiled
from gate.store import StoreUnavailable
from tests.core.build import request, timeline

TUESDAY = parse_instant("2026-06-16T12:00:00Z")


class Ledger:
    """Stands for a ledger that refuses the decisions of one service, or is gone."""

    def __init__(self, refused: str, error: Exception) -> None:
        self.kept: list[str] = []
        self._refused = refused
        self._error = error
        self._last = 0

    def next_id(self) -> str:
        self._last += 1
        return f"id-{self._last}"

    def record(self, decisions: Sequence[Decision]) -> None:
        if any(decision.request.service == self._refused for decision in decisions):
            raise self._error
        self.kept += [decision.id for decision in decisions]


def answers(ledger: Ledger) -> list[tuple[str, str, bool]]:
    line = timeline()
    facts = Facts(calendar=CalendarRef(sha256=None, weddings=0))
    inputs = Compiled(timeline=line, facts=facts)
    judge = Judge(inputs, recorder=cast("Recorder", ledger))
    asked = [judge(request(service=name), TUESDAY) for name in ("web", "huge", "api")]
    given = judge.record(asked)
    assert [d.request.service for d in given] == ["web", "huge", "api"]
    return [(d.verdict, d.reasons[0].code if d.reasons else "", d.recorded) for d in given]


def test_a_decision_that_the_ledger_refuses_takes_no_other_with_it() -> None:
    ledger = Ledger("huge", InputError.of("a payload of more than a mebibyte"))
    assert answers(ledger) == [
        ("allow", "", True),
        ("undecided", "store-unavailable", False),
        ("allow", "", True),
    ]
    assert ledger.kept == ["id-1", "id-3"]


def test_a_ledger_that_is_gone_leaves_all_undecided() -> None:
    ledger = Ledger("huge", StoreUnavailable("gone"))
    assert {answer[0] for answer in answers(ledger)} == {"undecided"}
    assert ledger.kept == []
