"""Tables of expected verdicts, as `gate policy test` reads them."""

from datetime import UTC, datetime

import pytest

from gate.core.decision import Effect, Level, Phase, Request, Verdict
from gate.core.document import Case, Expected, Table, read_table
from gate.core.policy import Action
from tests.document.documents import problems


def test_a_table_is_read() -> None:
    text = """
policy: policy.yaml
calendars: [june.csv, july.csv]
cases:
  - at: 2026-06-13T13:00:00+01:00
    expect: deny
  - name: people may restart
    at: 2026-06-13T12:00:00Z
    action: restart
    invoker: human
    environment: production
    namespace: weddings
    service: rsvp
    repository: acme/rsvp
    expect: {verdict: allow, phase: lead, effect: warn, level: HIGH}
"""
    noon = datetime(2026, 6, 13, 12, tzinfo=UTC)
    assert read_table(text.encode(), "cases.yaml") == Table(
        policy="policy.yaml",
        calendars=("june.csv", "july.csv"),
        cases=(
            Case(
                line=5,
                name=None,
                at=noon,
                request=Request(action=Action.DEPLOY, invoker="automation"),
                expect=Expected(verdict=Verdict.DENY),
            ),
            Case(
                line=7,
                name="people may restart",
                at=noon,
                request=Request(
                    action=Action.RESTART,
                    invoker="human",
                    environment="production",
                    namespace="weddings",
                    service="rsvp",
                    repository="acme/rsvp",
                ),
                expect=Expected(
                    verdict=Verdict.ALLOW, phase=Phase.LEAD, effect=Effect.WARN, level=Level.HIGH
                ),
            ),
        ),
    )


def test_a_table_in_json_needs_nothing_but_cases() -> None:
    text = '{"cases": [{"at": "2026-06-13T12:00:00Z", "expect": "undecided", "service": ""}]}'
    table = read_table(text.encode(), "cases.json")
    assert (table.policy, table.calendars) == (None, ())
    assert table.cases[0].request.service is None
    assert table.cases[0].expect == Expected(verdict=Verdict.UNDECIDED)


CASE = "at: 2026-06-13T12:00:00Z, expect: deny"


@pytest.mark.parametrize(
    ("text", "line", "field", "words"),
    [
        ("cases: []\n", 1, "cases", "is empty"),
        ("policy: p.yaml\n", 1, "cases", "is missing"),
        ("cases:\n- {expect: deny}\n", 2, "cases[0].at", "is missing"),
        ("cases:\n- {at: 2026-06-13T12:00:00Z}\n", 2, "cases[0].expect", "is missing"),
        ("cases:\n- {at: 2026-06-13T12:00:00, expect: deny}\n", 2, "cases[0].at", "no offset"),
        ("cases:\n- {at: 2026-06-13T12:00:00Z, expect: denied}\n", 2, "cases[0].expect",
         "did you mean `deny`?"),
        ("cases:\n- at: 2026-06-13T12:00:00Z\n  expect:\n    phase: locked\n", 3,
         "cases[0].expect.verdict", "is missing"),
        ("cases:\n- at: 2026-06-13T12:00:00Z\n  expect:\n    verdict: deny\n    phase: lock\n", 5,
         "cases[0].expect.phase", "did you mean `locked`?"),
        ("cases:\n- at: 2026-06-13T12:00:00Z\n  expect: {verdict: deny, levle: HIGH}\n", 3,
         "cases[0].expect.levle", "did you mean `level`?"),
        (f"cases:\n- {{{CASE}, action: deployment}}\n", 2, "cases[0].action", "`deploy`"),
        (f"cases:\n- {{{CASE}, invoker: ci}}\n", 2, "cases[0].invoker", "`human` or `automation`"),
        (f"cases:\n- {{{CASE}, enviroment: x}}\n", 2, "cases[0].enviroment",
         "did you mean `environment`?"),
        (f"cases:\n- {{{CASE}, service: ~}}\n", 2, "cases[0].service", "is null"),
        (f"cases:\n- {{{CASE}}}\ncalendars: a.csv\n", 3, "calendars", "must be a list"),
    ],
)  # fmt: skip
def test_a_bad_table_is_refused_with_line_and_path(
    text: str, line: int, field: str, words: str
) -> None:
    (found,) = problems(text, read_table)
    assert found[:2] == (line, field)
    assert words in found[2]
