"""Appending: durable when answered, many to a write, in segments of their own."""

import asyncio
import os
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest
import uvloop

from gate.core.problems import InputError
from gate.journal.errors import JournalUnavailable
from gate.journal.segment import check_folder
from gate.journal.survey import records_in, survey
from gate.journal.writer import Journal
from tests.journal.support import NOW, ROOT, Waiting, ids_in, opened, record, run, until


def test_what_was_answered_can_be_read_while_the_journal_is_open(folder: Path) -> None:
    async def main() -> None:
        async with opened(folder) as journal:
            one = await record(journal)
            assert ids_in(folder) == [one]
            two, three = await asyncio.gather(record(journal), record(journal))
            assert ids_in(folder) == [one, two, three]
            assert [report.state for report in survey(folder).segments] == ["writing"]
        assert [report.state for report in survey(folder).segments] == ["ended"]
        assert ids_in(folder) == [one, two, three]

    run(main())


def test_the_folder_and_its_files_are_for_their_owner_alone(folder: Path) -> None:
    async def main() -> None:
        async with opened(folder):
            modes = {path.stat().st_mode & 0o777 for path in folder.iterdir()}
        assert modes == {0o600}
        assert folder.stat().st_mode & 0o777 == 0o700

    run(main())


def test_what_waits_goes_into_one_write(folder: Path) -> None:
    disk = Waiting()

    async def main() -> None:
        async with opened(folder, disk=disk) as journal:
            disk.let.clear()
            disk.asked.clear()
            first = asyncio.ensure_future(record(journal))
            await until(disk.asked.is_set)
            others = [asyncio.ensure_future(record(journal)) for _ in range(200)]
            await asyncio.sleep(0)
            assert journal.figures().depth == 201
            disk.let.set()
            await asyncio.gather(first, *others)
            figures = journal.figures()
        assert (figures.records, figures.commits, figures.depth) == (201, 2, 0)
        assert figures.commit_seconds >= figures.slowest_commit_seconds > 0

    run(main())


@pytest.mark.parametrize("loops", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def test_segments_follow_one_another_under_load(folder: Path, loops: object) -> None:
    answered: list[str] = []
    seen: list[int] = []

    async def client(journal: Journal) -> None:
        for _ in range(60):
            answered.append(await record(journal))

    async def main() -> None:
        journal = await Journal.open(
            folder,
            "webhook",
            segment_bytes=64 << 10,
            on_commit=lambda records, _: seen.append(records),
        )
        await asyncio.gather(*(client(journal) for _ in range(32)))
        await journal.close()

    loops(main())  # type: ignore[operator]
    by_segment = defaultdict(list)
    for name, found in records_in(folder):
        by_segment[name].append(found.number)
    assert len(by_segment) > 5
    for numbers in by_segment.values():
        assert numbers == list(range(1, len(numbers) + 1))
    assert sorted(ids_in(folder)) == sorted(answered)
    assert sum(seen) == len(answered) == 32 * 60
    assert all(path.stat().st_size < 200 << 10 for path in folder.iterdir())


def test_closing_makes_durable_what_was_appended(folder: Path) -> None:
    async def main() -> None:
        async with opened(folder) as journal:
            waiting = [journal.append(NOW, str.encode) for _ in range(100)]
            await journal.close()
            assert all(future.done() and future.exception() is None for future in waiting)
            assert journal.usable() is not None
            with pytest.raises(JournalUnavailable, match="closed"):
                journal.append(NOW, str.encode)

    run(main())
    assert survey(folder).records == 100


def test_nothing_is_written_for_who_stopped_waiting(folder: Path) -> None:
    disk = Waiting()

    async def main() -> None:
        async with opened(folder, disk=disk) as journal:
            disk.let.clear()
            disk.asked.clear()
            one = asyncio.ensure_future(record(journal))
            await until(disk.asked.is_set)
            two, three = (asyncio.ensure_future(record(journal)) for _ in range(2))
            await asyncio.sleep(0)
            two.cancel()
            await asyncio.sleep(0)
            disk.let.set()
            kept = [await one, await three]
            assert ids_in(folder) == kept
            assert journal.figures().records == 2
            assert journal.figures().depth == 0

    run(main())


def test_a_record_that_cannot_be_made_is_the_callers_error(folder: Path) -> None:
    def broken(_: str) -> bytes:
        raise InputError.of("no")

    async def main() -> None:
        async with opened(folder) as journal:
            with pytest.raises(InputError, match="no"):
                journal.append(NOW, broken)
            with pytest.raises(InputError, match="more than the ledger takes"):
                journal.append(NOW, lambda _: bytes((1 << 20) + 1))
            await journal.append(NOW, lambda _: bytes(1 << 20))
            await journal.append(NOW, lambda _: b"")
            assert journal.figures().depth == 0

    run(main())
    assert [len(found.payload) for _, found in records_in(folder)] == [1 << 20, 0]


def test_a_slow_disk_is_said_and_costs_bounded_memory(folder: Path) -> None:
    disk = Waiting()

    async def main() -> None:
        async with opened(
            folder, disk=disk, queue_records=50, queue_bytes=10_000, stall_seconds=0.5
        ) as journal:
            disk.let.clear()
            disk.asked.clear()
            waiting = [asyncio.ensure_future(record(journal))]
            await until(disk.asked.is_set)
            small = [journal.append(NOW, lambda _: b"x") for _ in range(49)]
            with pytest.raises(JournalUnavailable) as refused:
                journal.append(NOW, lambda _: b"x")
            assert refused.value.what == "queue"
            await until(lambda: "not answered" in (journal.usable() or ""))
            disk.let.set()
            await asyncio.gather(*waiting, *small)
            assert journal.usable() is None
            disk.let.clear()
            large = journal.append(NOW, lambda _: bytes(10_000))
            assert "wait for the disk" in (journal.usable() or "")
            disk.let.set()
            await large
            assert journal.figures().refused == 1

    run(main())


def test_a_stalled_disk_is_not_waited_for(folder: Path) -> None:
    disk = Waiting()

    async def main() -> None:
        async with opened(folder, disk=disk, stall_seconds=0.02) as journal:
            disk.let.clear()
            stuck = asyncio.ensure_future(record(journal))
            await until(lambda: journal.usable() is not None)
            with pytest.raises(JournalUnavailable) as refused:
                journal.append(NOW, lambda _: b"x")
            assert refused.value.what == "stalled"
            disk.let.set()
            assert await stuck in ids_in(folder)

    run(main())


def test_a_cap_must_hold_something(folder: Path) -> None:
    async def main() -> None:
        with pytest.raises(InputError, match="next to nothing"):
            await Journal.open(folder, "webhook", cap_bytes=1000)

    run(main())


def test_a_folder_is_checked_before_anything_is_answered(folder: Path, tmp_path: Path) -> None:
    check_folder(folder)
    check_folder(folder)
    assert list(folder.iterdir()) == []
    for bad in (tmp_path / "no" / "such", Path(__file__), Path("/proc/journal")):
        with pytest.raises(InputError, match="cannot hold a journal"):
            check_folder(bad)


def test_a_loop_that_ends_without_closing_leaves_what_was_answered(folder: Path) -> None:
    async def main() -> tuple[Journal, str]:
        journal = await Journal.open(folder, "webhook")
        return journal, await record(journal)

    journal, answered = run(main())
    journal._committer.inbox.put([])
    journal._committer.inbox.put(None)
    journal._committer.join(10)
    assert ids_in(folder) == [answered]
    assert survey(folder).segments[0].state == "ended"
    assert os.listdir(folder) == [survey(folder).segments[0].name]


def test_a_bug_in_one_batch_costs_that_batch_alone(folder: Path) -> None:
    async def main() -> list[str]:
        async with opened(folder) as journal:
            answered = [await record(journal)]
            with pytest.raises(JournalUnavailable, match="a bug: TypeError"):
                await journal.append(NOW, lambda _: "no bytes")  # type: ignore[arg-type, return-value]
            await until(lambda: journal.usable() is None)
            answered.append(await record(journal))
        return answered

    answered = run(main())
    assert ids_in(folder) == answered


def test_who_records_loads_no_database_driver() -> None:
    program = (
        "import sys, gate.journal.writer\n"
        "print(sorted(set(sys.modules) & {'psycopg', 'kubernetes', 'rich', 'pydantic'}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, check=True, capture_output=True, text=True
    )
    assert done.stdout.strip() == "[]"
