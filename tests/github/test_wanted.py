"""The words on a pull request."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from gate.core.decision import (
    AppliedOverride,
    CalendarRef,
    Decision,
    Effect,
    Phase,
    PolicyRef,
    Reason,
    Request,
    Verdict,
)
from gate.core.policy import Action
from gate.github.checks.wanted import LONGEST_DESCRIPTION, wanted

AT = datetime(2026, 3, 28, 12, tzinfo=UTC)
DENIED = Decision(
    id="d",
    at=AT,
    verdict=Verdict.DENY,
    effect=Effect.BLOCK,
    phase=Phase.LOCKED,
    level=None,
    request=Request(action=Action.DEPLOY, invoker="automation"),
    reasons=(Reason(code="window", end=AT + timedelta(days=2), message="window w"),),
    locked_from=AT,
    locked_until=AT + timedelta(days=2),
    next_change=AT + timedelta(days=2),
    load=None,
    override=None,
    policy=PolicyRef(name=None, sha256=None),
    calendar=CalendarRef(sha256=None, weddings=None),
    tzdata="",
)


def changed(**fields: object) -> Decision:
    return msgspec.structs.replace(DENIED, **fields)


def test_the_reopening_has_the_offset_of_its_own_date() -> None:
    made = wanted(DENIED, "Europe/London")
    assert made.title == "Locked until Mon 30 Mar 2026 13:00 +0100 (2026-03-30T12:00:00Z)"
    assert made.description == made.title
    assert made.blocked
    assert (made.check_state, made.status_state) == ("in_progress", "pending")


def test_an_end_that_is_not_known() -> None:
    bare = changed(next_change=None, locked_until=None)
    assert "400 days" in wanted(bare, "UTC").title
    lock = Reason(code="manual-lock", end=None, message="locked by ann")
    assert "released" in wanted(msgspec.structs.replace(bare, reasons=(lock,)), "UTC").title


@pytest.mark.parametrize(
    ("verdict", "effect", "blocked", "words"),
    [
        (Verdict.UNDECIDED, Effect.BLOCK, True, "could not decide"),
        (Verdict.UNDECIDED, Effect.WARN, False, "only warns"),
        (Verdict.DENY, Effect.WARN, False, "only warns"),
        (Verdict.DENY, Effect.ALLOW, False, "may go out"),
        (Verdict.ALLOW, Effect.ALLOW, False, "may go out"),
    ],
)
def test_only_a_block_is_pending(
    verdict: Verdict, effect: Effect, blocked: bool, words: str
) -> None:
    made = wanted(changed(verdict=verdict, effect=effect), None)
    assert made.blocked is blocked
    assert words in made.title


def test_texts_stay_within_githubs_limits_and_mention_nobody() -> None:
    evil = "`x` @acme/all\n::set-output name=a::b" + "y" * 5000
    reasons = tuple(Reason(code="window", message=evil) for _ in range(200))
    made = wanted(changed(reasons=reasons), "Europe/London")
    assert len(made.description) <= LONGEST_DESCRIPTION
    assert len(made.summary) < 65_535
    assert "and 180 more" in made.summary
    for line in made.summary.splitlines():
        if "@acme" in line:
            assert line.startswith("- `")
            assert line.endswith("`")
            assert line.count("`") == 2
    assert "\n::" not in made.summary


def test_an_override_is_named() -> None:
    override = AppliedOverride(
        id="o", by="ann", reason="broken", until=AT + timedelta(hours=1), approved_by=()
    )
    made = wanted(changed(effect=Effect.ALLOW, override=override), "UTC")
    assert "override by ann" in made.summary
