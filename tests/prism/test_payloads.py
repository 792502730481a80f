"""GitHub's published payloads, read by the Action: an answer to each, and no right too many."""

from gate.github.action.event import read_run
from tests.prism.payloads import Payload, examples, protection_rule_requested

ENVIRON = {"GITHUB_REPOSITORY": "Codertocat/Hello-World", "GITHUB_RUN_ID": "12"}


def own_pull_request(payload: Payload) -> bool:
    """By the payload: a pull request whose head is in the very repository that it is for."""
    pull = payload.content.get("pull_request") or {}
    repos = [(pull.get(side) or {}).get("repo") or {} for side in ("head", "base")]
    return [repo.get("full_name") for repo in repos] == [ENVIRON["GITHUB_REPOSITORY"]] * 2


def test_every_example_is_read_as_a_run() -> None:
    own = others = 0
    for payload in examples():
        environ = {**ENVIRON, "GITHUB_EVENT_NAME": payload.event, "GITHUB_ACTOR": "Codertocat"}
        run = read_run(environ, payload.body)
        assert run.event == payload.event
        by_hand = payload.event == "workflow_dispatch"
        assert run.invoker == ("human" if by_hand else "automation")
        if payload.event == "pull_request" and own_pull_request(payload):
            assert run.pull_request == payload.content["pull_request"]["number"]
            own += 1
        else:
            assert run.pull_request is None
            others += 1
    assert own > 10
    assert others > 300


def test_there_are_examples_of_what_the_app_listens_to() -> None:
    found = {(payload.event, payload.action) for payload in examples()}
    assert found >= {
        ("ping", None),
        ("merge_group", "checks_requested"),
        ("pull_request", "synchronize"),
        ("check_run", "rerequested"),
    }


def test_the_payload_that_is_made_by_schema_has_what_the_event_needs() -> None:
    made = protection_rule_requested(environment="production")
    assert made.action == "requested"
    assert made.content["environment"] == "production"
    assert {"deployment_callback_url", "deployment", "installation", "repository"} <= set(
        made.content
    )
