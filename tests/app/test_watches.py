"""A server's watches: of each repository that is delivered of, before a restart and after it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from gate.github.client import Connection, Token
from gate.github.timing import RealTiming
from gate.service.github.watches import Watches, delivered_of
from gate.store.errors import StoreUnavailable
from tests.app.court import Court
from tests.app.payloads import REPOSITORY, check_run, pull_request
from tests.app.scene import Scene
from tests.github.fake import FakeGitHub, Repository
from tests.github.fake.server import TOKEN
from tests.service.until import until

SHA = "b" * 40
OPEN = "version: 1\ntimezone: Europe/London\nwindows: []\nlevel_lock: {at: never}\n"


@pytest.fixture
def reached(fake: FakeGitHub) -> Iterator[Connection]:
    made = Connection(Token(token=TOKEN), fake.url, timeout_seconds=2)
    yield made
    made.close()


@pytest.fixture
def opened(court: Court) -> Court:
    court.policy_file.write_text(OPEN)
    court.read()
    return court


@contextmanager
def running(watches: Watches) -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(target=watches.run, args=[stop])
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(10)
    assert not thread.is_alive()


def test_a_repository_is_watched_from_its_first_delivery(
    reached: Connection, opened: Court, fake: FakeGitHub
) -> None:
    watches = Watches(reached, opened, known=list)
    fake.repository.pull(1, SHA)
    with running(watches):
        watches.resync("acme/bookings", None)
        until(lambda: fake.repository.states() == {SHA: "completed"}, 10, "the check is written")
        fake.repository.rerequest(SHA)
        watches.resync("Acme/Bookings", SHA)
        until(lambda: fake.repository.states() == {SHA: "completed"}, 10, "and written again")
    assert {each.path.split("/")[2] for each in fake.asked()} == {"acme"}


def test_what_was_watched_is_watched_after_a_restart(
    reached: Connection, opened: Court, fake: FakeGitHub
) -> None:
    fake.repositories["acme/menus"] = Repository(name="acme/menus")
    fake.repositories["acme/menus"].pull(1, SHA)
    answers: list[list[str]] = [["acme/menus"]]

    def known() -> list[str]:
        if len(answers) == 1:
            answers.append([])
            raise StoreUnavailable("not yet")
        return answers[0]

    with running(Watches(reached, opened, known=known)):
        until(lambda: fake.repositories["acme/menus"].states() == {SHA: "completed"}, 15)


def test_the_repositories_are_those_of_the_deliveries(scene: Scene) -> None:
    assert delivered_of(scene.where) == []
    scene.timing.at = RealTiming().now()
    scene.receive("check_run", check_run())
    scene.receive("pull_request", pull_request())
    scene.receive(
        "pull_request", pull_request(repository={**REPOSITORY, "full_name": "acme/menus"})
    )
    assert delivered_of(scene.where) == ["acme/bookings", "acme/menus"]
