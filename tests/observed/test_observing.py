"""A worker's policy and calendar with observed load: read, asked, kept over a restart."""

import threading
from pathlib import Path

import pytest

from gate.core.instants import format_instant, from_micros, micros
from gate.inputs import Compiled
from gate.service.clock import utc_now
from gate.service.following import Following
from gate.service.load.observing import Observing
from gate.service.load.watch import Watch
from tests.service.until import until


class Scene:
    """A policy that observes a file, a calendar without weddings, and who follows them."""

    def __init__(self, folder: Path) -> None:
        self.load = folder / "load.csv"
        self.policy, calendar = folder / "policy.yaml", folder / "weddings.csv"
        calendar.write_text("id,date,timezone\n")
        self.say(f"load: {{observed: {{source: csv, file: '{self.load}'}}}}\n")
        self.rows: list[str] = []
        self.see(10)
        self.following = Following(str(self.policy), [str(calendar)])
        self.observing = Observing(self.following, Watch({}), every_seconds=0.01)

    def say(self, more: str) -> None:
        self.policy.write_text(f"version: 1\ntimezone: Europe/London\nwindows: []\n{more}")

    def see(self, units: int) -> None:
        """An observation of now, beside those that there are."""
        now = format_instant(from_micros(micros(utc_now())))
        self.rows.append(f"{now},{units}\n")
        self.load.write_text("timestamp,value\n" + "".join(self.rows))

    def units(self, found: Compiled | None) -> float:
        assert found is not None
        demand = found.timeline.calendar.demand
        return demand.units[demand.index(micros(utc_now()))]


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def test_what_was_seen_counts_from_the_first_look(scene: Scene) -> None:
    scene.see(900)
    scene.observing.wait(threading.Event())
    assert scene.units(scene.observing.look()) == 900
    assert scene.observing.look() is None


def test_what_is_seen_later_is_told(scene: Scene) -> None:
    stop = threading.Event()
    scene.observing.wait(stop)
    assert scene.units(scene.observing.look()) == 10
    thread = threading.Thread(target=scene.observing.run, args=[stop])
    thread.start()
    try:
        scene.see(1200)
        seen: list[Compiled] = []

        def is_raised() -> bool:
            seen.extend(filter(None, [scene.observing.look()]))
            return bool(seen) and scene.units(seen[-1]) == 1200

        until(is_raised)
    finally:
        stop.set()
        scene.observing.end()
        thread.join()


def test_a_policy_that_observes_nothing_any_more_is_followed(scene: Scene) -> None:
    scene.see(900)
    scene.observing.wait(threading.Event())
    assert scene.units(scene.observing.look()) == 900
    scene.say("name: without\n")
    found = scene.observing.look()
    assert scene.units(found) == 0
    assert found is not None
    assert found.facts.observed is None


def test_what_is_wrong_with_the_policy_is_passed_on(scene: Scene) -> None:
    scene.observing.wait(threading.Event())
    assert scene.observing.look() is not None
    scene.say("led: 2h\n")
    assert scene.observing.look() is None
    assert "led" in str(scene.observing.trouble)
    assert scene.observing.unreadable is scene.following.unreadable is not None
    assert scene.observing.lost is None
