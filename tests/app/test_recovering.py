"""Deliveries that failed are asked for again, for as long as that makes sense."""

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from github import GithubException

from gate.github.client import App, Connection
from gate.service.github.recovering import MOST_ATTEMPTS, Recovering
from tests.app.redelivery import Hook
from tests.app.scene import SATURDAY, SetTiming
from tests.github.fake import FakeGitHub
from tests.service.until import until

EARLIER = SATURDAY - timedelta(minutes=5)


@pytest.fixture(scope="module")
def pem() -> tuple[rsa.RSAPublicKey, str]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    text = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    return key.public_key(), text.decode()


@pytest.fixture(params=["", "/api/v3"])
def fake(request: pytest.FixtureRequest) -> Iterator[FakeGitHub]:
    with FakeGitHub(prefix=request.param) as server:
        yield server


@pytest.fixture
def hook(fake: FakeGitHub) -> Hook:
    return Hook(fake)


@pytest.fixture
def app(fake: FakeGitHub, pem: tuple[rsa.RSAPublicKey, str]) -> Iterator[Connection]:
    fake.add_app("4711", pem[0], "acme/bookings")
    made = Connection(App(app_id="4711", key_pem=pem[1]), fake.url, timeout_seconds=2)
    yield made
    made.close()


def turn(app: Connection) -> int:
    return Recovering(app).turn(app.integration().requester, SetTiming())


def test_what_failed_is_delivered_again_once(app: Connection, hook: Hook) -> None:
    lost = hook.failed("a", EARLIER)
    hook.failed("b", EARLIER)
    hook.failed("b", EARLIER, status=202)
    hook.failed("c", EARLIER, event="push")
    hook.failed("d", SATURDAY - timedelta(seconds=5))
    hook.failed("e", SATURDAY - timedelta(days=4))
    refused = hook.failed("f", EARLIER, status=0)
    assert turn(app) == 2
    assert hook.repeated == [lost, refused]


def test_what_keeps_failing_is_left_alone(app: Connection, hook: Hook) -> None:
    for _ in range(MOST_ATTEMPTS):
        hook.failed("a", EARLIER)
    assert turn(app) == 0


def test_all_pages_are_read(app: Connection, hook: Hook) -> None:
    lost = hook.failed("a", SATURDAY - timedelta(hours=2))
    for number in range(250):
        hook.failed(f"b{number}", EARLIER, status=202)
    assert turn(app) == 1
    assert hook.repeated == [lost]
    assert hook.asked_for == 3


def test_a_refusal_is_an_error(app: Connection, hook: Hook) -> None:
    hook.failed("a", EARLIER)
    hook.redeliver = lambda _: 422
    with pytest.raises(GithubException):
        turn(app)


def test_it_goes_on_after_failures(app: Connection, hook: Hook, fake: FakeGitHub) -> None:
    hook.failed("a", EARLIER)
    fake.fail("GET", "deliveries", status=500)
    fake.fail("GET", "deliveries", status=200, body={"no": "list"})
    stop = threading.Event()
    thread = threading.Thread(target=Recovering(app, timing=SetTiming()).run, args=[stop])
    thread.start()
    try:
        until(lambda: hook.repeated, 10, "delivered again")
    finally:
        stop.set()
        thread.join(10)
    assert not thread.is_alive()
