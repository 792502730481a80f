"""Who started a run, and which pull request is behind it: no right from what a stranger writes."""

import json
from typing import Any

import pytest

from gate.github.action.event import read_run


def payload(head: str = "a/b", base: str = "a/b", **more: Any) -> bytes:
    sides = {"head": {"repo": {"full_name": head}}, "base": {"repo": {"full_name": base}}}
    content = {"pull_request": {"number": 7, **sides}, "sender": {"type": "User"}} | more
    return json.dumps(content).encode()


def run_of(event: str, body: bytes = b"{}", **more: str) -> Any:
    named = {"GITHUB_EVENT_NAME": event, "GITHUB_REPOSITORY": "a/b", "GITHUB_ACTOR": "ann"}
    return read_run(named | more, body)


@pytest.mark.parametrize(
    ("event", "invoker"),
    [
        ("workflow_dispatch", "human"),
        ("push", "automation"),
        ("schedule", "automation"),
        ("pull_request", "automation"),
        ("pull_request_target", "automation"),
        ("workflow_run", "automation"),
        ("repository_dispatch", "automation"),
        ("", "automation"),
    ],
)
def test_only_a_start_by_hand_is_a_persons(event: str, invoker: str) -> None:
    assert run_of(event).invoker == invoker


def test_a_program_that_starts_a_workflow_is_no_person() -> None:
    bot = json.dumps({"sender": {"type": "Bot"}}).encode()
    assert run_of("workflow_dispatch", bot).invoker == "automation"
    assert run_of("workflow_dispatch", GITHUB_ACTOR="deployer[bot]").invoker == "automation"
    again = run_of("workflow_dispatch", GITHUB_TRIGGERING_ACTOR="retry[bot]")
    assert (again.actor, again.invoker) == ("retry[bot]", "automation")


def test_who_runs_it_again_is_the_actor() -> None:
    assert run_of("push", GITHUB_TRIGGERING_ACTOR="bob").actor == "bob"
    assert run_of("push").actor == "ann"


@pytest.mark.parametrize(
    ("event", "body", "number"),
    [
        ("pull_request", payload(), 7),
        ("pull_request", payload("A/B"), 7),
        ("pull_request_target", payload(), 7),
        ("pull_request", payload("stranger/b"), None),
        ("pull_request", payload("a/b", "other/b"), None),
        ("pull_request_target", payload("stranger/b"), None),
        ("pull_request", payload(pull_request={"number": "7; x"}), None),
        ("push", payload(), None),
        ("workflow_run", payload(), None),
        ("pull_request", b"[" * 100_000, None),
        ("pull_request", b"\xff", None),
        ("pull_request", b"[]", None),
        ("pull_request", b'{"pull_request": {"head": "x", "base": []}}', None),
    ],
)
def test_comments_are_for_pull_requests_of_the_same_repository(
    event: str, body: bytes, number: int | None
) -> None:
    assert run_of(event, body).pull_request == number


def test_what_is_no_text_or_number_is_unknown() -> None:
    run = run_of("push", GITHUB_REPOSITORY="a/\udcff", GITHUB_RUN_ID="12x")
    assert (run.repository, run.run_id) == (None, None)
    assert run_of("push", GITHUB_RUN_ID="12").run_id == 12
