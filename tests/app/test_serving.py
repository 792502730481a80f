"""`gate serve` as a process, an App at a fake of GitHub: deliveries in, answers and checks out."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from gate.github.webhook.signature import Secrets
from gate.store.connect import Target
from tests.api.gate_serve import GateServe, running
from tests.app.deployments import Deployments
from tests.app.payloads import check_run, delivery, pull_request, requested
from tests.app.redelivery import Hook
from tests.github.fake import FakeGitHub
from tests.servers import Reply
from tests.service.until import until
from tests.webhook.inputs import Inputs, write_inputs

APP = "4711"
SECRET = Secrets([b"of the server"])
SHA = "a" * 40


@dataclass
class Installed:
    """Where the App's server starts, and with what."""

    folder: Path
    where: Target
    inputs: Inputs
    environ: dict[str, str]

    def running(self, policy: str, *options: str) -> Any:
        return running(
            self.folder, self.where, *self.inputs(policy), *options, environ=self.environ
        )


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture
def installed(tmp_path: Path, where: Target, fake: FakeGitHub, key: rsa.RSAPrivateKey) -> Installed:
    fake.add_app(APP, key.public_key(), "acme/bookings")
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    return Installed(
        tmp_path,
        where,
        write_inputs(tmp_path),
        {
            "GITHUB_API_URL": fake.url,
            "GITHUB_TOKEN": "",
            "GATE_GITHUB_APP_ID": APP,
            "GATE_GITHUB_APP_KEY": pem.decode(),
            "GATE_GITHUB_WEBHOOK_SECRET": "of the server",
        },
    )


def deliver(server: GateServe, event: str, content: Any) -> Reply:
    headers, body = delivery(event, content, SECRET)
    return server.ask("POST", "/github/webhook", body, headers)


def test_an_app_is_served(installed: Installed, fake: FakeGitHub, deployments: Deployments) -> None:
    hook = Hook(fake)
    run = deployments.ask(12)
    fake.repository.pull(7, SHA)
    with installed.running("open") as server:
        assert deliver(server, "ping", {"zen": "x"}).status == 200
        reply = deliver(server, "deployment_protection_rule", requested(12))
        assert (reply.status, reply.json["status"]) == (202, "accepted")
        until(lambda: run.states == [("production", "approved")], 10, "approved within 10 s")
        pull = {"head": {"sha": SHA}}
        assert deliver(server, "pull_request", pull_request(pull_request=pull)).status == 202
        until(lambda: fake.repository.states() == {SHA: "completed"}, 15, "the check is written")
        fake.repository.rerequest(SHA)
        again = check_run()
        again["check_run"]["head_sha"] = SHA
        assert deliver(server, "check_run", again).status == 202
        until(lambda: fake.repository.states() == {SHA: "completed"}, 10, "and written again")
        assert deliver(server, "push", {}).status == 204
        assert hook.asked_for, "failed deliveries are looked for"
        headers, body = delivery("ping", {}, Secrets([b"another"]))
        refused = server.ask("POST", "/github/webhook", body, headers)
        assert refused.status == 401
        assert refused.headers["content-type"] == "application/problem+json"
        assert server.stop() == 0
    log = (installed.folder / "serve.log").read_text()
    assert "of the server" not in log
    assert "PRIVATE KEY" not in log
    assert "ghs_" not in log
    assert "Traceback" not in log


def test_a_killed_server_remembers_who_waits(
    installed: Installed, deployments: Deployments
) -> None:
    run = deployments.ask(12)
    with installed.running("locked") as server:
        assert deliver(server, "deployment_protection_rule", requested(12)).status == 202
        # A comment is sent again where it is not known that it arrived.
        until(lambda: "github-protection-held" in server.log.read_text(), 10, "why it waits")
        server.kill()
    with installed.running("locked") as server:
        assert deliver(server, "deployment_protection_rule", requested(12)).status == 202
        server.kill()
    with installed.running("open"):
        until(lambda: run.states == [("production", "approved")], 15, "approved when it opens")
    assert len(run.comments) == 1


def test_without_a_secret_the_webhook_is_off(installed: Installed) -> None:
    installed.environ["GATE_GITHUB_WEBHOOK_SECRET"] = ""
    with installed.running("open") as server:
        assert deliver(server, "ping", {}).status == 404


def test_one_server_receives_and_another_works(
    installed: Installed, deployments: Deployments, tmp_path: Path
) -> None:
    run = deployments.ask(12)
    other = Installed(tmp_path / "other", installed.where, installed.inputs, installed.environ)
    other.folder.mkdir()
    with installed.running("open", "--only", "api") as server:
        assert deliver(server, "deployment_protection_rule", requested(12)).status == 202
        with other.running("open", "--only", "workers"):
            until(lambda: run.states == [("production", "approved")], 15, "approved elsewhere")
