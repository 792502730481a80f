"""Decide and record; read what was decided."""

from uuid import uuid4

import pytest

from gate.core.decision import Request
from gate.core.policy import Action
from gate.github.action.server import GateServer as ActionsServer
from tests.api.gate_serve import GateServe

AT = "2026-06-16T09:30:00Z"
PATH = "/api/v1/decisions"


def test_a_decision_is_recorded_and_can_be_read_at_once(server: GateServe) -> None:
    answer = server.decide({"environment": "production", "actor": "ada"})
    assert (answer["verdict"], answer["effect"], answer["recorded"]) == ("deny", "block", True)
    assert answer["request"] == {
        "action": "deploy", "invoker": "automation", "environment": "production", "actor": "ada",
    }  # fmt: skip
    read = server.get(f"{PATH}/{answer['id']}")
    assert read.status == 200
    assert read.json == answer


def test_every_verdict_is_answered_with_200(server: GateServe) -> None:
    answer = server.decide({"at": "2031-06-10T09:30:00Z", "invoker": "human", "action": "deploy"})
    assert (answer["verdict"], answer["phase"]) == ("allow", "open")
    assert answer["at"] == "2031-06-10T09:30:00Z"


def test_null_and_empty_fields_are_left_out(server: GateServe) -> None:
    answer = server.decide({"service": None, "namespace": "", "at": None})
    assert answer["request"] == {"action": "deploy", "invoker": "automation"}


def test_a_list_shows_what_was_decided_newest_first_and_page_by_page(server: GateServe) -> None:
    actor = f"pager-{uuid4()}"
    made = [server.decide({"actor": actor})["id"] for _ in range(5)]
    seen: list[str] = []
    path = f"{PATH}?actor={actor}&limit=2"
    pages = 0
    while True:
        page = server.get(path).json
        seen += [item["id"] for item in page["items"]]
        pages += 1
        if page["next"] is None:
            break
        path = f"{PATH}?actor={actor}&limit=2&after={page['next']}"
    assert seen == made[::-1]
    assert pages == 3


def test_filters_take_what_they_name(server: GateServe) -> None:
    actor = f"filter-{uuid4()}"
    denied = server.decide({"actor": actor})
    allowed = server.decide({"actor": actor, "at": "2031-06-10T09:30:00Z"})

    def ids(query: str) -> list[str]:
        return [item["id"] for item in server.get(f"{PATH}?actor={actor}&{query}").json["items"]]

    assert ids("verdict=deny") == [denied["id"]]
    assert ids("effect=allow") == [allowed["id"]]
    assert ids("from=2031-01-01T00:00:00Z") == [allowed["id"]]
    assert ids("to=2031-01-01T00:00:00Z") == [denied["id"]]
    assert ids("from=2031-06-10T09:30:00Z&to=2031-06-10T09:30:01Z") == [allowed["id"]]
    assert ids("verdict=undecided") == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"", None),
        (b"[]", None),
        (b"{", None),
        (b"\xff", None),
        (b'{"action": "explode"}', "action"),
        (b'{"at": "yesterday"}', "at"),
        (b'{"at": "2026-06-16T09:30:00"}', "at"),
        (b'{"acton": "deploy"}', "acton"),
        (b'{"actor": 5}', "actor"),
        (b'{"actor": "ada", "actor": "eve"}', "actor"),
        (b'{"id": "chosen"}', "id"),
        (b"[" * 5000, None),
    ],
)
def test_a_bad_body_is_a_problem_that_names_the_field(
    server: GateServe, body: bytes, field: str | None
) -> None:
    reply = server.ask("POST", PATH, body, {"Content-Type": "application/json; charset=utf-8"})
    assert reply.status == 422
    assert reply.headers["content-type"] == "application/problem+json"
    problem = reply.json
    assert (problem["status"], problem["title"]) == (422, "Unprocessable Entity")
    assert problem["errors"][0].get("field") == field
    assert "Traceback" not in reply.body.decode()


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=many", "limit"),
        ("verdict=maybe", "verdict"),
        ("from=today", "from"),
        ("to=2026-06-16", "to"),
        ("after=7", "after"),
        ("actor=a%00b", "actor"),
    ],
)
def test_a_bad_filter_is_a_problem_that_names_it(server: GateServe, query: str, field: str) -> None:
    reply = server.get(f"{PATH}?{query}")
    assert reply.status == 422
    assert reply.json["errors"][0]["field"] == field


def test_an_unknown_id_is_not_found(server: GateServe) -> None:
    assert server.get(f"{PATH}/{uuid4()}").status == 404
    assert server.get(f"{PATH}/7").status == 422
    assert server.get(f"{PATH}?after={uuid4()}").status == 404


def test_the_action_takes_what_the_server_answers(server: GateServe) -> None:
    request = Request(action=Action.DEPLOY, invoker="automation", environment="production")
    with ActionsServer(server.url, None) as asked:
        decision = asked.decide(request)
    assert (decision.verdict, decision.recorded) == ("deny", True)
    assert server.get(f"{PATH}/{decision.id}").json["id"] == decision.id
