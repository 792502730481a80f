"""What is asked of GitHub and written there with a token: approvals, and the one comment."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from tests.action.local_server import Answer, Asked, LocalServer
from tests.action.support import LOCKED, Workspace, annotations, frozen

RESTART = "actions: {restart: {locked: {human: allow, automation: deny}}}\n"
COMMENTS = "/repos/weddings/platform/issues/7/comments"


class Hub:
    """A little of GitHub: the approvals of run 12, and the comments of pull request 7."""

    def __init__(self) -> None:
        self.reviews: list[dict[str, Any]] = []
        self.comments: list[dict[str, Any]] = []
        self.login: str | None = None
        self.broken: Answer | str = ""

    def __call__(self, asked: Asked) -> Answer:
        if self.broken != "":
            assert not isinstance(self.broken, str)
            return self.broken
        assert asked.headers["authorization"].endswith("a-token")
        path, _, query = asked.path.partition("?")
        if path.endswith("/actions/runs/12/approvals"):
            return 200, self.reviews
        if path == "/user":
            return (200, {"login": self.login}) if self.login else (403, {"message": "no"})
        if asked.method == "PATCH":
            number = int(path.removeprefix("/repos/weddings/platform/issues/comments/"))
            found = next(comment for comment in self.comments if comment["id"] == number)
            found["body"] = asked.content["body"]
            return 200, found
        assert path == COMMENTS, path
        if asked.method == "POST":
            self.add(asked.content["body"], "github-actions[bot]", "Bot")
            return 201, self.comments[-1]
        page = int(parse_qs(query)["page"][0])
        return 200, self.comments[100 * (page - 1) : 100 * page]

    def add(self, body: str, login: str, kind: str) -> None:
        number = len(self.comments) + 1
        self.comments.append({"id": number, "body": body, "user": {"login": login, "type": kind}})


@pytest.fixture
def hub(server: LocalServer) -> Hub:
    """GitHub, behind the server."""
    made = Hub()
    server.answer = made
    return made


@pytest.fixture
def job(workspace: Workspace, server: LocalServer, tmp_path: Path) -> Workspace:
    """A run on a pull request of the same repository, with a token, during a lock."""
    workspace.write(frozen(*LOCKED, RESTART))
    repo = {"repo": {"full_name": "weddings/platform"}}
    event = {"pull_request": {"number": 7, "head": repo, "base": repo}}
    (tmp_path / "event.json").write_text(json.dumps(event))
    workspace.environ |= {
        "GITHUB_API_URL": server.url,
        "GITHUB_EVENT_PATH": str(tmp_path / "event.json"),
        "GITHUB_EVENT_NAME": "pull_request",
        "GITHUB_RUN_ID": "12",
        "GITHUB_JOB": "gate",
        "INPUT_GITHUB-TOKEN": "a-token",
    }
    return workspace


def review(
    state: str = "approved", login: str = "bob", kind: str = "User", environment: str = "Production"
) -> dict[str, Any]:
    user = {"login": login, "type": kind}
    return {"state": state, "user": user, "comment": "", "environments": [{"name": environment}]}


@pytest.mark.parametrize(
    ("reviews", "environment", "code"),
    [
        ([], "production", 3),
        ([review()], "production", 0),
        ([review()], "", 0),
        ([review(environment="staging")], "production", 3),
        ([review(state="rejected")], "production", 3),
        ([review(login="deployer[bot]", kind="Bot")], "production", 3),
        ([review(login="deployer[bot]")], "production", 3),
        ([review(state="pending"), review()], "production", 0),
        ([None, {"state": "approved"}], "production", 3),
    ],
)
def test_a_person_who_approved_counts(
    job: Workspace, hub: Hub, reviews: list[dict[str, Any]], environment: str, code: int
) -> None:
    hub.reviews = reviews
    ended = job.run(action="restart", environment=environment)
    assert ended.code == code, ended.log
    assert ended.kept[0]["request"]["invoker"] == ("human" if code == 0 else "automation")


@pytest.mark.parametrize("broken", [(500, {}), (403, {"message": "no"}), (200, b"<html>"), None])
def test_who_cannot_be_asked_is_no_person(job: Workspace, hub: Hub, broken: Answer) -> None:
    hub.broken = broken
    ended = job.run(action="restart", environment="production")
    assert ended.code == 3
    titles = [a.properties["title"] for a in annotations(ended.log) if a.kind == "warning"]
    assert any("approvals unknown" in title for title in titles)
    assert any("no comment" in title for title in titles)
    assert "a-token" not in ended.log


def test_a_start_by_hand_needs_no_approval(job: Workspace, server: LocalServer) -> None:
    job.environ["GITHUB_EVENT_NAME"] = "workflow_dispatch"
    assert job.run(action="restart").code == 0
    assert server.asked == []


def test_without_a_token_github_is_not_asked(job: Workspace, server: LocalServer) -> None:
    job.environ["INPUT_GITHUB-TOKEN"] = ""
    assert job.run(action="restart").code == 3
    assert server.asked == []


def test_one_comment_follows_the_decision(job: Workspace, hub: Hub) -> None:
    hub.add("<!-- saturday-gate of nobody -->", "eve", "User")
    job.run(environment="production")
    (_, comment) = hub.comments
    assert "denied until" in comment["body"]
    assert "actions/runs/12" in comment["body"]
    job.write(frozen(*LOCKED).replace("name: freeze", "name: other"))
    job.run(environment="production")
    assert len(hub.comments) == 2
    assert "other" in comment["body"]
    job.run(environment="staging")
    assert len(hub.comments) == 3, "another target has a comment of its own"


def test_a_comment_that_somebody_else_marked_is_left_alone(job: Workspace, hub: Hub) -> None:
    job.run()
    marker = hub.comments[0]["body"].splitlines()[0]
    for login, kind in (("eve", "User"), ("github-actions[bot]", "Bot")):
        hub.comments.clear()
        for number in range(120):
            hub.add(f"remark {number}", "ann", "User")
        hub.add(f"{marker}\nmine", login, kind)
        job.run()
        kept = hub.comments[120]["body"] == f"{marker}\nmine"
        assert kept == (login == "eve")
        assert len(hub.comments) == (122 if kept else 121)


def test_a_token_of_a_person_finds_its_own_comment(job: Workspace, hub: Hub) -> None:
    hub.login = "ann"
    job.run()
    hub.comments[0]["user"] = {"login": "ann", "type": "User"}
    hub.comments[0]["body"] += "old"
    job.run()
    assert len(hub.comments) == 1
    assert not hub.comments[0]["body"].endswith("old")


def test_the_comment_says_that_it_waits(job: Workspace, hub: Hub) -> None:
    seen: list[str] = []
    usual = hub.add

    def add(body: str, login: str, kind: str) -> None:
        seen.append(body)
        usual(body, login, kind)

    hub.add = add  # type: ignore[method-assign]
    job.run(mode="wait", wait_timeout="1m")
    assert "waiting until" in seen[0]
    assert "waiting" not in hub.comments[0]["body"]


@pytest.mark.parametrize("event", ["push", "workflow_run", "issue_comment"])
def test_other_events_get_no_comment(job: Workspace, hub: Hub, event: str) -> None:
    job.environ["GITHUB_EVENT_NAME"] = event
    job.run()
    assert hub.comments == []


def test_a_pull_request_of_a_fork_gets_no_comment(job: Workspace, hub: Hub, tmp_path: Path) -> None:
    path = tmp_path / "event.json"
    head = path.read_text().replace("weddings/platform", "eve/platform", 1)
    path.write_text(head)
    job.run()
    assert hub.comments == []
