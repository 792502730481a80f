"""The parts of the server by themselves: guard, pace, workers, what is on its way to the ledger."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

import msgspec
import pytest

from gate.core.decide import undecided
from gate.core.decision import CalendarRef, Decision, PolicyRef, Request
from gate.core.policy import Action
from gate.ledger.read import Filter
from gate.service.api.guard import Guard
from gate.service.api.identity import Development, Identity
from gate.service.api.problems import Refused
from gate.service.api.rates import Rates
from gate.service.api.settings import Limits
from gate.service.clock import utc_now
from gate.service.decisions import matches
from gate.service.recent import Recent
from gate.service.workers import Workers

QUICK = Limits(body_seconds=0.05, request_seconds=0.2, requests=1)
Messages = list[MutableMapping[str, Any]]


async def ok(scope: Any, receive: Any, send: Any) -> None:
    """An application that is content."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"{}"})


async def asked(
    guard: Guard, *, headers: Mapping[str, str], receive: Callable[[], Awaitable[Any]],
    path: str = "/api",
) -> Messages:  # fmt: skip
    """What a guard sends."""
    sent: Messages = []

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": "POST", "path": path, "headers": pairs, "client": None}
    await guard(scope, receive, send)
    return sent


def status(sent: Messages) -> tuple[int, dict[bytes, bytes]]:
    return sent[0]["status"], dict(sent[0]["headers"])


async def never() -> Any:
    await asyncio.Event().wait()


async def empty() -> Any:
    return {"type": "http.request", "body": b"", "more_body": False}


def test_a_body_that_does_not_come_ends_in_time() -> None:
    guard = Guard(ok, Development(), QUICK, None)
    code, headers = status(
        asyncio.run(asked(guard, headers={"content-length": "5"}, receive=never))
    )
    assert code == 408
    assert headers[b"connection"] == b"close"


@pytest.mark.parametrize("size", ["1048577", "99999999999999999999"])
def test_a_body_that_is_said_to_be_too_large_is_not_waited_for(size: str) -> None:
    guard = Guard(ok, Development(), QUICK, None)
    code, headers = status(
        asyncio.run(asked(guard, headers={"content-length": size}, receive=never))
    )
    assert code in {408, 413}
    assert headers[b"connection"] == b"close"


def test_a_delivery_of_githubs_may_be_larger() -> None:
    body = b" " * (2 << 20)

    async def receive() -> Any:
        return {"type": "http.request", "body": body, "more_body": False}

    guard = Guard(ok, Development(), Limits(), None)
    for path, code in [("/github/webhook", 200), ("/api", 413)]:
        sent = asyncio.run(
            asked(guard, headers={"content-length": str(len(body))}, receive=receive, path=path)
        )
        assert status(sent)[0] == code


def test_an_answer_that_does_not_come_ends_in_time() -> None:
    async def stuck(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.Event().wait()

    code, _ = status(
        asyncio.run(asked(Guard(stuck, Development(), QUICK, None), headers={}, receive=empty))
    )
    assert code == 503


def test_a_defect_tells_its_place_to_the_log_alone(capfd: pytest.CaptureFixture[str]) -> None:
    async def broken(scope: Any, receive: Any, send: Any) -> None:
        raise KeyError("a secret of the request")

    sent = asyncio.run(asked(Guard(broken, Development(), QUICK, None), headers={}, receive=empty))
    assert status(sent)[0] == 500
    logged = capfd.readouterr().err
    assert "request-failed" in logged
    assert "test_parts.py" in logged
    assert "a secret" not in logged
    assert b"KeyError" not in sent[1]["body"]


def test_more_requests_at_once_than_are_taken_wait_for_nothing() -> None:
    release = asyncio.Event()

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        await release.wait()
        await ok(scope, receive, send)

    async def story() -> list[int]:
        guard = Guard(slow, Development(), QUICK, None)
        first = asyncio.ensure_future(asked(guard, headers={}, receive=empty))
        await asyncio.sleep(0)
        second = await asked(guard, headers={}, receive=empty)
        release.set()
        return [status(await first)[0], status(second)[0]]

    assert asyncio.run(story()) == [200, 503]


def test_the_bucket_fills_with_time() -> None:
    now = [0.0]
    rates = Rates(2.0, 3, lambda: now[0])
    assert [rates.take("a") for _ in range(4)] == [0.0, 0.0, 0.0, 0.5]
    assert rates.wait("a") == 0.5
    assert rates.take("b") == 0.0
    now[0] = 0.5
    assert rates.take("a") == 0.0
    now[0] = 60.0
    assert [rates.take("a") for _ in range(4)] == [0.0, 0.0, 0.0, 0.5]


def test_who_speaks_for_a_repository_alone_has_its_roles_alone() -> None:
    caller = Identity(key="x", roles=frozenset({"viewer"}), repository="octo/app")
    caller.may("viewer")
    with pytest.raises(Refused) as refused:
        caller.may("operator")
    assert refused.value.status == 403


class Failing:
    """A worker that fails a few times and then works."""

    name = "failing"

    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.works = threading.Event()

    def run(self, stop: threading.Event) -> None:
        if self.failures:
            self.failures -= 1
            raise RuntimeError("not yet")
        self.works.set()
        stop.wait()


def test_a_worker_that_fails_is_started_again_and_ends_when_told(
    capfd: pytest.CaptureFixture[str],
) -> None:
    workers, worker = Workers(), Failing(1)
    workers.start(worker)
    assert worker.works.wait(10)
    workers.end()
    assert not [each for each in threading.enumerate() if each.name == "failing"]
    assert "RuntimeError: not yet" in capfd.readouterr().err


def decision(number: int, **request: Any) -> Decision:
    made = undecided(
        None,
        (PolicyRef(name=None, sha256=None), CalendarRef(sha256=None, weddings=None)),
        Request(action=Action.DEPLOY, invoker="automation", **request),
        utc_now(),
        (),
    )
    return msgspec.structs.replace(made, id=f"id-{number}", recorded=True)


def test_recent_decisions_are_bounded_and_forgotten() -> None:
    recent = Recent(most=3)
    for number in range(5):
        recent.add(decision(number))
    assert [each.id for each in recent.newest_first()] == ["id-4", "id-3", "id-2"]
    recent.forget(["id-3", "unknown"])
    assert [each.id for each in recent.newest_first()] == ["id-4", "id-2"]
    assert recent.get("id-3") is None


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (Filter(), True),
        (Filter(kind="decision", verdict="undecided", effect="block"), True),
        (Filter(verdict="deny"), False),
        (Filter(effect="allow"), False),
        (Filter(actor="ada", repository="octo/app"), True),
        (Filter(actor="eve"), False),
        (Filter(repository="octo/other"), False),
    ],
)
def test_a_filter_means_for_memory_what_it_means_for_the_ledger(
    wanted: Filter, found: bool
) -> None:
    assert matches(decision(1, actor="ada", repository="octo/app"), wanted) is found
