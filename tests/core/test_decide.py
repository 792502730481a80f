"""Phases, verdicts, effects and reasons around the edges of windows, leads and load."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from gate.core.decide import undecided
from gate.core.decision import CalendarRef, ManualLock, PolicyRef, Reason
from gate.core.instants import format_instant, from_micros
from gate.core.listing import locked_stretches
from gate.core.policy import Action, Scope
from gate.core.timeline import HORIZON
from tests.core.build import NO_WINDOWS, ask, policy, request, timeline, us

SATURDAY = "level_lock: {at: never}\nlead: 2h\n"
LONDON_START, LONDON_END = "2026-06-12T23:00:00Z", "2026-06-13T23:00:00Z"


def shown(value: datetime | None) -> str | None:
    return None if value is None else format_instant(value)


@pytest.mark.parametrize(
    ("at", "phase", "verdict"),
    [
        ("2026-06-12T20:59:59.999999Z", "open", "allow"),
        ("2026-06-12T21:00:00Z", "lead", "deny"),
        ("2026-06-12T22:59:59.999999Z", "lead", "deny"),
        ("2026-06-12T23:00:00Z", "locked", "deny"),
        ("2026-06-13T22:59:59.999999Z", "locked", "deny"),
        ("2026-06-13T23:00:00Z", "open", "allow"),
    ],
)
def test_phases_are_half_open(at: str, phase: str, verdict: str) -> None:
    decision = ask(timeline(SATURDAY), at)
    assert (decision.phase, decision.verdict) == (phase, verdict)


def test_the_lock_and_the_next_change_are_named() -> None:
    before = ask(timeline(SATURDAY), "2026-06-11T00:00:00Z")
    assert (before.locked_from, before.reasons) == (None, ())
    assert shown(before.next_change) == "2026-06-12T21:00:00Z"
    inside = ask(timeline(SATURDAY), "2026-06-13T12:00:00Z")
    assert shown(inside.locked_from) == LONDON_START
    assert shown(inside.locked_until) == shown(inside.next_change) == LONDON_END


def test_a_lead_names_the_lock_to_come() -> None:
    decision = ask(timeline(SATURDAY), "2026-06-12T22:00:00Z")
    (reason,) = decision.reasons
    assert (reason.code, reason.cause, reason.window) == ("lead", "window", "saturday")
    assert shown(decision.locked_from) == LONDON_START
    assert "from Sat 13 Jun 2026 00:00 +0100" in str(reason.message)
    assert shown(decision.next_change) == LONDON_END


def test_an_action_that_the_lead_allows_changes_at_the_lock() -> None:
    decision = ask(timeline(SATURDAY), "2026-06-12T22:00:00Z", request("restart"))
    assert (decision.verdict, shown(decision.next_change)) == ("allow", LONDON_START)
    assert decision.reasons


def test_an_action_that_is_always_allowed_never_changes() -> None:
    decision = ask(timeline(SATURDAY), "2026-06-13T12:00:00Z", request("rollback"))
    assert (decision.verdict, decision.phase, decision.next_change) == ("allow", "locked", None)


def test_a_lead_that_denies_what_the_lock_allows() -> None:
    line = timeline(SATURDAY + "actions: {deploy: {lead: deny, locked: allow}}")
    assert shown(ask(line, "2026-06-12T22:00:00Z").next_change) == LONDON_START
    assert ask(line, "2026-06-13T12:00:00Z").verdict == "allow"


def test_invokers_have_cells_of_their_own() -> None:
    line = timeline(SATURDAY + "actions: {deploy: {locked: {human: allow}}}")
    at = "2026-06-13T12:00:00Z"
    assert ask(line, at, request(invoker="human")).verdict == "allow"
    assert ask(line, at, request(invoker="automation")).verdict == "deny"


def test_a_venue_extends_the_window_and_is_named() -> None:
    wedding = ("2026-06-13", "Asia/Kolkata", "british", 10)
    decision = ask(timeline(SATURDAY, wedding), "2026-06-12T23:30:00Z")
    (reason,) = decision.reasons
    assert reason.zones == ("Asia/Kolkata", "Europe/London")
    assert shown(decision.locked_from) == "2026-06-12T18:30:00Z"
    early = ask(timeline(SATURDAY, wedding), "2026-06-12T19:00:00Z")
    assert early.reasons[0].zones == ("Asia/Kolkata",)
    assert ask(timeline(SATURDAY), "2026-06-12T19:00:00Z").phase == "open"


def test_a_wedding_that_spans_into_saturday_counts_for_it() -> None:
    friday = ("2026-06-11", "Asia/Kolkata", "indian", 10)
    assert ask(timeline(SATURDAY, friday), "2026-06-12T19:00:00Z").phase == "locked"
    thursday = ("2026-06-10", "Asia/Kolkata", "indian", 10)
    assert ask(timeline(SATURDAY, thursday), "2026-06-12T19:00:00Z").phase == "open"
    sunday = ("2026-06-14", "Asia/Kolkata", "indian", 10)
    assert ask(timeline(SATURDAY, sunday), "2026-06-12T19:00:00Z").phase == "open"


def test_many_zones_are_counted_not_listed() -> None:
    zones = ["Asia/Kolkata", "Asia/Dubai", "Europe/Athens", "Africa/Lagos", "Asia/Tokyo"]
    line = timeline(SATURDAY, *(("2026-06-13", zone, "british", 10) for zone in zones))
    message = str(ask(line, "2026-06-13T12:00:00Z").reasons[0].message)
    assert "Africa/Lagos, Asia/Dubai, Asia/Kolkata and 3 more zones" in message
    message = str(ask(line, "2026-06-13T21:30:00Z").reasons[0].message)
    assert "Africa/Lagos, Europe/London until" in message


def test_both_change_days_lengthen_a_window_inside_the_change() -> None:
    text = (
        NO_WINDOWS.replace("windows: []", "windows:")
        + "lead: 0s\n"
    ).replace(
        "windows:", 'windows: [{name: night, rrule: FREQ=DAILY, from: "01:10", to: "01:50"}]'
    )  # fmt: skip
    for day, start, end in [
        ("2026-03-29", "2026-03-29T00:10:00Z", "2026-03-29T01:50:00Z"),
        ("2026-10-25", "2026-10-25T00:10:00Z", "2026-10-25T01:50:00Z"),
        ("2026-06-01", "2026-06-01T00:10:00Z", "2026-06-01T00:50:00Z"),
    ]:
        decision = ask(timeline(text), start)
        assert (shown(decision.locked_from), shown(decision.locked_until)) == (start, end), day


def test_an_open_window_needs_every_field_of_its_scope() -> None:
    line = timeline(
        "level_lock: {at: never}\nlead: 2h\nwindows:\n"
        "- {name: sat, rrule: FREQ=WEEKLY;BYDAY=SA}\n"
        "- {name: night, kind: open, start: 2026-06-13T01:00:00Z, end: 2026-06-13T03:00:00Z,"
        " scope: {environments: [production], services: ['db*']}}\n"
    )
    at = "2026-06-13T01:00:00Z"
    named = request(environment="production", service="db-1")
    assert ask(line, at, named).phase == "open"
    assert shown(ask(line, at, named).next_change) == "2026-06-13T03:00:00Z"
    assert ask(line, at, request(environment="production")).phase == "locked"
    assert ask(line, at, request(environment="production", service="web")).phase == "locked"
    assert ask(line, "2026-06-13T00:59:59Z", named).phase == "locked"
    # In the open window nothing is in the lead of the lock that follows it.
    assert ask(line, "2026-06-13T02:59:59Z", named).phase == "open"


def test_an_open_window_ends_a_lead() -> None:
    line = timeline(
        "level_lock: {at: never}\nlead: 2h\nwindows:\n"
        "- {name: sat, rrule: FREQ=WEEKLY;BYDAY=SA}\n"
        "- {name: eve, kind: open, start: 2026-06-12T21:30:00Z, end: 2026-06-12T22:30:00Z}\n"
    )
    phases = [
        ask(line, f"2026-06-12T{clock}:00Z").phase for clock in ("21:00", "21:30", "22:30", "23:00")
    ]
    assert phases == ["lead", "open", "lead", "locked"]


def test_scopes_protect_what_is_not_known() -> None:
    line = timeline(
        "level_lock: {at: never}\nwindows:\n- {name: sat, rrule: FREQ=WEEKLY;BYDAY=SA,"
        " scope: {environments: ['prod*', live], repositories: ['shop/*']}}\n"
    )
    at = "2026-06-13T12:00:00Z"
    for fields, phase in [
        ({}, "locked"),
        ({"environment": "prod-eu"}, "locked"),
        ({"environment": "live", "repository": "shop/a/b"}, "locked"),
        ({"environment": "staging"}, "open"),
        ({"environment": "Prod"}, "open"),
        ({"environment": "prod", "repository": "other/a"}, "open"),
    ]:
        assert ask(line, at, request(**fields)).phase == phase, fields


def test_a_one_off_local_window_has_its_date_and_zone() -> None:
    line = timeline(
        "level_lock: {at: never}\nwindows:\n"
        "- {name: xmas, start: 2026-12-24T12:00, end: 2026-12-27T00:00,"
        " zones: [home, Asia/Tokyo]}\n"
    )
    (reason,) = ask(line, "2026-12-24T05:00:00Z").reasons
    assert (str(reason.date), reason.zones) == ("2026-12-24", ("Asia/Tokyo",))


def test_a_window_between_instants_has_neither_date_nor_zones() -> None:
    line = timeline(
        "level_lock: {at: never}\nwindows:\n"
        "- {name: x, start: 2026-12-24T12:00:00Z, end: 2026-12-27T00:00:00+01:00}\n"
    )
    (reason,) = ask(line, "2026-12-24T12:00:00Z").reasons
    assert (reason.date, reason.zones) == (None, ())
    assert "window x locks until" in str(reason.message)


def test_an_occurrence_that_began_a_year_ago_began_in_that_year_s_offset() -> None:
    line = timeline(
        "level_lock: {at: never}\nwindows: [{name: long, rrule: FREQ=WEEKLY, days: 366}]\n"
    )
    (stretch,) = locked_stretches(
        line, request(), us("2026-06-13T12:00:00Z"), us("2026-06-13T12:00:01Z")
    )
    first = stretch.causes[0]
    assert isinstance(first.start, datetime)
    assert (str(first.date), shown(first.start)) == ("2025-06-14", "2025-06-13T23:00:00Z")


def test_excepted_dates_are_left_out() -> None:
    line = timeline(
        "level_lock: {at: never}\nwindows:\n"
        "- {name: sat, rrule: FREQ=WEEKLY;BYDAY=SA;COUNT=2, since: 2026-06-01,"
        " except: [2026-06-06]}\n"
    )
    phases = [ask(line, f"2026-06-{day}T12:00:00Z").phase for day in ("06", "13", "20")]
    assert phases == ["open", "locked", "open"]


CROWD = ("2026-06-17", "Europe/London", "british", 150 * 130)  # 325 units at the peak hour


def test_load_locks_on_a_wednesday() -> None:
    decision = ask(timeline("lead: 0s\n", CROWD), "2026-06-17T13:00:00Z")
    assert (decision.level, decision.phase) == ("HIGH", "locked")
    (reason,) = decision.reasons
    assert (reason.code, reason.level) == ("level", "HIGH")
    assert decision.load is not None
    assert (decision.load.demand, decision.load.needed) == (325.0, 11)
    assert (decision.load.weddings_today, decision.load.shortfall) == (1, 0)
    # 130 * 2.5 * 0.8 = 260 units: NORMAL again from 16:00 in London.
    assert shown(decision.locked_until) == "2026-06-17T15:00:00Z"


def test_a_level_lock_can_ask_for_more_or_never() -> None:
    assert (
        ask(timeline("level_lock: {at: MAXIMUM}\n", CROWD), "2026-06-17T13:00:00Z").phase == "open"
    )
    assert ask(timeline("level_lock: {at: never}\n", CROWD), "2026-06-17T13:00:00Z").phase == "open"
    scoped = timeline("level_lock: {scope: {environments: [production]}}\n", CROWD)
    assert ask(scoped, "2026-06-17T13:00:00Z", request(environment="test")).phase == "open"


def test_gaps_shorter_than_join_are_filled() -> None:
    tokyo = ("2026-06-17", "Asia/Tokyo", "british", 150 * 130)  # peak 05:00-07:00 UTC
    athens = ("2026-06-17", "Europe/Athens", "british", 150 * 130)  # peak 11:00-13:00 UTC
    only_peaks = "lead: 0s\nload: {hours: {0: 0, 14: 1, 16: 0}}\n"
    for join, phase in [("4h", "open"), ("14401s", "locked")]:
        line = timeline(f"{only_peaks}level_lock: {{join: {join}}}\n", tokyo, athens)
        decision = ask(line, "2026-06-17T09:00:00Z")
        assert (decision.phase, decision.level) == (phase, "NORMAL")
    (reason,) = decision.reasons
    assert (reason.level, shown(decision.locked_from)) == ("NORMAL", "2026-06-17T05:00:00Z")


def test_mode_warn_never_blocks() -> None:
    decision = ask(timeline(SATURDAY + "mode: warn\n"), "2026-06-13T12:00:00Z")
    assert (decision.verdict, decision.effect) == ("deny", "warn")


def lock(start: str, end: str | None, **more: Any) -> ManualLock:
    return ManualLock(
        id="lock-1",
        by="duty",
        reason="a stop",
        start=from_micros(us(start)),
        end=None if end is None else from_micros(us(end)),
        **more,
    )


def test_a_manual_lock_holds_until_it_ends() -> None:
    line = timeline(NO_WINDOWS, locks=(lock("2026-06-16T10:00:00Z", "2026-06-16T11:00:00Z"),))
    decision = ask(line, "2026-06-16T10:30:00Z")
    (reason,) = decision.reasons
    assert (reason.code, reason.lock, reason.by) == ("manual-lock", "lock-1", "duty")
    assert "locked by duty until Tue 16 Jun 2026 12:00 +0100: a stop" in str(reason.message)
    assert shown(decision.next_change) == "2026-06-16T11:00:00Z"


def test_a_manual_lock_without_end() -> None:
    decision = ask(
        timeline(NO_WINDOWS, locks=(lock("2026-06-16T10:00:00Z", None),)), "2026-07-01T00:00:00Z"
    )
    assert decision.reasons[0].end is None
    assert "until it is released" in str(decision.reasons[0].message)
    assert (decision.locked_until, decision.next_change) == (None, None)


def test_a_manual_lock_has_scope_and_actions() -> None:
    line = timeline(
        NO_WINDOWS,
        locks=(
            lock("2026-06-16T10:00:00Z", None, actions=(Action.CONFIG,),
                 scope=Scope(services=("web",))),
        ),
    )  # fmt: skip
    at = "2026-06-16T12:00:00Z"
    assert ask(line, at, request("config", service="web")).phase == "locked"
    assert ask(line, at, request("config", service="api")).phase == "open"
    assert ask(line, at, request("deploy", service="web")).phase == "open"


def test_an_open_window_does_not_open_a_manual_lock() -> None:
    line = timeline(
        "level_lock: {at: never}\nwindows: [{name: o, kind: open, start: 2026-06-16T00:00:00Z,"
        " end: 2026-06-17T00:00:00Z}]",
        locks=(lock("2026-06-16T10:00:00Z", None),),
    )
    assert ask(line, "2026-06-16T12:00:00Z").phase == "locked"
    assert ask(line, "2026-06-16T09:59:59Z").phase == "open"


def test_nothing_farther_than_400_days_is_named() -> None:
    long = lock("2026-01-01T00:00:00Z", "2028-01-01T00:00:00Z")
    line = timeline(NO_WINDOWS, locks=(long,))
    edge = us("2026-01-01T00:00:00Z") + HORIZON
    at_limit = ask(line, format_instant(from_micros(edge)))
    assert shown(at_limit.locked_from) == "2026-01-01T00:00:00Z"
    beyond = ask(line, format_instant(from_micros(edge + 1)))
    assert beyond.locked_from is None
    assert shown(beyond.reasons[0].start if beyond.reasons[0].start else None) == (
        "2026-01-01T00:00:00Z"
    )
    end = us("2028-01-01T00:00:00Z") - HORIZON
    assert ask(line, format_instant(from_micros(end - 1))).next_change is None
    assert shown(ask(line, format_instant(from_micros(end))).next_change) == "2028-01-01T00:00:00Z"


def test_the_json_is_the_contract_s() -> None:
    decision = ask(timeline(SATURDAY), "2026-06-13T12:00:00.25Z", request(environment="prod"))
    document = msgspec.json.decode(msgspec.json.encode(decision))
    assert list(document) == [
        "id", "at", "verdict", "effect", "phase", "level", "request", "reasons", "locked_from",
        "locked_until", "next_change", "load", "override", "recorded", "policy", "calendar",
        "tzdata",
    ]  # fmt: skip
    assert document["at"] == "2026-06-13T12:00:00.250000Z"
    assert document["request"] == {
        "action": "deploy", "invoker": "automation", "environment": "prod",
    }  # fmt: skip
    assert set(document["reasons"][0]) == {
        "code", "window", "date", "zones", "start", "end", "message",
    }  # fmt: skip


def test_undecided_has_nulls_and_its_causes() -> None:
    refs = (PolicyRef(name=None, sha256=None), CalendarRef(sha256=None, weddings=None))
    why = [Reason(code="policy-invalid", message="…")]
    at = datetime(2026, 6, 13, tzinfo=UTC)
    decision = undecided(None, refs, request(), at, why)
    assert (decision.verdict, decision.effect, decision.phase) == ("undecided", "block", None)
    for text, effect in [
        ("mode: warn\n", "warn"),
        ("on_undecided: allow\n", "warn"),
        ("", "block"),
    ]:
        assert undecided(policy(text), refs, request(), at, why).effect == effect


@pytest.mark.parametrize("at", ["1970-01-01T00:00:00Z", "2199-12-31T23:59:59.999999Z"])
def test_it_decides_at_both_ends_of_time(at: str) -> None:
    assert ask(timeline(SATURDAY), at).verdict in {"allow", "deny"}


def test_a_manual_lock_elsewhere_in_time_is_no_cause() -> None:
    locks = (
        lock("2026-06-16T10:00:00Z", "2026-06-16T11:00:00Z"),
        lock("2026-06-18T10:00:00Z", "2026-06-18T11:00:00Z"),
    )
    decision = ask(timeline(NO_WINDOWS, locks=locks), "2026-06-18T10:30:00Z")
    assert [shown(r.start or None) for r in decision.reasons] == ["2026-06-18T10:00:00Z"]


def test_a_window_of_venues_alone_needs_a_wedding() -> None:
    text = "level_lock: {at: never}\nwindows: [{name: v, rrule: FREQ=DAILY, zones: [venues]}]\n"
    line = timeline(text, ("2026-06-16", "Asia/Tokyo", "british", 10))
    assert ask(line, "2026-06-16T10:00:00Z").phase == "locked"
    assert ask(line, "2026-06-17T10:00:00Z").phase == "open"
