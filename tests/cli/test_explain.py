"""`gate explain` as a command."""

import re

import pytest

from tests.cli.conftest import Gate
from tests.cli.support import INPUTS


def test_it_draws_the_answer_and_the_days(gate: Gate) -> None:
    ended = gate("explain", *INPUTS, "--at", "2026-06-13T07:00:00Z", "--environment", "production")
    assert (ended.code, ended.err) == (0, "")
    lines = ended.out.splitlines()
    assert lines[0] == " NO  deploy by automation to environment production"
    assert sum(re.match(r" \w{3} \d\d Jun [·╱█▒○]{24} ", line) is not None for line in lines) == 14
    assert "\x1b" not in ended.out
    assert max(map(len, lines)) <= 80


def test_its_json_holds_the_decision_and_every_hour(gate: Gate) -> None:
    ended = gate("explain", *INPUTS, "--at", "2026-10-24T12:00:00Z", "--days", "2", "--json")
    found = ended.json
    assert set(found) == {"decision", "timezone", "locked", "days"}
    assert found["decision"]["verdict"] == "deny"
    assert found["decision"]["recorded"] is False
    assert found["timezone"] == "Europe/London"
    assert [len(day["cells"]) for day in found["days"]] == [24, 25]
    assert found["days"][1]["cells"][1]["hour"] == found["days"][1]["cells"][2]["hour"] == 1
    assert set(found["days"][0]["cells"][0]) == {
        "start", "end", "hour", "state", "level", "demand", "needed",
    }  # fmt: skip


def test_without_at_it_is_about_now(gate: Gate) -> None:
    assert gate("explain", *INPUTS, "--days", "1").out.count("here, ") == 1


def test_days_have_limits(gate: Gate) -> None:
    for days in ("0", "63", "x"):
        ended = gate("explain", *INPUTS, "--days", days)
        assert (ended.code, ended.out) == (2, "")
        assert "--days" in ended.err


def test_colour_comes_when_it_is_asked_for_and_no_color_wins(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = ("--at", "2026-06-13T07:00:00Z")
    plain = gate("explain", *INPUTS, *at).out
    monkeypatch.setenv("FORCE_COLOR", "1")
    coloured = gate("explain", *INPUTS, *at).out
    assert "\x1b[31m" in coloured
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[31m" not in gate("explain", *INPUTS, *at).out
    assert plain.splitlines()[0] == " NO  deploy by automation"
