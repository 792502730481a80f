"""Answers to waiting deployments, and asking for deliveries again, by GitHub's own description."""

from gate.github.calls import Caller, Limits
from gate.github.client import Connection
from gate.github.protection.review import Outcome, State, send
from gate.github.timing import RealTiming
from gate.github.webhook.events import HeadsChanged, ProtectionRequested, read_event
from tests.app.deployments import Deployments
from tests.github.fake import FakeGitHub
from tests.prism.payloads import examples, protection_rule_requested


def answered(connection: Connection, run: int, state: State | None) -> Outcome:
    caller = Caller(
        connection,
        "acme/bookings",
        timing=RealTiming(),
        limits=Limits(connection.url),
        seconds=20.0,
    )
    return send(caller, run, "production", state=state, comment="why").outcome


def test_every_answer_is_as_github_wants_it(connection: Connection, fake: FakeGitHub) -> None:
    deployments = Deployments(fake)
    for state in ("approved", "rejected"):
        run = deployments.ask(12)
        assert answered(connection, 12, None) is Outcome.DONE
        assert answered(connection, 12, state) is Outcome.DONE
        assert answered(connection, 12, state) is Outcome.NOT_WAITING
    assert run.states == [("production", "approved"), ("production", "rejected")]
    assert answered(connection, 13, "approved") is Outcome.MISSING


def test_every_published_example_is_read() -> None:
    found: set[tuple[str, str | None]] = set()
    for payload in examples():
        event = read_event(payload.event, payload.body)
        if isinstance(event, HeadsChanged):
            assert event.repository == payload.content["repository"]["full_name"]
        if event is not None:
            found.add((payload.event, payload.action))
    assert found == {
        ("ping", None),
        ("merge_group", "checks_requested"),
        ("pull_request", "opened"),
        ("pull_request", "reopened"),
        ("pull_request", "synchronize"),
    }


def test_the_event_that_is_made_by_schema_is_read() -> None:
    callback = "https://api.github.com/repos/acme/bookings/actions/runs/12"
    payload = protection_rule_requested(
        environment="production",
        deployment_callback_url=f"{callback}/deployment_protection_rule",
    )
    content = payload.content
    content["repository"] = {**content["repository"], "id": 5, "full_name": "acme/bookings"}
    content["deployment"] = {**content["deployment"], "id": 6}
    content["sender"] = {**content["sender"], "login": "asha", "type": "User"}
    event = read_event(payload.event, payload.body)
    assert isinstance(event, ProtectionRequested)
    assert (event.run_id, event.environment, event.deployment_id) == (12, "production", 6)
    assert event.invoker == "automation"
