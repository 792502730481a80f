"""What stands in a process that is no webhook: files, and what the database says."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gate.core.decision import ManualLock
from gate.inputs import Compiled, Unreadable
from gate.service.feed import Inputs
from gate.service.standings import Standings

NOON = datetime(2026, 6, 16, 12, tzinfo=UTC)
POLICY = "version: 1\ntimezone: Europe/London\n"
LOCK = ManualLock(id="1", start=NOON, end=None, by="alice", reason="the cake fell over")
Names = Standings[str | None]


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    policy, calendar = tmp_path / "policy.yaml", tmp_path / "weddings.csv"
    policy.write_text(POLICY)
    calendar.write_text("id,date,timezone\n")
    return policy, calendar


def replaced(path: Path, text: str) -> None:
    """Write a file as people's tools do: a new one in the old one's place."""
    fresh = path.with_suffix(".new")
    fresh.write_text(text)
    fresh.replace(path)


def name_of(inputs: Compiled | Unreadable) -> str | None:
    return inputs.policy.name if inputs.policy else None


def live(
    policy: Path | None, calendars: list[Path], story: Callable[[Names], Awaitable[None]]
) -> None:
    """Bring inputs into force while the story is told."""

    async def run() -> None:
        standings = Standings(
            str(policy) if policy else None,
            [str(path) for path in calendars],
            derive=name_of,
            look_seconds=0.01,
        )
        await standings.load()
        tasks = [asyncio.ensure_future(w) for w in (standings.follow(), standings.take_turns())]
        try:
            await asyncio.wait_for(story(standings), 20)
        finally:
            for task in tasks:
                task.cancel()

    asyncio.run(run())


async def until(found: Callable[[], object]) -> None:
    while not found():
        await asyncio.sleep(0.005)


def test_files_are_followed_and_what_is_derived_with_them(files: tuple[Path, Path]) -> None:
    policy, calendar = files

    async def story(standings: Names) -> None:
        assert isinstance(standings.inputs, Compiled)
        assert standings.current is None
        replaced(policy, f"{POLICY}name: shop\n")
        await until(lambda: standings.current == "shop")

    live(policy, [calendar], story)


def test_a_bad_edit_is_refused_until_it_is_mended(files: tuple[Path, Path]) -> None:
    policy, calendar = files

    async def story(standings: Names) -> None:
        good = standings.inputs
        replaced(policy, "version: 2\n")
        await until(lambda: standings.refused)
        assert standings.inputs is good
        replaced(policy, f"{POLICY}name: mended\n")
        await until(lambda: standings.current == "mended")
        assert standings.refused == ()

    live(policy, [calendar], story)


def test_what_the_database_says_is_in_force_before_it_is_told(files: tuple[Path, Path]) -> None:
    policy, calendar = files

    async def story(standings: Names) -> None:
        assert isinstance(standings.inputs, Unreadable)
        assert not standings.told_of_database.is_set()
        told = Inputs(
            policy_path=str(policy),
            calendar_path=str(calendar),
            calendar_sha256="d" * 64,
            locks=(LOCK,),
            read_at=NOON,
        )
        standings.take(told)
        await standings.told_of_database.wait()
        assert isinstance(standings.inputs, Compiled)
        assert standings.inputs.timeline.locks == (LOCK,)
        assert standings.inputs.facts.calendar.sha256 == "d" * 64

    live(None, [], story)


def test_files_that_are_named_outdo_the_database(files: tuple[Path, Path]) -> None:
    policy, calendar = files

    async def story(standings: Names) -> None:
        told = Inputs(policy_path="/none", calendar_path="/none", locks=(LOCK,), read_at=NOON)
        standings.take(told)
        await standings.told_of_database.wait()
        assert isinstance(standings.inputs, Compiled)
        assert standings.inputs.timeline.locks == (LOCK,)
        assert standings.refused == ()

    live(policy, [calendar], story)
