"""Waiting deployments get the gate's word: at once, at the opening, or never; and once."""

from datetime import UTC, datetime, timedelta

import pytest

from gate.core.decision import ManualLock, Override
from tests.app.scene import FRIDAY, REOPENING, SATURDAY, Scene

REJECT = "github: {on_lock: reject}\n"


def held(start: datetime, end: datetime | None, reason: str = "fire") -> ManualLock:
    """A lock by hand."""
    identifier = "0198c0de-0000-7000-8000-00000000000a"
    return ManualLock(id=identifier, start=start, end=end, by="ben", reason=reason)


def test_an_open_gate_approves(scene: Scene) -> None:
    scene.timing.at = FRIDAY
    run = scene.deploys()
    scene.turn()
    ((environment, state, comment),) = run.reviews
    assert (environment, state) == ("production", "approved")
    (decision,) = scene.court.recorded
    assert decision.id in comment
    assert decision.request.repository == "acme/bookings"
    assert decision.request.environment == "production"
    assert (decision.request.invoker, decision.request.actor) == ("automation", "asha")
    row = scene.row()
    assert (row["state"], str(row["decision_id"])) == ("approved", decision.id)
    assert row["finished_at"] == FRIDAY
    scene.turn()
    assert len(scene.fake.asked("POST")) == 1


def test_a_lock_is_told_once_and_approved_by_itself_when_it_ends(scene: Scene) -> None:
    run = scene.deploys()
    scene.turn()
    (comment,) = run.comments
    assert "until Sun 14 Jun 2026 00:00 +0100 (2026-06-13T23:00:00Z)" in comment
    assert "window saturday" in comment
    for minutes in range(1, 60):
        scene.turn(SATURDAY + timedelta(minutes=minutes))
    scene.turn(REOPENING - timedelta(microseconds=1))
    assert len(run.comments) == 1
    assert run.reviews == []
    assert len(scene.court.recorded) == 1
    scene.turn(REOPENING)
    assert run.states == [("production", "approved")]
    assert [str(each.verdict) for each in scene.court.recorded] == ["deny", "allow"]
    assert scene.states() == ["approved"]


def test_a_lock_that_is_released_lets_it_out_at_the_next_look(scene: Scene) -> None:
    scene.court.lock(held(FRIDAY, None))
    scene.timing.at = FRIDAY
    run = scene.deploys()
    scene.turn()
    assert "until it is released" in run.comments[0]
    assert "locked by ben" in run.comments[0]
    scene.court.lock()
    scene.turn(FRIDAY + timedelta(seconds=1))
    assert run.states == [("production", "approved")]


def test_a_lock_that_is_set_meanwhile_is_told(scene: Scene) -> None:
    run = scene.deploys()
    scene.turn()
    scene.court.lock(held(SATURDAY, REOPENING + timedelta(hours=3)))
    scene.turn(SATURDAY + timedelta(seconds=2))
    assert "2026-06-14T02:00:00Z" in run.comments[1]
    scene.turn(REOPENING)
    assert run.reviews == []


def test_an_override_lets_it_out_and_is_named(scene: Scene) -> None:
    scene.court.amend("override: {roles: [sre-lead], approvals: 0, automation: true}\n")
    run = scene.deploys()
    scene.turn()
    scene.court.overrides = (
        Override(
            id="0198c0de-0000-7000-8000-00000000000b",
            by="asha",
            roles=("sre-lead",),
            reason="payments are down, see @ops",
            granted_at=SATURDAY,
            until=SATURDAY + timedelta(hours=1),
        ),
    )
    scene.court.read()
    scene.turn(SATURDAY + timedelta(seconds=1))
    ((_, state, comment),) = run.reviews
    assert state == "approved"
    assert "an override of asha holds until Sat 13 Jun 2026 14:00 +0100" in comment
    assert "payments are down" in comment
    assert "@ops" not in comment, "nobody is called by a reason"
    assert scene.court.recorded[-1].override is not None


def test_what_people_write_becomes_no_markup(scene: Scene) -> None:
    scene.court.lock(
        held(SATURDAY, None, "a\n::set-output name=x::y <b> @everybody `c` [d](http://e)")
    )
    run = scene.deploys(environment="pro`d @all")
    scene.turn()
    (comment,) = run.comments
    assert "@everybody" not in comment
    assert "<b>" not in comment
    assert "\n::" not in comment
    assert "``pro`d @all``" in comment


def test_the_policy_may_have_locked_ones_rejected(scene: Scene) -> None:
    scene.court.amend(REJECT)
    run = scene.deploys()
    scene.turn()
    ((_, state, comment),) = run.reviews
    assert state == "rejected"
    assert "locked until Sun 14 Jun 2026 00:00 +0100" in comment
    assert run.comments == []
    assert scene.states() == ["rejected"]


@pytest.mark.parametrize("rules", ["", REJECT])
def test_who_cannot_decide_says_so_and_waits(scene: Scene, rules: str) -> None:
    scene.court.amend(rules)
    scene.timing.at = FRIDAY
    scene.court.forget_calendar()
    run = scene.deploys()
    for seconds in range(20):
        scene.turn(FRIDAY + timedelta(seconds=seconds))
    assert run.reviews == []
    assert len(run.comments) == len(scene.court.recorded) == 1
    assert "could not decide" in run.comments[0]
    scene.court.find_calendar()
    scene.turn()
    assert run.states == [("production", "approved")]


def test_a_policy_that_lets_the_undecided_out_is_obeyed(scene: Scene) -> None:
    scene.court.amend("on_undecided: allow\n")
    scene.court.forget_calendar()
    run = scene.deploys()
    scene.turn()
    ((_, state, comment),) = run.reviews
    assert state == "approved"
    assert "could not decide" in comment


def test_a_policy_that_cannot_be_read_lets_nothing_out(scene: Scene) -> None:
    scene.court.amend("on_undecided: allow\nwindow: []\n")
    run = scene.deploys()
    scene.turn()
    assert run.reviews == []
    assert "could not decide" in run.comments[0]


def test_a_warning_policy_approves(scene: Scene) -> None:
    scene.court.amend("mode: warn\n")
    run = scene.deploys()
    scene.turn()
    ((_, state, comment),) = run.reviews
    assert state == "approved"
    assert "only warns" in comment
    assert "window saturday" in comment


def test_what_cannot_be_recorded_is_not_approved(scene: Scene) -> None:
    scene.timing.at = FRIDAY
    scene.court.cannot_record = True
    run = scene.deploys()
    for seconds in range(40):
        scene.turn(FRIDAY + timedelta(seconds=seconds))
    assert run.reviews == []
    assert len(run.comments) == 1
    scene.court.cannot_record = False
    scene.turn(FRIDAY + timedelta(seconds=120))
    assert run.states == [("production", "approved")]


def test_a_person_who_starts_a_workflow_is_human_and_nobody_else(scene: Scene) -> None:
    scene.timing.at = FRIDAY
    bot = {"login": "renovate[bot]", "type": "Bot", "id": 3}
    scene.deploys(1, event="workflow_dispatch")
    scene.deploys(2, event="workflow_dispatch", sender=bot)
    scene.deploys(3, event="pull_request_target")
    scene.deploys(4, event="workflow_dispatch", sender={"login": "x[bot]", "type": "User", "id": 1})
    scene.deploys(5, event="push", actor="asha", invoker="human")
    scene.turn()
    got = [each.request.invoker for each in scene.court.recorded]
    assert got == ["human", *["automation"] * 4]


def test_comments_end_with_what_github_takes(scene: Scene) -> None:
    run = scene.deploys()
    for hours in range(14):
        end = REOPENING + timedelta(hours=hours + 1)
        scene.court.lock(held(SATURDAY, end, "x" * 2000 + "@everybody"))
        scene.turn(SATURDAY + timedelta(minutes=hours))
    assert len(run.comments) == 10
    assert all(len(comment) <= 1024 for comment in run.comments)
    assert scene.states() == ["waiting"]
    scene.turn(datetime(2026, 6, 15, 12, tzinfo=UTC))
    assert run.states == [("production", "approved")]


def test_thirty_days_are_as_long_as_github_waits(scene: Scene) -> None:
    run = scene.deploys()
    scene.court.lock(held(FRIDAY, None))
    scene.turn()
    scene.turn(SATURDAY + timedelta(days=30) - timedelta(seconds=1))
    assert scene.states() == ["waiting"]
    scene.turn(SATURDAY + timedelta(days=30))
    assert scene.states() == ["gone"]
    assert run.reviews == []


def test_two_environments_of_a_run_are_two_requests(scene: Scene) -> None:
    scene.timing.at = FRIDAY
    scene.deploys(12, environment="production eu/west `x`", deployment=1)
    run = scene.deploys(12, environment="production-us", deployment=2)
    scene.turn()
    assert sorted(run.states) == [
        ("production eu/west `x`", "approved"), ("production-us", "approved")
    ]  # fmt: skip
