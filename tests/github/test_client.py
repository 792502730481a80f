"""Credentials, addresses, Apps: how GitHub is reached."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

from gate.core.problems import InputError
from gate.github.calls import Caller, Limits
from gate.github.checks.settling import Memory
from gate.github.checks.sweep import sweep
from gate.github.client import App, Connection, Token, api_url, credentials
from tests.github.conftest import JumpingTiming, locked
from tests.github.fake import FakeGitHub
from tests.github.fake.server import TOKEN, Asked, Reply


def pem(key: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture
def app(fake: FakeGitHub, key: rsa.RSAPrivateKey) -> Iterator[Connection]:
    fake.add_app("4711", key.public_key(), "acme/bookings")
    made = Connection(App(app_id="4711", key_pem=pem(key)), fake.url, timeout_seconds=5)
    yield made
    made.close()


def test_a_token_goes_before_an_app() -> None:
    found = credentials({"GITHUB_TOKEN": " ghs_x\n", "GATE_GITHUB_APP_ID": "1"})
    assert found == Token(token="ghs_x")


def test_an_apps_key_is_pem_or_a_file(key: rsa.RSAPrivateKey, tmp_path: Path) -> None:
    text = pem(key)
    path = tmp_path / "key.pem"
    path.write_text(text)
    for given in (text, str(path), text.replace("\n", "\\n")):
        found = credentials({"GATE_GITHUB_APP_ID": "4711", "GATE_GITHUB_APP_KEY": given})
        assert found == App(app_id="4711", key_pem=text)


@pytest.mark.parametrize(
    ("environ", "field"),
    [
        ({}, "GITHUB_TOKEN"),
        ({"GITHUB_TOKEN": ""}, "GITHUB_TOKEN"),
        ({"GITHUB_TOKEN": "two words"}, "GITHUB_TOKEN"),
        ({"GATE_GITHUB_APP_ID": "1"}, "GATE_GITHUB_APP_KEY"),
        ({"GATE_GITHUB_APP_KEY": "x"}, "GATE_GITHUB_APP_ID"),
        ({"GATE_GITHUB_APP_ID": "1", "GATE_GITHUB_APP_KEY": "/no/file"}, "GATE_GITHUB_APP_KEY"),
        ({"GATE_GITHUB_APP_ID": "a b", "GATE_GITHUB_APP_KEY": "x"}, "GATE_GITHUB_APP_ID"),
        (
            {
                "GATE_GITHUB_APP_ID": "1",
                "GATE_GITHUB_APP_KEY": pem(ed25519.Ed25519PrivateKey.generate()),
            },
            "GATE_GITHUB_APP_KEY",
        ),
    ],
)
def test_what_is_missing_or_wrong_is_named(environ: dict[str, str], field: str) -> None:
    with pytest.raises(InputError) as caught:
        credentials(environ)
    (problem,) = caught.value.problems
    assert problem.field == field
    for value in environ.values():
        assert not value or value not in str(problem)


def test_credentials_do_not_show_in_messages(key: rsa.RSAPrivateKey) -> None:
    assert "secret" not in repr(Token(token="secret"))
    assert "PRIVATE" not in repr(App(app_id="1", key_pem=pem(key)))


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("", "https://api.github.com"),
        ("https://ghe.example.com/api/v3/", "https://ghe.example.com/api/v3"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://localhost:1/api/v3", "http://localhost:1/api/v3"),
        ("http://[::1]:1", "http://[::1]:1"),
        ("http://github.internal", "http://github.internal"),
    ],
)
def test_an_address(given: str, url: str) -> None:
    assert api_url({"GITHUB_API_URL": given}) == url


@pytest.mark.parametrize(
    "given",
    [
        "ghe.example.com",
        "ftp://ghe.example.com",
        "https://user:secret@ghe.example.com",
        "https://ghe.example.com/?x=1",
        "https://ghe.example.com:port",
        "http://api.github.com",
        "http://8.8.8.8",
        "https://a b",
        "https://",
        "https://[::1",
    ],
)
def test_what_is_no_address(given: str) -> None:
    with pytest.raises(InputError, match="GITHUB_API_URL"):
        api_url({"GITHUB_API_URL": given})


def test_an_app_works_with_one_installation_token(fake: FakeGitHub, app: Connection) -> None:
    for number in range(1, 41):
        fake.repository.pull(number)
    caller = Caller(
        app, "acme/bookings", timing=JumpingTiming(), limits=Limits(fake.url), seconds=45
    )
    assert sweep(caller, locked(), None, Memory()).complete
    assert len(fake.asked("POST", "access_tokens")) == 1
    assert len(fake.asked("GET", "/installation$")) == 1
    assert {run["app"]["id"] for run in fake.repository.runs} == {4711}


def test_a_token_near_its_end_is_renewed(fake: FakeGitHub, app: Connection) -> None:
    fake.token_seconds = 10
    caller = Caller(
        app, "acme/bookings", timing=JumpingTiming(), limits=Limits(fake.url), seconds=45
    )
    for _ in range(3):
        assert caller.get("/repos/acme/bookings").ok
    assert len(fake.asked("POST", "access_tokens")) == 3
    assert len({each.token for each in fake.asked("GET", "/repos/acme/bookings$")}) == 3


def test_an_app_that_is_not_installed(fake: FakeGitHub, app: Connection) -> None:
    fake.installations.clear()
    caller = Caller(
        app, "acme/bookings", timing=JumpingTiming(), limits=Limits(fake.url), seconds=45
    )
    assert "404" in str(sweep(caller, locked(), None, Memory()).stopped)


def test_a_key_that_is_not_the_apps(fake: FakeGitHub, app: Connection) -> None:
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    fake.apps["4711"] = other.public_key()
    caller = Caller(
        app, "acme/bookings", timing=JumpingTiming(), limits=Limits(fake.url), seconds=45
    )
    assert "credentials" in str(sweep(caller, locked(), None, Memory()).stopped)


def test_each_thread_has_a_client_of_its_own(connection: Connection) -> None:
    with ThreadPoolExecutor(4) as pool:
        made = set(pool.map(lambda _: id(connection.github("a/b")), range(50)))
    assert len(made) <= 4
    assert connection.github("a/b") is connection.github("c/d")


def test_an_address_with_a_path(timing: JumpingTiming) -> None:
    with FakeGitHub(prefix="/api/v3") as server:
        for number in range(1, 151):
            server.repository.pull(number)
        connection = Connection(Token(token=TOKEN), server.url)
        caller = Caller(
            connection, "acme/bookings", timing=timing, limits=Limits(server.url), seconds=45
        )
        swept = sweep(caller, locked(), None, Memory())
        connection.close()
    assert swept.complete
    assert len(swept.outcomes) == 150


def test_a_renamed_repository_is_followed(
    fake: FakeGitHub, connection: Connection, timing: JumpingTiming
) -> None:
    def moved(asked: Asked) -> Reply:
        there = f"{fake.url}/repos/acme/bookings{asked.match['rest']}"
        return Reply(301, {"message": "Moved Permanently"}, {"Location": there})

    for verb in ("GET", "POST", "PATCH"):
        fake.route(verb, r"/repos/acme/old(?P<rest>.*)", moved)
    for number in range(1, 131):
        fake.repository.pull(number)
    caller = Caller(connection, "acme/old", timing=timing, limits=Limits(fake.url), seconds=45)
    swept = sweep(caller, locked(), None, Memory())
    assert swept.complete
    assert len(swept.outcomes) == 130


@pytest.mark.parametrize(
    "location", ["https://127.0.0.1/x", "http://evil.test/x", "/repos/acme/bookings/pulls"]
)
def test_a_redirect_elsewhere_is_not_followed(
    fake: FakeGitHub, connection: Connection, timing: JumpingTiming, location: str
) -> None:
    fake.fail("GET", "/pulls", status=301, headers={"Location": location}, times=None)
    caller = Caller(connection, "acme/bookings", timing=timing, limits=Limits(fake.url), seconds=45)
    assert not sweep(caller, locked(), ["main"], Memory()).complete
    assert len(fake.log) <= 2
