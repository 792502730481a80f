"""Changes of heads are passed on once, on one server, and again where that failed."""

import threading
from datetime import timedelta

import psycopg
import pytest

from gate.service.github.changed import MOST_ATTEMPTS, PassingOn
from gate.store.connect import connect
from tests.app.payloads import REPOSITORY, SHA, check_run, merge_group, pull_request
from tests.app.scene import Scene
from tests.service.until import until


class Noted:
    """What was passed on; ``failing`` times it raises first."""

    def __init__(self, failing: int = 0) -> None:
        self.got: list[tuple[str, str | None]] = []
        self.failing = failing

    def __call__(self, repository: str, sha: str | None) -> None:
        if self.failing:
            self.failing -= 1
            raise RuntimeError("not now")
        self.got.append((repository, sha))


def states(scene: Scene) -> list[tuple[str, int]]:
    rows = scene.database.execute("SELECT state, attempts FROM github_deliveries")
    return [(state, attempts) for state, attempts in rows]


def turn(scene: Scene, noted: Noted, seconds: float = 0.0) -> int:
    passing = PassingOn(scene.where, noted, share=lambda: 1.0)
    return passing.turn(scene.database, scene.timing.now() + timedelta(seconds=seconds))


def test_each_is_passed_on_once(scene: Scene) -> None:
    other = {**REPOSITORY, "full_name": "acme/menus"}
    scene.receive("check_run", check_run())
    scene.receive("pull_request", pull_request())
    scene.receive("pull_request", pull_request(repository=other))
    scene.receive("merge_group", merge_group("destroyed"))
    noted = Noted()
    assert turn(scene, noted) == 4
    assert sorted(noted.got, key=str) == [
        ("acme/bookings", SHA), ("acme/bookings", None), ("acme/menus", SHA)
    ]  # fmt: skip
    assert turn(scene, noted) == 0
    assert states(scene) == [("done", 1)] * 4


def test_what_fails_is_passed_on_again_later(scene: Scene) -> None:
    scene.receive("check_run", check_run())
    noted = Noted(failing=2)
    for seconds in (0.0, 0.5, 1.0, 2.5, 3.0):
        turn(scene, noted, seconds)
    assert noted.got == [("acme/bookings", SHA)]
    assert states(scene) == [("done", 3)]


def test_what_keeps_failing_is_given_up(scene: Scene) -> None:
    scene.receive("check_run", check_run())
    noted = Noted(failing=MOST_ATTEMPTS + 1)
    for minutes in range(MOST_ATTEMPTS + 3):
        turn(scene, noted, minutes * 60.0)
    assert noted.got == []
    assert states(scene) == [("failed", MOST_ATTEMPTS)]


def test_two_servers_share_them(scene: Scene) -> None:
    scene.receive("check_run", check_run())
    noted, other = Noted(), Noted()
    with connect(scene.where) as second:

        def meanwhile(repository: str, sha: str | None) -> None:
            noted(repository, sha)
            PassingOn(scene.where, other).turn(second, scene.timing.now())

        PassingOn(scene.where, meanwhile).turn(scene.database, scene.timing.now())
    assert noted.got == [("acme/bookings", SHA)]
    assert other.got == []


def test_it_runs_until_it_is_told_to_stop(scene: Scene) -> None:
    noted = Noted()
    passing = PassingOn(scene.where, noted, timing=scene.timing)
    stop = threading.Event()
    thread = threading.Thread(target=passing.run, args=[stop])
    thread.start()
    try:
        scene.receive("check_run", check_run())
        until(lambda: noted.got, 10, "the change is passed on")
    finally:
        stop.set()
        thread.join(10)
    assert not thread.is_alive()


@pytest.mark.parametrize("change", ["state = 'waiting'", "sha = 'x'", "repository = 'x'"])
def test_the_database_refuses_what_makes_no_sense(scene: Scene, change: str) -> None:
    scene.receive("check_run", check_run())
    turn(scene, Noted())
    with pytest.raises(psycopg.errors.CheckViolation):
        scene.database.execute(f"UPDATE github_deliveries SET {change}")
