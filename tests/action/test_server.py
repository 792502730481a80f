"""Deciding at a gate server: who we say we are, what we ask, and every way it may not answer."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from gate.core.decision import Request
from gate.core.policy import Action
from gate.github.action.server import (
    GateServer,
    IdentityService,
    ServerRefused,
    ServerUnreachable,
)
from tests.action.local_server import Answer, Asked, LocalServer
from tests.action.support import HEAD, LOCKED, Workspace, frozen

TOKEN = "eyJhbGciOiJSUzI1NiJ9.e30.c2ln"  # shaped like a token, signed by nobody
REQUEST = Request(action=Action.DEPLOY, invoker="automation", environment="production")


def decision(**more: Any) -> dict[str, Any]:
    return {
        "id": "0197-of-the-server", "at": "2026-06-13T12:00:00Z", "verdict": "deny",
        "effect": "block", "phase": "locked", "level": "MAXIMUM",
        "request": {"action": "deploy", "invoker": "automation", "environment": "production"},
        "reasons": [{"code": "manual-lock", "lock": "0197", "by": "bob",
                     "start": "2026-06-13T10:00:00Z", "end": None, "message": "locked by bob"}],
        "locked_from": "2026-06-13T10:00:00Z", "locked_until": None, "next_change": None,
        "load": {"demand": 1.5, "needed": 1, "required_replicas": 10, "shortfall": 0,
                 "weddings_today": 3},
        "override": None, "recorded": True, "policy": {"name": "p", "sha256": "ab"},
        "calendar": {"sha256": "cd", "weddings": 3}, "tzdata": "2026.3", "newer_field": 1,
    } | more  # fmt: skip


def allowed(**more: Any) -> dict[str, Any]:
    usual = {"verdict": "allow", "effect": "allow", "phase": "open", "reasons": []}
    return decision(**usual | more)


def answering(status: int, content: Any, identity: Answer = (200, {"value": TOKEN})) -> Any:
    def answer(asked: Asked) -> Answer:
        return identity if asked.path.startswith("/token") else (status, content)

    return answer


@pytest.fixture
def job(workspace: Workspace, server: LocalServer) -> Workspace:
    """A job that may ask for a token, in a repository without policy and calendar."""
    workspace.environ |= {
        "ACTIONS_ID_TOKEN_REQUEST_URL": f"{server.url}/token?api-version=2",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "secret-of-the-runner",
    }
    (workspace.folder / ".gate/policy.yaml").unlink()
    return workspace


def test_the_server_decides_for_a_job_that_shows_its_token(
    job: Workspace, server: LocalServer
) -> None:
    server.answer = answering(200, allowed())
    ended = job.run(server=f"{server.url}/", environment="production")
    assert (ended.code, ended.outputs["verdict"], ended.outputs["recorded"]) == (0, "allow", "true")
    assert ended.outputs["decision-id"] == "0197-of-the-server"
    token, asked = server.asked
    assert token.path == "/token?api-version=2&audience=saturday-gate"
    assert token.headers["authorization"] == "Bearer secret-of-the-runner"
    assert (asked.method, asked.path) == ("POST", "/api/v1/decisions")
    assert asked.headers["authorization"] == f"Bearer {TOKEN}"
    assert asked.content == {
        "action": "deploy", "invoker": "automation", "environment": "production",
        "repository": "weddings/platform", "actor": "ann",
    }  # fmt: skip
    assert TOKEN not in ended.log + ended.summary
    assert not (job.folder / "gate-decisions.jsonl").exists()


def test_its_denial_is_a_denial(job: Workspace, server: LocalServer) -> None:
    server.answer = answering(200, decision())
    ended = job.run(server=server.url, environment="production", audit="required")
    assert ended.code == 3
    (error,) = ended.annotations("error")
    assert "locked by bob" in error.message
    assert json.loads(ended.outputs["reasons"])[0]["lock"] == "0197"
    assert "MAXIMUM" in ended.summary


def test_files_beside_a_server_are_for_the_picture_only(
    job: Workspace, server: LocalServer
) -> None:
    job.write(frozen(*LOCKED))
    server.answer = answering(200, allowed(at=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"))
    ended = job.run(server=server.url, environment="production")
    assert ended.code == 0
    assert "🟥" in ended.summary


def test_without_a_token_the_refusal_names_the_permission(
    workspace: Workspace, server: LocalServer
) -> None:
    server.answer = answering(401, {"title": "Unauthorized", "detail": "no credentials"})
    ended = workspace.run(server=server.url)
    assert ended.code == 4
    (error,) = ended.annotations("error")
    assert "id-token: write" in error.message
    assert "no credentials" in error.message
    assert "authorization" not in server.asked[0].headers


@pytest.mark.parametrize("status", [401, 403])
def test_a_token_that_the_server_does_not_take_names_the_allow_list(
    job: Workspace, server: LocalServer, status: int
) -> None:
    job.write(f"{HEAD}on_undecided: allow\n")
    server.answer = answering(status, {"detail": "ref refs/heads/x is not allowed"})
    ended = job.run(server=server.url)
    assert (ended.code, ended.outputs["effect"]) == (4, "block"), "it is no outage"
    assert "tokens.allow" in ended.annotations("error")[0].message
    assert len(server.asked) == 2, "a refusal is not asked again"
    assert job.run(server=server.url, mode="report").code == 0


def test_an_outage_is_for_the_policy_to_judge(job: Workspace) -> None:
    job.environ = {}
    gone = {"server": "http://127.0.0.1:9"}
    ended = job.run(**gone)
    assert (ended.code, ended.outputs["verdict"]) == (4, "undecided")
    assert json.loads(ended.outputs["reasons"])[0]["code"] == "store-unavailable"
    job.write(f"{HEAD}on_undecided: allow\n")
    lenient = job.run(**gone, mode="wait")
    assert (lenient.code, lenient.outputs["effect"]) == (0, "warn")
    assert lenient.kept[-1]["id"] == lenient.outputs["decision-id"]
    assert job.run(**gone, audit="required").code == 4


def test_without_a_record_nothing_goes_out_where_it_is_required(
    job: Workspace, server: LocalServer
) -> None:
    server.answer = answering(200, allowed(recorded=False))
    ended = job.run(server=server.url, environment="production", audit="required")
    assert ended.code == 4
    assert (ended.outputs["verdict"], ended.outputs["effect"]) == ("undecided", "block")
    assert job.run(server=server.url, environment="production").code == 0


class Pauses(list[float]):
    """Pauses that nobody waits for."""

    def __call__(self, seconds: float) -> None:
        self.append(seconds)


def ask(server: LocalServer, pauses: Pauses | None = None) -> Any:
    identity = IdentityService(f"{server.url}/token", "x")
    with GateServer(server.url, identity, Pauses() if pauses is None else pauses) as gate:
        return gate.decide(REQUEST)


def test_an_answer_that_comes_late_is_waited_for(server: LocalServer) -> None:
    answers: list[Answer] = [(503, {"detail": "starting"}), None, (200, allowed())]

    def answer(asked: Asked) -> Answer:
        return (200, {"value": TOKEN}) if asked.path.startswith("/token") else answers.pop(0)

    server.answer, pauses = answer, Pauses()
    decided = ask(server, pauses)
    assert decided.at == datetime(2026, 6, 13, 12, tzinfo=UTC)
    assert len(pauses) == 2
    assert server.asked[0].path == "/token?audience=saturday-gate"


@pytest.mark.parametrize("status", [500, 503, 429, None])
def test_an_outage_is_asked_three_times(server: LocalServer, status: int | None) -> None:
    gone: Answer = None if status is None else (status, b"<html>")
    server.answer = lambda asked: (200, {"value": TOKEN}) if asked.method == "GET" else gone
    with pytest.raises(ServerUnreachable, match="cannot be used"):
        ask(server)
    assert len([asked for asked in server.asked if asked.method == "POST"]) == 3


@pytest.mark.parametrize(
    "content",
    [
        b"<html>", b"[]", b"{}", b"[" * 200_000, b'{"a": "\xff"}',
        allowed(at="2026-06-13T12:00:00"),
        allowed(next_change="2026-06-13T12:00:00"),
        allowed(verdict="perhaps"),
        allowed() | {"effect": "block"},
        decision() | {"verdict": "undecided", "effect": "allow"},
        allowed() | {"request": {"action": "deploy", "invoker": "human", "environment": "test"}},
        allowed() | {"request": {"action": "restart", "invoker": "human"}},
    ],
)  # fmt: skip
def test_what_is_no_decision_on_this_change_is_none(server: LocalServer, content: Any) -> None:
    server.answer = answering(200, content)
    with pytest.raises(ServerUnreachable):
        ask(server)


@pytest.mark.parametrize(
    ("status", "content"), [(404, b"nothing"), (422, {"detail": "bad"}), (307, {}), (204, b"")]
)
def test_an_address_that_is_no_gate_says_to_look_at_the_input(
    server: LocalServer, status: int, content: Any
) -> None:
    server.answer = answering(status, content)
    with pytest.raises(ServerRefused, match="check the input `server`"):
        ask(server)
    assert "/elsewhere" not in [asked.path for asked in server.asked], "the token goes nowhere else"


@pytest.mark.parametrize(
    "identity", [(403, {}), (200, {}), (200, {"value": "a b\r\nX: y"}), (200, b"nothing")]
)
def test_a_token_that_github_does_not_give(server: LocalServer, identity: Answer) -> None:
    server.answer = answering(200, allowed(), identity)
    with pytest.raises(ServerRefused, match="id-token: write"):
        ask(server)


def test_an_answer_without_an_end_is_cut(server: LocalServer) -> None:
    server.answer = answering(200, b" " * (5 << 20))
    with pytest.raises(ServerUnreachable, match="does not end"):
        ask(server)
