"""Which override turns a denial into an allow, and which must not."""

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from gate.core.decision import Approval, Override
from gate.core.policy import Action, Scope
from tests.core.build import ask, request, timeline

AT = "2026-06-13T12:00:00Z"
NOON = datetime(2026, 6, 13, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
GOOD = Override(
    id="o-1", by="ann", roles=("sre-lead",), reason="payments are down",
    granted_at=NOON - HOUR, until=NOON + HOUR,
    approvals=(Approval(by="bea", at=NOON - HOUR / 2),),
)  # fmt: skip


def effect(override: Override, invoker: str = "human", text: str = "", **fields: str) -> str:
    line = timeline("level_lock: {at: never}\n" + text)
    decision = ask(line, AT, request(invoker=invoker, **fields), (override,))
    assert decision.verdict == "deny"
    assert (decision.override is not None) == (decision.effect == "allow")
    return decision.effect


def test_a_valid_override_allows_and_is_shown() -> None:
    line = timeline("level_lock: {at: never}\n")
    decision = ask(line, AT, request(invoker="human"), (GOOD,))
    assert (decision.verdict, decision.effect) == ("deny", "allow")
    assert decision.override is not None
    assert (decision.override.id, decision.override.approved_by) == ("o-1", ("bea",))
    assert decision.override.until == NOON + HOUR


@pytest.mark.parametrize(
    "changes",
    [
        {"roles": ("developer",)},
        {"approvals": ()},
        {"approvals": (Approval(by="ann", at=NOON - HOUR),)},
        {"approvals": (Approval(by="bea", at=NOON + HOUR / 2),)},
        {"until": NOON},
        {"granted_at": NOON + HOUR / 2},
        {"granted_at": NOON - 5 * HOUR},
        {"actions": (Action.CONFIG,)},
        {"scope": Scope(environments=("staging",))},
        {"scope": Scope(environments=("prod*",), services=("web",))},
    ],
)
def test_any_defect_makes_it_void(changes: dict[str, object]) -> None:
    assert effect(replace(GOOD, **changes), environment="production") == "block"


def test_it_applies_where_scope_and_action_fit() -> None:
    narrow = replace(GOOD, actions=(Action.DEPLOY,), scope=Scope(environments=("prod*",)))
    assert effect(narrow, environment="production") == "allow"
    assert effect(narrow) == "block"


def test_automation_needs_the_policy_s_word() -> None:
    assert effect(GOOD, invoker="automation") == "block"
    assert effect(GOOD, invoker="automation", text="override: {automation: true}\n") == "allow"


def test_the_policy_says_how_many_must_approve_and_how_long_it_lasts() -> None:
    assert effect(GOOD, text="override: {approvals: 2}\n") == "block"
    both = replace(GOOD, approvals=(*GOOD.approvals, Approval(by="cy", at=NOON - HOUR / 2)))
    assert effect(both, text="override: {approvals: 2}\n") == "allow"
    twice = replace(GOOD, approvals=GOOD.approvals * 2)
    assert effect(twice, text="override: {approvals: 2}\n") == "block"
    assert effect(GOOD, text="override: {max_ttl: 1h}\n") == "block"


def test_an_allow_needs_none() -> None:
    decision = ask(timeline(), "2026-06-16T12:00:00Z", request(invoker="human"), (GOOD,))
    assert (decision.verdict, decision.override) == ("allow", None)


def test_the_first_granted_is_the_one_named() -> None:
    later = replace(GOOD, id="o-0", granted_at=NOON - HOUR / 2, approvals=GOOD.approvals)
    line = timeline("level_lock: {at: never}\n")
    decision = ask(line, AT, request(invoker="human"), (later, GOOD))
    assert decision.override is not None
    assert decision.override.id == "o-1"
