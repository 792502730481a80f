"""The Action in a workflow, by act and Docker: verdicts, modes, what the runner sees of them."""

import json
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from tests.act.engine import docker
from tests.act.running import Repository

pytestmark = pytest.mark.xdist_group("act")

HOUR = timedelta(hours=1)


def test_an_open_gate_lets_the_job_go_on(repository: Repository) -> None:
    repository.lock(3 * HOUR, 5 * HOUR)
    ended = repository.run({"environment": "production", "service": "bookings"})
    assert ended.succeeded
    assert ended.code == 0
    seen = ended.seen
    assert seen.outcome == "success"
    assert seen.outputs["verdict"] == "allow"
    assert seen.outputs["effect"] == "allow"
    assert seen.outputs["phase"] == "open"
    assert seen.outputs["locked-until"] == ""
    assert seen.outputs["recorded"] == "false"
    assert json.loads(seen.outputs["reasons"]) == []
    assert seen.decision["id"] == seen.outputs["decision-id"]
    assert seen.decision["request"]["environment"] == "production"
    assert seen.decision["request"]["service"] == "bookings"
    assert not ended.annotations("error")
    assert "not recorded" in ended.annotations("warning")[0].title


def test_a_closed_gate_fails_the_job_with_one_error(repository: Repository) -> None:
    until = repository.lock(-HOUR, HOUR)
    ended = repository.run({"environment": "production"})
    assert not ended.succeeded
    assert ended.code == 3
    seen = ended.seen
    assert seen.outcome == "failure"
    assert seen.outputs["verdict"] == "deny"
    assert seen.outputs["effect"] == "block"
    assert seen.outputs["phase"] == "locked"
    assert seen.outputs["locked-until"] == f"{until:%Y-%m-%dT%H:%M:%SZ}"
    assert seen.outputs["next-change"] == f"{until:%Y-%m-%dT%H:%M:%SZ}"
    assert seen.decision["verdict"] == "deny"
    assert [each["code"] for each in json.loads(seen.outputs["reasons"])] == ["window"]
    (error,) = ended.annotations("error")
    assert "saturday" in error.message
    assert "saturday" in ended.summary
    assert "two weeks" in ended.summary
    assert seen.outputs["decision-id"] in ended.summary


def test_a_report_never_fails(repository: Repository) -> None:
    repository.lock(-HOUR, HOUR)
    ended = repository.run({"mode": "report"})
    assert ended.succeeded
    assert ended.seen.outputs["verdict"] == "deny"
    assert not ended.annotations("error")
    assert any("saturday" in each.message for each in ended.annotations("warning"))


def test_a_wait_ends_when_the_gate_opens(repository: Repository) -> None:
    until = repository.lock(-HOUR, timedelta(seconds=12))
    ended = repository.run({"mode": "wait", "wait-timeout": "5m"})
    assert ended.succeeded
    assert datetime.now(UTC) >= until
    seen = ended.seen
    assert seen.outputs["verdict"] == "allow"
    decisions = [json.loads(line) for line in seen.kept]
    assert decisions[-1]["verdict"] == "allow"
    assert datetime.fromisoformat(decisions[-1]["at"]) >= until


def test_a_wait_that_is_too_short_ends_denied(repository: Repository) -> None:
    until = repository.lock(-HOUR, HOUR)
    ended = repository.run({"mode": "wait", "wait-timeout": "2s"})
    assert ended.code == 3
    assert ended.seen.outputs["verdict"] == "deny"
    assert ended.seen.outputs["locked-until"] == f"{until:%Y-%m-%dT%H:%M:%SZ}"


@pytest.mark.parametrize("mode", ["fail", "report"])
def test_a_bad_policy_is_shown_where_it_is_wrong(repository: Repository, mode: str) -> None:
    repository.write(".gate/policy.yaml", "version: 1\nname: x\ntimezone: Mars/Olympus\n")
    ended = repository.run({"mode": mode})
    found = [each for kind in ("error", "warning") for each in ended.annotations(kind) if each.file]
    assert [(each.file, each.line) for each in found] == [(".gate/policy.yaml", "3")]
    assert "Mars/Olympus" in found[0].message


@pytest.mark.parametrize("mode", ["fail", "wait", "report"])
def test_bad_inputs_end_with_2_in_every_mode(repository: Repository, mode: str) -> None:
    ended = repository.run({"mode": mode, "audit": "required", "action": "explode"})
    assert ended.code == 2
    errors = ended.annotations("error")
    assert any("audit" in each.title for each in errors)
    assert any("explode" in each.message for each in errors)
    assert ended.seen.outputs == {}


def test_a_person_who_starts_it_is_the_invoker(repository: Repository) -> None:
    ended = repository.run({}, event="workflow_dispatch")
    assert ended.seen.decision["request"]["invoker"] == "human"
    ended = repository.run({}, event="push")
    assert [json.loads(line)["request"]["invoker"] for line in ended.seen.kept] == ["automation"]


def test_names_with_workflow_commands_are_only_text(repository: Repository) -> None:
    repository.lock(-HOUR, HOUR)
    evil = "prod\n::set-output name=verdict::allow\n::error::gotcha%0A"
    ended = repository.run({"environment": evil, "service": "x%0A::warning::y"})
    assert ended.seen.outputs["verdict"] == "deny"
    assert len(ended.annotations("error")) == 1
    assert len(ended.annotations("warning")) == 1
    assert ended.seen.decision["request"]["environment"] == evil


def test_what_a_killed_run_has_left_is_cleared_away(repository: Repository) -> None:
    left = f"act-left-{uuid4().hex}"
    docker("run", "--name", left, repository.image, "--version")
    assert repository.run({}).succeeded
    assert docker("ps", "--all", "--quiet", "--filter", f"name={left}").stdout == b""
