"""The step's summary: the decision as a table, two weeks as a picture, never too long."""

from datetime import datetime
from typing import Any

import pytest
from markdown_it import MarkdownIt
from msgspec.structs import replace

from gate.core.decide import decide
from gate.core.decision import Decision, ManualLock, Reason, Request
from gate.core.instants import micros
from gate.core.listing import locked_stretches
from gate.core.outlook import days_ahead
from gate.core.policy import Action, Policy
from gate.github.action.picture import picture
from gate.github.action.summary import Told, comment, summary
from tests.action.support import LOCKED, Workspace, frozen
from tests.cli.support import instant, policy_of, timeline_of

SATURDAYS = 'lead: 2h\nwindows: [{name: saturday, rrule: "FREQ=WEEKLY;BYDAY=SA", zones: [home]}]\n'
DEPLOY = Request(action=Action.DEPLOY, invoker="automation")
RENDER = MarkdownIt("commonmark").enable("table")


def drawn(policy: Policy, at: str, request: Request = DEPLOY, **more: Any) -> list[str]:
    timeline, _ = timeline_of(policy, **more)
    now = instant(at)
    days = days_ahead(timeline, request, now, 14)
    end = days[-1].cells[-1].end
    locked = locked_stretches(timeline, request, micros(now), micros(end))
    return picture(days, locked, request, policy, now)


def decided(policy: Policy, at: str, request: Request = DEPLOY, **more: Any) -> Decision:
    timeline, facts = timeline_of(policy, **more)
    return decide(timeline, facts, request, instant(at), id="0197")


def row(lines: list[str], label: str) -> list[str]:
    line = next(line for line in lines if label in line)
    return [cell.strip().replace("\u2060", "") for cell in line.strip("|").split("|")]


def test_a_row_is_a_day_and_a_mark_an_hour() -> None:
    lines = drawn(policy_of(SATURDAYS), "2026-06-10T12:00:00Z")
    assert len([line for line in lines if "Jun |" in line or "Jun**" in line]) == 14
    assert row(lines, "Thu 11 Jun")[1:5] == ["🟩" * 6] * 4
    assert row(lines, "Fri 12 Jun")[1:5] == [*["🟩" * 6] * 3, "🟩🟩🟩🟩🔶🔶"]
    assert row(lines, "Sat 13 Jun")[1:5] == ["🟥" * 6] * 4
    assert "too near a lock" in "".join(lines)
    assert "load" not in lines[-1]


def test_hours_that_are_over_are_shown_as_such_today_only() -> None:
    lines = drawn(policy_of(SATURDAYS), "2026-06-10T12:30:00Z")
    today = row(lines, "Wed 10 Jun")
    assert today[0] == "**Wed 10 Jun** ◀"
    assert "".join(today[1:5]) == "◽" * 13 + "🟩" * 11
    assert "◽" not in row(lines, "Thu 11 Jun")[1]


@pytest.mark.parametrize(
    ("at", "label", "first", "note"),
    [
        ("2026-03-25T12:00:00Z", "Sun 29 Mar", "🟩◾🟩🟩🟩🟩", "23 hours: the clock goes forward"),
        ("2026-10-21T12:00:00Z", "Sun 25 Oct", "🟩🟩🟩🟩🟩🟩🟩", "25 hours: the clock goes back"),
    ],
)
def test_a_change_of_the_clock_is_seen(at: str, label: str, first: str, note: str) -> None:
    lines = drawn(policy_of(SATURDAYS), at)
    assert row(lines, f"{label} |")[1] == first
    assert any(note in line for line in lines)


def test_a_date_that_the_zone_skipped_has_a_row_of_words() -> None:
    policy = policy_of("timezone: Pacific/Apia\nwindows: []\n")
    assert "skips this date" in row(drawn(policy, "2011-12-28T12:00:00Z"), "Fri 30 Dec")[1]


def test_what_a_lock_allows_is_said_in_the_legend() -> None:
    request = Request(action=Action.ROLLBACK, invoker="automation")
    legend = next(
        line for line in drawn(policy_of(SATURDAYS), "2026-06-10T12:00:00Z", request)
        if line.startswith("🟩")
    )  # fmt: skip
    assert "locked (rollback stays allowed) by 🟥 window" in legend


def test_load_and_manual_locks_have_marks_of_their_own() -> None:
    lock = ManualLock(
        id="x", start=instant("2026-06-16T00:00:00Z"), end=instant("2026-06-16T12:00:00Z"),
        by="bob", reason="the cake",
    )  # fmt: skip
    weddings = (("2026-06-20", "Europe/London", 200_000),)
    lines = drawn(
        policy_of("windows: []\n"), "2026-06-10T12:00:00Z", weddings=weddings, locks=(lock,)
    )
    assert "🔷" in row(lines, "Tue 16 Jun")[1]
    assert "🟪" in "".join(row(lines, "Sat 20 Jun")[1:5])
    assert " of 50 MAXIMUM" in row(lines, "Sat 20 Jun")[5]
    assert any("by hand" in line for line in lines if line.startswith("- "))


def test_the_table_has_what_a_reader_asks() -> None:
    policy = policy_of(SATURDAYS + "override: {roles: [sre-lead]}\n")
    decision = decided(policy, "2026-06-13T12:00:00Z")
    told = Told(decision=decision, policy=policy, has_record=True)
    text = summary(told, ["the picture"])
    assert text.startswith("## ⛔ Saturday Gate: deploy denied until Sun 14 Jun 2026 00:00 +0100")
    tokens = [token.content for token in RENDER.parse(text) if token.type == "inline"]
    assert tokens[1:3] == ["verdict", "**deny**, effect **block**"]
    for label in ("change", "at", "phase", "why", "locked until", "next change", "what to do",
                  "load", "recorded", "policy"):  # fmt: skip
        assert label in tokens, label
    assert "`gate override grant --actions deploy" in text
    assert "the picture" in text


def test_a_comment_is_short_and_says_what_it_waits_for() -> None:
    policy = policy_of(SATURDAYS)
    decision = decided(policy, "2026-06-13T12:00:00Z")
    told = Told(decision=decision, policy=policy, has_record=False)
    text = comment(told, "waiting until *then*", "https://github.com/a/b/actions/runs/1")
    assert "⏳ waiting until \\*then\\*" in text
    assert "[the run](https://github.com/a/b/actions/runs/1)" in text
    assert "⏳" not in comment(told, None, None)


def test_neither_grows_without_bound() -> None:
    policy = policy_of(SATURDAYS)
    usual = decided(policy, "2026-06-13T12:00:00Z")
    long = "`|" * 50_000
    reasons = tuple(Reason(code="window", window=long, message=long) for _ in range(500))
    request = Request(
        action=Action.DEPLOY, invoker="automation", environment=long, namespace=long,
        service=long, repository=long, actor=long,
    )  # fmt: skip
    decision = replace(usual, reasons=reasons, request=request, id=long)
    told = Told(decision=decision, policy=policy, has_record=True, problems=(long,) * 500)
    assert len(summary(told, []).encode()) < 200_000
    assert len(comment(told, None, None)) < 65_536
    told = replace(told, problems=())
    assert len(summary(told, []).encode()) < 200_000
    assert len(comment(told, None, None)) < 65_536


def test_a_process_appends_to_the_summary_of_the_step(workspace: Workspace) -> None:
    (workspace.folder / "summary").write_text("before\n")
    workspace.write(frozen(*LOCKED))
    text = workspace.run().summary
    assert text.startswith("before\n## ⛔ Saturday Gate")
    assert text.count("\n| ") > 20
    assert "### The coming two weeks" in text


def test_a_decision_without_its_policy_is_told_in_utc() -> None:
    decision = decided(policy_of(SATURDAYS), "2026-06-13T12:00:00Z")
    text = summary(Told(decision=decision, policy=None, has_record=True), [])
    assert "2026-06-13T23:00:00Z" in text
    assert "still allowed" not in text
    assert isinstance(decision.at, datetime)
