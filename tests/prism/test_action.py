"""The Action's requests: who approved a run, and the one comment on a pull request."""

import pytest

from gate.github.action.event import Run
from gate.github.action.people import approved_by_person, put_comment
from gate.github.client import Connection
from tests.github.fake import FakeGitHub
from tests.prism.hub import PULL, RUN, Hub
from tests.prism.tap import Tap

OURS = Run(
    event="pull_request",
    repository="acme/bookings",
    actor="alice",
    run_id=RUN,
    by_person=True,
    pull_request=PULL,
)
MARKER = "<!-- saturday-gate 1 -->"


@pytest.fixture
def hub(fake: FakeGitHub) -> Hub:
    made = Hub()
    made.join(fake)
    return made


def test_a_person_who_approved_is_found(connection: Connection, hub: Hub) -> None:
    requester = connection.requester("acme/bookings")
    assert not approved_by_person(requester, OURS, "production")
    hub.review("bob", "production")
    assert approved_by_person(requester, OURS, "production")
    assert not approved_by_person(requester, OURS, "staging")


@pytest.mark.parametrize("others", [0, 100])
def test_one_comment_is_written_and_renewed(
    connection: Connection, hub: Hub, tap: Tap, others: int
) -> None:
    requester = connection.requester("acme/bookings")
    for number in range(others):
        hub.say(f"lovely {number}", "carol", "User")
    for text in ("locked", "locked", "open"):
        put_comment(requester, OURS, MARKER, text)
    assert [each["body"] for each in hub.comments[others:]] == [f"{MARKER}\nopen"]
    assert [each.verb for each in tap.exchanges if each.verb != "GET"] == ["POST", "PATCH"]


@pytest.mark.parametrize("login", [None, "alice"])
def test_a_comment_of_somebody_else_is_left_alone(
    connection: Connection, hub: Hub, login: str | None
) -> None:
    hub.say(f"{MARKER}\nnot the gate's", "mallory", "User")
    hub.login = login
    put_comment(connection.requester("acme/bookings"), OURS, MARKER, "locked")
    assert hub.comments[0]["body"].endswith("not the gate's")
    assert len(hub.comments) == 2
