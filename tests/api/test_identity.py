"""Who shows a token of GitHub's, and that no body makes more of it."""

import asyncio
import json
import os
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gate.core.decision import Decision, Request
from gate.core.policy import Action, TokenGrant, TokenRules
from gate.github.fetching import fetch
from gate.github.tokens import Verifier
from gate.ledger.read import entries
from gate.service.api.app import application
from gate.service.api.context import Context, Receiver
from gate.service.api.guard import Guard, new_rates
from gate.service.api.rates import Rates
from gate.service.api.settings import Limits
from gate.service.api.tokens import BearerTokens
from gate.service.clock import utc_now
from gate.service.deciding import Decider, DecidingSettings
from gate.service.decisions import Decisions
from gate.service.state_folder import StateFolder
from gate.store.connect import Target, connect
from gate.store.connect import target as target_of
from tests.github.issuer import AUDIENCE, Issuer, serving
from tests.postgres import fresh_schema
from tests.postgres import server as postgres
from tests.webhook.inputs import Inputs

PATH = "/api/v1/decisions"
LIMITS = Limits(rate=1.0, burst=40)
Ask = Callable[..., Awaitable["Answer"]]


GRANTS = (
    TokenGrant(repository="octo/*", ref="refs/heads/main"),
    TokenGrant(repository="lone/*"),
)


def rules_of(issuer: Issuer) -> TokenRules:
    return TokenRules(issuer=issuer.url, audience=AUDIENCE, allow=GRANTS)


class Answer(msgspec.Struct):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with serving() as made:
        yield made


def world(
    folder: Path, inputs: Inputs, issuer: Issuer, story: Callable[[Ask], Awaitable[None]],
    *, known: bool = True, receiver: Receiver | None = None,
) -> None:  # fmt: skip
    """Run a story with a server's application on a database of its own."""

    async def live(target: Target) -> None:
        place = StateFolder.take(folder, target)
        _, policy, _, calendar = inputs("locked")
        settings = DecidingSettings(
            policy=policy, calendars=(calendar,), dsn=target.dsn, journal=place.journal,
            state=place.state, socket=place.socket, doors=("api",),
        )  # fmt: skip
        failed: list[bool] = []
        decider = Decider(settings, failed=lambda: failed.append(True))
        decisions = Decisions(target, decider.recent)
        tokens = BearerTokens(
            Verifier(fetch, utc_now),
            lambda: (
                TokenRules(issuer=issuer.url, audience=AUDIENCE, allow=GRANTS) if known else None
            ),
            Rates(0.01, 5, time.monotonic),
        )
        with ThreadPoolExecutor(2) as threads:
            context = Context(
                decider=decider, decisions=decisions, clock=utc_now, threads=threads,
                receiver=receiver,
            )  # fmt: skip
            app = application(context, parts=frozenset({"api"}))
            try:
                await decider.open()
                await story(asker(Guard(app, tokens, LIMITS, new_rates(LIMITS))))
            finally:
                await decider.close()
                decisions.close()
                place.close()
        assert not failed

    with fresh_schema() as target, in_schema(target):
        asyncio.run(live(target))


@contextmanager
def in_schema(target: Target) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GATE_SCHEMA", target.schema)
        yield


def asker(guard: Guard) -> Ask:
    async def ask(
        method: str, path: str, token: str | None = None, body: Any = None,
        client: str = "192.0.2.1", **headers: str,
    ) -> Answer:  # fmt: skip
        sent = b"" if body is None else json.dumps(body).encode()
        pairs = {"content-type": "application/json", "content-length": str(len(sent)), **headers}
        if token is not None:
            pairs["authorization"] = f"Bearer {token}"
        path, _, query = path.partition("?")
        scope = {
            "type": "http", "http_version": "1.1", "method": method, "path": path,
            "raw_path": path.encode(), "query_string": query.encode(), "root_path": "",
            "scheme": "http", "client": (client, 1), "server": ("127.0.0.1", 1), "state": {},
            "headers": [(name.encode(), value.encode()) for name, value in pairs.items()],
        }  # fmt: skip
        parts: list[MutableMapping[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": sent, "more_body": False}

        async def send(message: MutableMapping[str, Any]) -> None:
            parts.append(message)

        await guard(scope, receive, send)
        return Answer(
            status=parts[0]["status"],
            headers={n.decode(): v.decode() for n, v in parts[0]["headers"]},
            body=b"".join(part.get("body", b"") for part in parts[1:]),
        )

    return ask


def test_a_run_decides_as_itself(tmp_path: Path, inputs: Inputs, issuer: Issuer) -> None:
    async def story(ask: Ask) -> None:
        automation = issuer.token(time.time())
        by_hand = issuer.token(time.time(), event_name="workflow_dispatch", actor="grace")

        async def request(token: str, **body: Any) -> Any:
            answer = await ask("POST", PATH, token, body)
            assert answer.status == 200, answer.body
            return answer.json["request"]

        # Nothing is said: what the token says holds.
        assert await request(automation, environment="production") == {
            "action": "deploy", "invoker": "automation", "environment": "production",
            "repository": "octo/app", "actor": "ada",
        }  # fmt: skip
        assert (await request(by_hand))["invoker"] == "human"
        # A body that claims more is not believed; one that claims less is.
        claimed = await request(automation, invoker="human", actor="root", repository="octo/app")
        assert (claimed["invoker"], claimed["actor"]) == ("automation", "ada")
        assert (await request(by_hand, invoker="automation"))["invoker"] == "automation"
        other = await ask("POST", PATH, automation, {"repository": "octo/other"})
        assert other.status == 403
        assert other.json["errors"][0]["field"] == "repository"

    world(tmp_path, inputs, issuer, story)


def test_a_run_reads_what_its_repository_asked(
    tmp_path: Path, inputs: Inputs, issuer: Issuer
) -> None:
    async def story(ask: Ask) -> None:
        mine = issuer.token(time.time())
        theirs = issuer.token(
            time.time(), repository="lone/site", repository_owner="lone", ref="refs/heads/x"
        )
        made = (await ask("POST", PATH, mine, {})).json["id"]
        other = (await ask("POST", PATH, theirs, {})).json["id"]
        for _ in range(2):
            listed = (await ask("GET", PATH, mine)).json["items"]
            assert [item["id"] for item in listed] == [made]
            assert (await ask("GET", f"{PATH}/{made}", mine)).status == 200
            assert (await ask("GET", f"{PATH}/{other}", mine)).status == 404
            # Again, once the ledger has them.
            while not await asyncio.to_thread(shipped, 2):
                await asyncio.sleep(0.05)

    def shipped(count: int) -> bool:
        with connect(target_of(postgres().dsn(), os.environ)) as connection:
            return len(entries(connection)) == count

    world(tmp_path, inputs, issuer, story)


def test_each_refusal_has_its_status(tmp_path: Path, inputs: Inputs, issuer: Issuer) -> None:
    async def story(ask: Ask) -> None:
        now = time.time()
        anonymous = await ask("GET", PATH)
        assert anonymous.status == 401
        assert anonymous.headers["www-authenticate"] == 'Bearer realm="saturday-gate"'
        assert (await ask("GET", PATH, authorization="Basic YTpi")).status == 401
        expired = await ask("GET", PATH, issuer.token(now, exp=now - 100))
        assert expired.status == 401
        assert 'error="invalid_token"' in expired.headers["www-authenticate"]
        assert "expired" in expired.json["detail"]
        elsewhere = await ask(
            "GET", PATH, issuer.token(now, repository="x/y", repository_owner="x")
        )
        assert elsewhere.status == 403
        fork = issuer.token(now, event_name="pull_request", ref="refs/pull/1/merge")
        assert (await ask("GET", PATH, fork)).status == 403
        issuer.away = True
        unknown = await ask("GET", PATH, issuer.token(now, signed_by="new"))
        assert unknown.status == 401, "the cool-down lies between two looks"
        assert (await ask("GET", PATH, issuer.token(now))).status == 200
        assert all(
            reply.headers["content-type"] == "application/problem+json"
            for reply in (anonymous, expired, elsewhere, unknown)
        )

    world(tmp_path, inputs, issuer, story)


def test_an_issuer_that_is_away_is_no_refusal(
    tmp_path: Path, inputs: Inputs, issuer: Issuer
) -> None:
    async def story(ask: Ask) -> None:
        issuer.away = True
        answer = await ask("GET", PATH, issuer.token(time.time()))
        assert answer.status == 503
        assert answer.headers["retry-after"] == "30"

    world(tmp_path, inputs, issuer, story)


def test_without_a_policy_nobody_is_let_in(tmp_path: Path, inputs: Inputs, issuer: Issuer) -> None:
    async def story(ask: Ask) -> None:
        assert (await ask("GET", PATH, issuer.token(time.time()))).status == 503
        assert (await ask("GET", PATH)).status == 401
        assert (await ask("GET", "/healthz")).status == 200

    world(tmp_path, inputs, issuer, story, known=False)


def test_guessing_and_asking_too_often_are_slowed_down(
    tmp_path: Path, inputs: Inputs, issuer: Issuer
) -> None:
    async def story(ask: Ask) -> None:
        good = issuer.token(time.time())
        guesses = [(await ask("GET", PATH, f"guess-{n}")).status for n in range(6)]
        assert guesses == [401] * 5 + [429]
        slowed = await ask("GET", PATH, good)
        assert slowed.status == 429
        assert int(slowed.headers["retry-after"]) > 0
        # Others are not concerned.
        assert (await ask("GET", PATH, good, client="192.0.2.2")).status == 200
        statuses = {(await ask("GET", PATH, good, client="192.0.2.2")).status for _ in range(60)}
        assert statuses == {200, 429}

    world(tmp_path, inputs, issuer, story)


def test_no_token_is_logged(
    tmp_path: Path, inputs: Inputs, issuer: Issuer, capfd: pytest.CaptureFixture[str]
) -> None:
    secrets = [
        issuer.token(time.time()),
        issuer.token(time.time(), exp=1),
        issuer.token(time.time(), repository="x/y", repository_owner="x"),
    ]

    async def story(ask: Ask) -> None:
        for secret in secrets:
            await ask("POST", PATH, secret, {})

    world(tmp_path, inputs, issuer, story)
    logged = capfd.readouterr().err
    assert "token-refused" in logged
    for secret in secrets:
        assert not any(part in logged for part in secret.split("."))


def test_deliveries_reach_their_receiver_as_they_came(
    tmp_path: Path, inputs: Inputs, issuer: Issuer
) -> None:
    class Taken(msgspec.Struct):
        status: int
        body: bytes
        media_type: str | None = "application/json"
        retry_seconds: int | None = None

    got: list[Any] = []

    def receiver(headers: Mapping[str, str], body: bytes, now: datetime) -> Taken:
        got.append((headers["x-github-event"], body, now.tzinfo, threading.current_thread()))
        return Taken(204, b"") if len(got) == 1 else Taken(401, b'{"message": "unsigned"}')

    async def story(ask: Ask) -> None:
        path, event = "/github/webhook", {"x-github-event": "ping"}
        empty = await ask("POST", path, None, {"zen": "…"}, **event)
        assert (empty.status, empty.body) == (204, b"")
        refused = await ask("POST", path, None, {}, **event)
        assert (refused.status, refused.json) == (401, {"message": "unsigned"})
        assert (await ask("GET", path)).status == 405

    world(tmp_path, inputs, issuer, story, receiver=receiver)
    assert got[0][:3] == ("ping", json.dumps({"zen": "…"}).encode(), UTC)
    assert got[0][3] is not threading.main_thread()


def test_a_worker_decides_from_its_thread_and_previews_leave_no_trace(
    tmp_path: Path, inputs: Inputs
) -> None:
    _, policy, _, calendar = inputs("locked")
    request = Request(action=Action.DEPLOY, invoker="automation")

    async def live(target: Target) -> tuple[Decision, Decision]:
        place = StateFolder.take(tmp_path, target)
        settings = DecidingSettings(
            policy=policy, calendars=(calendar,), dsn=target.dsn, journal=place.journal,
            state=place.state, socket=place.socket, doors=("api", "github"),
        )  # fmt: skip
        decider = Decider(settings, failed=lambda: None)
        try:
            await decider.open()
            judge = decider.judge("github")
            with pytest.raises(RuntimeError):
                decider(request, utc_now())
            seen = await asyncio.to_thread(judge.preview, request, utc_now())
            return seen, await asyncio.to_thread(judge, request, utc_now())
        finally:
            await decider.close()
            place.close()

    with fresh_schema() as target, in_schema(target):
        seen, recorded = asyncio.run(live(target))
        with connect(target) as connection:
            rows = entries(connection)
    assert (seen.verdict, seen.recorded) == ("deny", False)
    assert (recorded.verdict, recorded.recorded) == ("deny", True)
    assert [(row.door, str(row.id)) for row in rows] == [("github", recorded.id)]
