"""A database, a fake of GitHub with deployments, a clock that is set, and a gate with rules."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gate.github.client import Connection, Token
from gate.github.webhook.signature import Secrets
from gate.service.github.deliveries import Receiver
from gate.store.connect import Target
from tests.app.court import Court
from tests.app.deployments import Deployments
from tests.app.scene import Scene, SetTiming
from tests.github.fake import FakeGitHub
from tests.github.fake.server import TOKEN
from tests.schemas import connection as database
from tests.schemas import where

__all__ = ["database", "where"]


@pytest.fixture
def fake() -> Iterator[FakeGitHub]:
    with FakeGitHub() as server:
        yield server


@pytest.fixture
def deployments(fake: FakeGitHub) -> Deployments:
    return Deployments(fake)


@pytest.fixture
def court(tmp_path: Path, where: Target) -> Iterator[Court]:
    with Court(tmp_path, where) as made:
        yield made


@pytest.fixture
def secrets() -> Secrets:
    return Secrets([b"of the test"])


@pytest.fixture
def receiver(where: Target, secrets: Secrets) -> Iterator[Receiver]:
    made = Receiver(where, secrets)
    yield made
    made.close()


@pytest.fixture
def scene(
    where: Target,
    court: Court,
    secrets: Secrets,
    receiver: Receiver,
    fake: FakeGitHub,
    deployments: Deployments,
) -> Iterator[Scene]:
    reached = Connection(Token(token=TOKEN), fake.url, timeout_seconds=2)
    timing = SetTiming()
    fake.monotonic = timing.monotonic
    made = Scene(where, reached, court, secrets, receiver, fake, deployments, timing)
    with made:
        yield made
    reached.close()
