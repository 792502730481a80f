"""Deliveries: proven, read, stored once, and only then answered."""

import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote_plus
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import Connection

from gate.core.problems import InputError
from gate.github.webhook.answer import Answer
from gate.github.webhook.envelope import LARGEST_BODY_BYTES
from gate.github.webhook.signature import VARIABLE, Secrets, secrets
from gate.service.github.deliveries import Receiver
from gate.store.connect import Target
from tests.app.payloads import (
    REPOSITORY,
    SHA,
    check_run,
    delivery,
    merge_group,
    pull_request,
    requested,
)
from tests.app.scene import FRIDAY
from tests.postgres import server

MANY = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
SIGNED = Secrets([b"of the test"])
PROTECTION = "deployment_protection_rule"
Give = Callable[..., Answer]


@pytest.fixture
def give(receiver: Receiver) -> Give:
    """A signed delivery; header values of "" are left out."""

    def given(event: str, content: Any, guid: UUID | None = None, **headers: str) -> Answer:
        made, body = delivery(event, content, SIGNED, guid=guid)
        made.update({name.replace("_", "-"): value for name, value in headers.items()})
        return receiver({k: v for k, v in made.items() if v}, body, FRIDAY)

    return given


@pytest.fixture
def offline() -> Receiver:
    """One whose database nobody listens at."""
    where = Target(
        dsn="postgresql://x@127.0.0.1:1/x",
        schema="gate",
        embedded_folder=server().base,
        connect_timeout_seconds=1,
    )
    return Receiver(where, SIGNED)


def stored(database: Connection) -> list[tuple[Any, ...]]:
    return database.execute(
        "SELECT event, action, repository, sha, state FROM github_deliveries ORDER BY received_at"
    ).fetchall()


def detail(answer: Answer) -> str:
    assert answer.media_type == "application/problem+json"
    document = json.loads(answer.body)
    assert document["status"] == answer.status
    return str(document["detail"])


def field(answer: Answer) -> str:
    return str(json.loads(answer.body)["errors"][0]["field"])


def test_a_ping_is_answered(give: Give, database: Connection) -> None:
    answer = give("ping", {"zen": "Keep it logically awesome.", "hook": {"events": ["x"]}})
    assert answer.status == 200
    assert json.loads(answer.body)["status"] == "pong"
    assert stored(database) == []


@pytest.mark.parametrize(
    ("event", "content", "sha"),
    [
        ("pull_request", pull_request("opened"), SHA),
        ("pull_request", pull_request("reopened"), SHA),
        ("pull_request", pull_request("synchronize"), SHA),
        ("pull_request", pull_request("edited", changes={"base": {"ref": {"from": "x"}}}), SHA),
        ("merge_group", merge_group("checks_requested"), SHA),
        ("merge_group", merge_group("destroyed"), None),
        ("check_run", check_run(), SHA),
    ],
)
def test_what_may_move_a_check_is_stored(
    give: Give, database: Connection, event: str, content: dict[str, Any], sha: str | None
) -> None:
    assert give(event, content).status == 202
    assert stored(database) == [(event, content["action"], "acme/bookings", sha, "waiting")]


@pytest.mark.parametrize(
    ("event", "content"),
    [
        ("push", {"ref": "refs/heads/main"}),
        ("push", b"no JSON at all"),
        ("pull_request", pull_request("labeled")),
        ("pull_request", pull_request("edited", changes={"title": {"from": "x"}})),
        ("pull_request", pull_request("edited")),
        ("check_run", check_run("created")),
        ("check_run", check_run(name="build")),
        ("check_suite", {"action": "rerequested"}),
        ("merge_group", merge_group("enqueued")),
        (PROTECTION, requested(action="cancelled")),
    ],
)
def test_what_is_not_the_gates_business_is_left_alone(
    give: Give, database: Connection, event: str, content: Any
) -> None:
    answer = give(event, content)
    assert (answer.status, answer.body) == (204, b"")
    assert stored(database) == []


def test_a_form_is_as_good_as_json(receiver: Receiver, database: Connection) -> None:
    body = b"payload=" + quote_plus(json.dumps(requested())).encode()
    form = "application/x-www-form-urlencoded; charset=utf-8"
    headers, body = delivery(PROTECTION, body, SIGNED, media_type=form)
    assert receiver(headers, body, FRIDAY).status == 202
    assert len(stored(database)) == 1


@pytest.mark.parametrize(
    ("headers", "status", "named"),
    [
        ({"X_Hub_Signature_256": ""}, 401, "X-Hub-Signature-256"),
        ({"X_Hub_Signature_256": "sha256=" + "0" * 64}, 401, "X-Hub-Signature-256"),
        ({"X_Hub_Signature_256": "sha1=" + "0" * 40}, 401, "X-Hub-Signature-256"),
        ({"X_Hub_Signature_256": "\udcff\udc80ü"}, 401, "X-Hub-Signature-256"),
        ({"X_GitHub_Event": ""}, 400, "X-GitHub-Event"),
        ({"X_GitHub_Event": "ping\r\nx"}, 400, "X-GitHub-Event"),
        ({"X_GitHub_Delivery": ""}, 400, "X-GitHub-Delivery"),
        ({"X_GitHub_Delivery": "7"}, 400, "X-GitHub-Delivery"),
        ({"Content_Type": ""}, 415, "Content-Type"),
        ({"Content_Type": "text/plain"}, 415, "Content-Type"),
    ],
)
def test_bad_headers_are_named(
    give: Give, database: Connection, headers: dict[str, str], status: int, named: str
) -> None:
    answer = give(PROTECTION, requested(), **headers)
    assert (answer.status, field(answer)) == (status, named)
    assert stored(database) == []


def without(content: dict[str, Any], *path: str) -> dict[str, Any]:
    """The content without a member."""
    head, *rest = path
    if rest:
        return {**content, head: without(content[head], *rest)}
    return {name: value for name, value in content.items() if name != head}


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (b"", "$"),
        (b"[]", "$"),
        (b"{", "$"),
        (b"\xff", "$"),
        (b"[" * 100_000, "$"),
        (b'{"action":"requested","x":' + b'{"a":' * 100_000, "$"),
        (without(requested(), "action"), "$"),
        (without(requested(), "environment"), "$"),
        (without(requested(), "repository"), "$"),
        (without(requested(), "repository", "id"), "$.repository"),
        (requested(environment=""), "$.environment"),
        (requested(environment="x" * 256), "$.environment"),
        (requested(environment="a\nb"), "$.environment"),
        (requested(environment="a\x00b"), "$.environment"),
        (requested(environment=7), "$.environment"),
        (requested(repository={**REPOSITORY, "id": 2**63}), "$.repository.id"),
        (requested(repository={**REPOSITORY, "full_name": "../x"}), "$.repository.full_name"),
        (requested(repository={**REPOSITORY, "full_name": "a/b?c"}), "$.repository.full_name"),
        (requested(sender={"login": "a\nb", "type": "User"}), "$.sender.login"),
        (requested() | {"deployment": {"id": 0}}, "$.deployment.id"),
        *(
            (requested(deployment_callback_url=url), "$.deployment_callback_url")
            for url in (
                "",
                "http://[",
                "https://api.github.com/repos/acme/other/actions/runs/1/deployment_protection_rule",
                "https://api.github.com/repos/acme/bookings/actions/runs/x/deployment_protection_rule",
                "https://api.github.com/repos/acme/bookings/actions/runs/1/pending_deployments",
                "https://evil.example/?/repos/acme/bookings/actions/runs/1/deployment_protection_rule",
            )
        ),
    ],
)
def test_bad_payloads_are_refused_with_what_and_where(
    give: Give, database: Connection, content: Any, named: str
) -> None:
    answer = give(PROTECTION, content)
    assert (answer.status, field(answer)) == (400, named)
    assert detail(answer)
    assert stored(database) == []


@pytest.mark.parametrize(
    "content", [pull_request(pull_request={"head": {"sha": "$(x)"}}), pull_request(repository=None)]
)
def test_bad_heads_are_refused(give: Give, content: Any) -> None:
    assert give("pull_request", content).status == 400


@pytest.mark.parametrize("body", [b"", b"payload", b"payload=a&payload=b", b"x=1&" * 50, b"\xff"])
def test_bad_forms_are_refused(receiver: Receiver, body: bytes) -> None:
    form = "application/x-www-form-urlencoded"
    headers, body = delivery(PROTECTION, body, SIGNED, media_type=form)
    assert receiver(headers, body, FRIDAY).status == 400


def test_a_body_that_is_too_large_is_refused_unseen(receiver: Receiver) -> None:
    headers, body = delivery("ping", b" " * (LARGEST_BODY_BYTES + 1), SIGNED)
    assert receiver(headers, body, FRIDAY).status == 413


def test_without_a_secret_the_endpoint_is_off(where: Target) -> None:
    headers, body = delivery("ping", {}, SIGNED)
    answer = Receiver(where, None)(headers, body, FRIDAY)
    assert answer.status == 404
    assert VARIABLE in detail(answer)


def test_an_old_and_a_new_secret_are_both_taken(where: Target) -> None:
    both = secrets({VARIABLE: " old \n\nnew\n"})
    assert both is not None
    for name, status in ((b"old", 200), (b"new", 200), (b"old new", 401), (b"", 401)):
        headers, body = delivery("ping", {}, Secrets([name]))
        assert Receiver(where, both)(headers, body, FRIDAY).status == status
    assert "old" not in repr(both)
    assert secrets({VARIABLE: " \n"}) is None
    assert secrets({}) is None
    with pytest.raises(InputError, match="too many"):
        secrets({VARIABLE: "\n".join("abcde")})


@given(st.binary(max_size=200), st.data())
def test_any_changed_byte_is_noticed(body: bytes, data: st.DataObject) -> None:
    header = SIGNED.sign(body)
    assert SIGNED.accept(body, header)
    place = data.draw(st.integers(0, len(body)))
    other = data.draw(st.binary(min_size=1, max_size=1))
    assert not SIGNED.accept(body[:place] + other + body[place:], header)
    if body[place : place + 1] not in {b"", other}:
        assert not SIGNED.accept(body[:place] + other + body[place + 1 :], header)
    spot = data.draw(st.integers(0, len(header) - 1))
    letter = data.draw(st.characters(exclude_characters=header[spot]))
    assert not SIGNED.accept(body, header[:spot] + letter + header[spot + 1 :])


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)
EVENTS = st.sampled_from(
    [
        (PROTECTION, requested()),
        ("pull_request", pull_request()),
        ("merge_group", merge_group()),
        ("check_run", check_run()),
        ("ping", {"hook": {"events": []}}),
    ]
)


@MANY
@given(EVENTS, st.data())
def test_any_payload_gets_an_answer(
    receiver: Receiver, event: tuple[str, dict[str, Any]], data: st.DataObject
) -> None:
    name, content = event[0], json.loads(json.dumps(event[1]))
    target: dict[str, Any] = content
    while True:
        key = data.draw(st.sampled_from(sorted(target)))
        if isinstance(target[key], dict) and target[key] and data.draw(st.booleans()):
            target = target[key]
            continue
        target[key] = data.draw(VALUES)
        break
    headers, body = delivery(name, content, SIGNED)
    assert receiver(headers, body, FRIDAY).status in {200, 202, 204, 400}


@MANY
@given(st.binary(max_size=300), st.sampled_from([PROTECTION, "pull_request", "ping"]))
def test_any_bytes_get_an_answer(receiver: Receiver, body: bytes, event: str) -> None:
    headers, body = delivery(event, body, SIGNED)
    assert receiver(headers, body, FRIDAY).status in {200, 400}


def test_a_repeated_delivery_is_answered_alike_and_does_nothing(
    give: Give, database: Connection
) -> None:
    guid = uuid4()
    first = give(PROTECTION, requested(), guid)
    assert first.status == 202
    database.execute("UPDATE github_protection_requests SET state = 'gone', finished_at = now()")
    assert give(PROTECTION, requested(), guid) == first
    assert database.execute("SELECT state FROM github_protection_requests").fetchall() == [
        ("gone",)
    ]


def test_a_replay_under_another_id_does_nothing_either(give: Give, database: Connection) -> None:
    assert give(PROTECTION, requested()).status == 202
    assert give(PROTECTION, requested()).status == 202
    assert give(PROTECTION, requested(deployment=77)).status == 202
    count = database.execute("SELECT count(*) FROM github_protection_requests").fetchone()
    assert count == (2,)


def test_deliveries_that_come_together_are_one(
    receiver: Receiver, where: Target, database: Connection
) -> None:
    headers, body = delivery(PROTECTION, requested(), SIGNED)
    other = Receiver(where, SIGNED)
    start = threading.Barrier(12)

    def deliver(number: int) -> Answer:
        start.wait()
        return (receiver, other)[number % 2](headers, body, FRIDAY)

    with ThreadPoolExecutor(12) as threads:
        answers = list(threads.map(deliver, range(12)))
    other.close()
    assert {answer.status for answer in answers} == {202}
    assert len({answer.body for answer in answers}) == 1
    count = database.execute("SELECT count(*) FROM github_protection_requests").fetchone()
    assert count == (1,)


def test_without_a_database_github_is_told_so(offline: Receiver) -> None:
    headers, body = delivery(PROTECTION, requested(), SIGNED)
    answer = offline(headers, body, FRIDAY)
    assert answer.status == 503
    assert answer.retry_seconds
    assert "deliver it again" in detail(answer)
    headers, body = delivery("ping", {}, SIGNED)
    assert offline(headers, body, FRIDAY).status == 200


def test_nothing_secret_is_logged(offline: Receiver, capfd: pytest.CaptureFixture[str]) -> None:
    headers, body = delivery(PROTECTION, requested(), SIGNED)
    offline(headers, body, FRIDAY)
    offline({**headers, "X-Hub-Signature-256": "sha256=5ecret"}, body, FRIDAY)
    said = capfd.readouterr().err
    assert "github-delivery-not-stored" in said
    assert "github-delivery-refused" in said
    for word in ("of the test", SIGNED.sign(body)[7:], "5ecret", "asha"):
        assert word not in said
