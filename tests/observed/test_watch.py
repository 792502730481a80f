"""What a server sees of a source, and what it makes of that while it decides."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gate.core.decision import Decision, Request
from gate.core.instants import format_instant, from_micros
from gate.core.policy import Action, Policy
from gate.inputs import Compiled, compile_inputs
from gate.service.load.watch import Watch
from gate.service.standings import Standings
from tests.observed.build import MINUTE, us

NOON = us("2026-02-14T12:00:00Z")
SATURDAY = "level_lock: {at: never}\n"


class Scene:
    """A policy over a CSV file, an instant, and a watch."""

    def __init__(self, folder: Path, windows: str = SATURDAY) -> None:
        self.now = NOON
        self.load = folder / "load.csv"
        self.policy, self.calendar = folder / "policy.yaml", folder / "weddings.csv"
        self.calendar.write_text("id,date,timezone\n")
        self.load.write_text("timestamp,value\n")
        self.write(windows)
        self.watch = Watch({}, clock=lambda: from_micros(self.now))

    def write(self, windows: str, more: str = "") -> None:
        self.policy.write_text(
            f"version: 1\ntimezone: Europe/London\n{windows}load:\n"
            f"  observed: {{source: csv, file: '{self.load}'{more}}}\n"
        )

    def add(self, *rows: tuple[int, float]) -> None:
        with self.load.open("a") as file:
            file.writelines(f"{format_instant(from_micros(at))},{value}\n" for at, value in rows)

    def inputs(self) -> Compiled:
        return compile_inputs(str(self.policy), [str(self.calendar)])

    def seen(self) -> list[tuple[int, int]]:
        inputs = self.inputs()
        self.watch.look(inputs)
        told = self.watch.seen(inputs.policy)
        return sorted(
            ((each.at - NOON) // MINUTE, int(each.units)) for each in told.observations
        )  # fmt: skip

    def trouble(self) -> str | None:
        return self.watch.seen(self.rules()).trouble

    def rules(self) -> Policy:
        return self.inputs().policy


def test_it_begins_with_what_was_seen_in_the_window_before(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    # The window began twelve hours ago, and the hold is one hour.
    scene.add((NOON - 781 * MINUTE, 1), (NOON - 780 * MINUTE, 2), (NOON - 90 * MINUTE, 3))
    assert scene.seen() == [(-780, 2), (-90, 3)]


def test_it_adds_what_is_new_and_forgets_what_makes_no_difference(tmp_path: Path) -> None:
    scene = Scene(tmp_path, "windows: []\n")
    scene.add((NOON - 59 * MINUTE, 1))
    assert scene.seen() == [(-59, 1)]
    scene.now += 2 * MINUTE
    scene.add((NOON + 1 * MINUTE, 3), (NOON + 2 * MINUTE, 2), (NOON + 9 * MINUTE, 7))
    assert scene.seen() == [(1, 3), (2, 2)]
    scene.now = NOON + 30 * MINUTE
    assert scene.seen() == [(1, 3), (2, 2), (9, 7)]


def test_what_is_written_late_behind_the_last_instant_is_still_seen(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.add((NOON - 10 * MINUTE, 1))
    scene.seen()
    scene.add((NOON - 5 * MINUTE, 9))
    assert scene.seen() == [(-10, 1), (-5, 9)]


def test_a_window_that_is_new_makes_it_look_further_back(tmp_path: Path) -> None:
    scene = Scene(tmp_path, "windows: []\n")
    scene.add((NOON - 300 * MINUTE, 1), (NOON - 1 * MINUTE, 2))
    assert scene.seen() == [(-1, 2)]
    scene.write(SATURDAY)
    assert scene.seen() == [(-300, 1), (-1, 2)]


def test_another_source_begins_anew(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.add((NOON, 1))
    assert scene.seen() == [(0, 1)]
    scene.write(SATURDAY, ", units_per_value: 2")
    assert scene.watch.seen(scene.rules()).observations == ()
    assert scene.seen() == [(0, 2)]


def test_a_source_that_fails_and_comes_back_is_logged_once_each(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    scene = Scene(tmp_path)
    scene.add((NOON, 1))
    scene.load.rename(tmp_path / "elsewhere")
    assert scene.seen() == scene.seen() == []
    assert "cannot be read" in str(scene.trouble())
    (tmp_path / "elsewhere").rename(scene.load)
    assert scene.seen() == scene.seen() == [(0, 1)]
    assert scene.trouble() is None
    events = [json.loads(line)["event"] for line in capfd.readouterr().err.splitlines()]
    assert events == ["load-source-failed", "load-source-answers"]


def test_what_was_seen_raises_what_a_server_decides_by(tmp_path: Path) -> None:
    scene = Scene(tmp_path, "windows: []\n")
    now = datetime.now(UTC)

    def decision(standings: Standings[None]) -> Decision:
        return standings.inputs.decide(
            Request(action=Action.DEPLOY, invoker="automation"), datetime.now(UTC)
        )

    async def story() -> None:
        standings = Standings[None](
            str(scene.policy), [str(scene.calendar)], derive=lambda _: None,
            look_seconds=0.01, watch=Watch({}), watch_seconds=0.01,
        )  # fmt: skip
        await standings.load()
        assert not standings.told_of_load.is_set()
        tasks = [asyncio.ensure_future(w) for w in (standings.follow(), standings.observe())]
        try:
            await standings.told_of_load.wait()
            first = decision(standings)
            assert (first.verdict, first.level) == ("allow", "NORMAL")
            assert first.load is not None
            assert first.load.observed
            assert first.load.observed.state == "missing"
            scene.add((us(format_instant(now.replace(microsecond=0))), 2000))
            while decision(standings).level != "MAXIMUM":
                await asyncio.sleep(0.01)
            raised = decision(standings)
            assert (raised.verdict, raised.reasons[0].code) == ("deny", "level")
            kept = standings.inputs
            assert isinstance(kept, Compiled)
            scene.policy.write_text(scene.policy.read_text() + "name: mended\n")
            while decision(standings).policy.name != "mended":
                await asyncio.sleep(0.01)
            assert decision(standings).level == "MAXIMUM"
            assert raised.load is not None
            assert raised.load.observed
            assert raised.load.observed.until is not None
            assert raised.load.observed.until - now >= timedelta(minutes=59)
        finally:
            for task in tasks:
                task.cancel()

    asyncio.run(asyncio.wait_for(story(), 20))


def test_the_timeline_is_kept_while_nothing_is_raised_anew(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.add((NOON - 60 * MINUTE, 900))

    async def story() -> None:
        standings = Standings[None](
            str(scene.policy), [str(scene.calendar)], derive=lambda _: None,
            watch=scene.watch, watch_seconds=0.001,
        )  # fmt: skip
        await standings.load()
        task = asyncio.ensure_future(standings.observe())
        await standings.told_of_load.wait()
        first = standings.inputs
        scene.add((NOON, 5))
        assert _state(first) == "stale"
        while _state(standings.inputs) != "fresh":
            await asyncio.sleep(0.001)
        assert isinstance(first, Compiled)
        assert isinstance(standings.inputs, Compiled)
        assert standings.inputs.timeline is first.timeline
        task.cancel()

    asyncio.run(asyncio.wait_for(story(), 20))


def _state(inputs: object) -> str | None:
    assert isinstance(inputs, Compiled)
    return inputs.facts.observed.state if inputs.facts.observed else None
