"""What the API server is told, and what `kubectl` shows of it."""

import json
from datetime import timedelta
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from gate.cluster.answers import Answers, passed
from gate.cluster.changes import Why
from gate.cluster.notices import MAX_WARNING
from gate.core.decide import undecided
from gate.core.decision import (
    AppliedOverride,
    CalendarRef,
    Decision,
    ManualLock,
    PolicyRef,
    Reason,
)
from gate.core.instants import parse_instant
from gate.core.policy import Action, Policy
from gate.core.timeline import Timeline, compile_timeline
from tests.cluster_unit.build import Json
from tests.core import build

ID = "0198c0de-0000-7000-8000-000000000000"
TARGET = {"namespace": "wedding-platform", "service": "checkout", "environment": "production"}
LINE = build.timeline("lead: 2h\n")
SATURDAY, LEAD = "2026-06-13T12:00:00Z", "2026-06-12T22:00:00Z"
NEAR, FAR = "2026-06-12T12:00:00Z", "2026-06-10T12:00:00Z"


def decided(
    at: str, action: str = "deploy", invoker: str = "human", line: Timeline = LINE, **fields: str
) -> Decision:
    return replace(build.ask(line, at, build.request(action, invoker, **TARGET | fields)), id=ID)


def response(found: Decision, policy: Policy | None = LINE.policy, *actions: Action) -> Json:
    whole = json.loads(Answers(policy).of("uid-1", found, actions))
    assert (whole["apiVersion"], whole["kind"]) == ("admission.k8s.io/v1", "AdmissionReview")
    assert whole["response"]["uid"] == "uid-1"
    answer: Json = whole["response"]
    return answer


def message(found: Decision, policy: Policy | None = LINE.policy, *actions: Action) -> list[str]:
    return str(response(found, policy, *actions)["status"]["message"]).split("\n  ")


def test_an_allowed_change() -> None:
    found = response(decided(FAR))
    assert found["allowed"] is True
    assert "status" not in found
    assert "warnings" not in found
    assert found["auditAnnotations"] == {
        "decision-id": ID,
        "verdict": "allow",
        "phase": "open",
        "policy-sha256": LINE.policy.sha256,
    }


def test_a_denied_change() -> None:
    found = response(decided(SATURDAY))
    assert found["allowed"] is False
    status = found["status"]
    assert (status["code"], status["reason"], status["status"]) == (403, "Forbidden", "Failure")
    assert (found["auditAnnotations"]["verdict"], found["auditAnnotations"]["phase"]) == (
        "deny",
        "locked",
    )


def test_the_first_line_says_all_that_matters() -> None:
    first = message(decided(SATURDAY))[0]
    for part in (
        "deploy of checkout in wedding-platform is denied",
        "until Sun 14 Jun 2026 00:00 +0100 (Europe/London)",
        "weddings",
        "window saturday",
        "Still allowed: scale-up, rollback",
        "ask sre-lead or duty-manager",
    ):
        assert part in first


def test_the_other_lines_say_why_and_how_to_override() -> None:
    why, override, decision = message(decided(SATURDAY))[1:]
    assert why.startswith("why: window saturday of 2026-06-13 locks in Europe/London until")
    assert override == (
        "override: gate override grant --actions deploy --for 4h --environment production"
        " --namespace wedding-platform --service checkout --roles sre-lead --reason '…'"
    )
    assert decision == f"decision: {ID}"


def test_an_override_is_of_all_that_the_request_does() -> None:
    lines = message(decided(SATURDAY), LINE.policy, Action.DEPLOY, Action.SCALE_DOWN)
    assert "--actions deploy,scale-down" in lines[2]


def test_automation_is_told_that_overrides_are_for_people() -> None:
    assert message(decided(SATURDAY, invoker="automation"))[2].startswith("override: not for auto")
    free = build.timeline("override: {automation: true}\n")
    lines = message(decided(SATURDAY, invoker="automation", line=free), free.policy)
    assert "gate override grant" in lines[2]


def test_where_nobody_may_override() -> None:
    line = build.timeline("override: {roles: []}\n")
    lines = message(decided(SATURDAY, line=line), line.policy)
    assert "Nobody may override" in lines[0]
    assert not any("grant" in each for each in lines)


def test_a_lead_says_when_the_lock_begins() -> None:
    first = message(decided(LEAD))[0]
    assert "which locks from Sat 13 Jun 2026 00:00 +0100" in first
    assert "Still allowed: restart, scale-down, scale-up, rollback" in first


def test_the_offset_is_that_of_the_date() -> None:
    first = message(decided("2026-01-10T12:00:00Z"))[0]
    assert "until Sun 11 Jan 2026 00:00 +0000 (Europe/London)" in first


def test_a_lock_without_an_end() -> None:
    lock = ManualLock(
        id="l1", start=parse_instant(FAR), end=None, by="ann\x1b[31m", reason="fire\nin the venue"
    )
    line = build.timeline("lead: 2h\n", locks=(lock,))
    lines = message(decided(SATURDAY, line=line), line.policy)
    assert "with no end in the next 400 days" in lines[0]
    assert "window saturday, a lock by ann\\x1b[31m" in lines[0]
    assert "fire\\nin the venue" in lines[2]
    assert all(each.isprintable() for each in lines)


def test_many_causes_are_not_all_named() -> None:
    windows = ", ".join(f"{{name: w{n}, rrule: FREQ=DAILY}}" for n in range(6))
    line = build.timeline(f"windows: [{windows}]\n")
    assert "(window w0, window w1, window w2, 3 more)" in message(decided(SATURDAY, line=line))[0]


def test_a_change_of_what_has_no_name() -> None:
    found = build.ask(LINE, SATURDAY, build.request("deploy", "human"))
    assert "deploy of an object without a name is denied" in message(found)[0]


@pytest.mark.parametrize("action", ["restart", "scale-up"])
def test_warnings_in_the_lead(action: str) -> None:
    warnings = response(decided(LEAD, action))["warnings"]
    assert "a lock begins at Sat 13 Jun 2026 00:00 +0100 (Europe/London)" in warnings[0]
    denied_soon = [each for each in warnings if "restart will be denied in 1h 0m" in each]
    assert bool(denied_soon) == (action == "restart")


def test_a_denial_in_the_lead_warns_too() -> None:
    assert "a lock begins" in response(decided(LEAD))["warnings"][0]


def test_warnings_a_day_ahead() -> None:
    (warning,) = response(decided(NEAR, "restart"))["warnings"]
    assert "restart will be denied in 11h 0m, from Sat 13 Jun 2026 00:00 +0100" in warning
    (warning,) = response(decided(NEAR))["warnings"]
    assert "deploy will be denied in 9h 0m, from Fri 12 Jun 2026 22:00 +0100" in warning
    assert "warnings" not in response(decided(NEAR, "rollback"))
    assert "warnings" not in response(decided("2026-06-11T20:59:59Z"))
    assert "24h 0m" in response(decided("2026-06-11T21:00:00Z"))["warnings"][0]
    assert "in 0m" in response(decided("2026-06-12T20:59:30Z"))["warnings"][0]


def test_no_warnings_within_a_lock() -> None:
    assert "warnings" not in response(decided(SATURDAY))
    assert "warnings" not in response(decided(SATURDAY, "rollback"))


def test_mode_warn() -> None:
    line = build.timeline("mode: warn\nlead: 2h\n")
    found = response(decided(SATURDAY, line=line), line.policy)
    assert found["allowed"] is True
    (warning,) = found["warnings"]
    assert "deploy would be denied until Sun 14 Jun 2026 00:00" in warning
    assert "mode warn" in warning
    (ahead,) = response(decided(NEAR, line=line), line.policy)["warnings"]
    assert "would be denied in 9h" in ahead
    assert "warnings" not in response(decided(FAR, line=line), line.policy)


def test_an_override_is_said() -> None:
    applied = AppliedOverride(
        id="o1", by="alice", reason="…", until=parse_instant(SATURDAY), approved_by=("bob",)
    )
    found = replace(decided(SATURDAY), effect="allow", override=applied)
    answer = response(found)
    assert answer["allowed"] is True
    assert answer["auditAnnotations"]["verdict"] == "deny"
    (warning,) = answer["warnings"]
    assert "deploy allowed by an override of alice until Sat 13 Jun 2026 13:00 +0100" in warning


def not_decided(policy: Policy | None, *texts: str) -> Decision:
    refs = PolicyRef(name=None, sha256=None), CalendarRef(sha256=None, weddings=None)
    reasons = [Reason(code="policy-invalid", message=text) for text in texts]
    request = build.request("deploy", "human", **TARGET)
    return undecided(policy, refs, request, parse_instant(SATURDAY), reasons, id=ID)


def test_what_could_not_be_decided() -> None:
    found = not_decided(None, "the policy cannot be read:\nline 3", "and more")
    answer = response(found, None)
    assert answer["allowed"] is False
    status = answer["status"]
    assert (status["code"], status["reason"]) == (503, "ServiceUnavailable")
    assert answer["auditAnnotations"] == {
        "decision-id": ID,
        "verdict": "undecided",
        "phase": "none",
        "policy-sha256": "none",
    }
    first, second, last = message(found, None)
    assert "could not decide whether deploy of checkout in wedding-platform may go out" in first
    assert "the policy cannot be read:\\nline 3" in first
    assert (second, last) == ("why: and more", f"decision: {ID}")
    assert "no reason is known" in message(not_decided(None), None)[0]


def test_what_could_not_be_decided_and_need_not_be() -> None:
    policy = build.policy("on_undecided: allow\n")
    answer = response(not_decided(policy, "the calendar is stale"), policy)
    assert answer["allowed"] is True
    assert answer["warnings"] == [
        "Saturday Gate: could not decide on this deploy: the calendar is stale"
    ]


@cache
def long_names(home: str, mode: str) -> Timeline:
    window = f"{{name: {'w' * 150}, rrule: FREQ=WEEKLY;BYDAY=SA}}"
    policy = build.policy(f"mode: {mode}\nlead: 2h\nwindows: [{window}]\n", home)
    return compile_timeline(policy, build.calendar(policy), ())


@pytest.mark.parametrize("home", ["Europe/London", "America/Argentina/ComodRivadavia"])
@pytest.mark.parametrize("mode", ["enforce", "warn"])
@given(
    st.text(max_size=200),
    st.text(max_size=200),
    st.sampled_from([SATURDAY, LEAD, NEAR]),
    st.sampled_from([*Action]),
)
def test_warnings_are_short_and_printable(
    home: str, mode: str, text: str, by: str, at: str, action: Action
) -> None:
    line = long_names(home, mode)
    lenient = replace(line.policy, on_undecided="allow")
    overridden = replace(
        decided(at, action, line=line),
        effect="allow",
        override=AppliedOverride(
            id=ID, by=by, reason=text, until=parse_instant(SATURDAY), approved_by=()
        ),
    )
    for found in (decided(at, action, line=line), overridden, not_decided(lenient, text)):
        for warning in response(found, lenient).get("warnings", []):
            assert len(warning) <= MAX_WARNING == 120
            assert warning.isprintable()


def test_what_is_let_pass() -> None:
    for why in Why:
        assert json.loads(passed('u"1', why)) == {
            "apiVersion": "admission.k8s.io/v1",
            "kind": "AdmissionReview",
            "response": {
                "uid": 'u"1',
                "allowed": True,
                "auditAnnotations": {"passed": why.value},
            },
        }


def test_a_cut_warning_keeps_its_beginning() -> None:
    policy = build.policy("on_undecided: allow\n")
    (warning,) = response(not_decided(policy, "x" * 500), policy)["warnings"]
    assert warning.startswith("Saturday Gate: could not decide on this deploy: xxx")
    assert (len(warning), warning[-3:]) == (MAX_WARNING, "...")


def test_times_of_many_answers_are_told_right() -> None:
    answers = Answers(LINE.policy)
    for hours in range(24 * 8):
        at = parse_instant(FAR) + timedelta(hours=hours)
        found = build.ask(LINE, at.isoformat(), build.request("deploy", "human", **TARGET))
        fresh = Answers(LINE.policy).of("u", found)
        assert answers.of("u", found) == fresh
