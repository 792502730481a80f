"""What a timeline keeps is bounded, and changes no answer."""

import pytest

from gate.core import timeline as module
from tests.core.build import ask, request, timeline

TEXT = """\
windows:
- {name: sat, rrule: FREQ=WEEKLY;BYDAY=SA, scope: {environments: ["prod*"]}}
- {name: sun, rrule: FREQ=WEEKLY;BYDAY=SU, scope: {services: [web]}}
"""
WEDDING = ("2026-06-13", "Asia/Kolkata", "indian", 300)


def test_a_full_memory_starts_again_and_answers_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = [
        (f"{year}-06-{day}T12:00:00Z", request(environment=environment, service=service))
        for year in ("2026", "2031", "2026")
        for day in ("13", "14", "16")
        for environment in ("production", "test")
        for service in ("web", "api")
    ]
    line = timeline(TEXT, WEDDING)
    expected = [ask(line, *each) for each in asked]
    for name in ("_MAX_VIEWS", "_MAX_SCOPES", "_MAX_SPANS"):
        monkeypatch.setattr(module, name, 1)
    small = timeline(TEXT, WEDDING)
    assert [ask(small, *each) for each in asked] == expected
    assert max(len(small._views), len(small._meets), len(small._windows)) == 1
