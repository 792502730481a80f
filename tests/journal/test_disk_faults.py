"""What the disk does to a journal: full, capped, read-only, removed, failing. Nothing answered is
lost, nothing is answered that is not durable, and when the disk is well again so is the journal.

A failing sync and a slow disk cannot be had of a real disk here: they are put in at the one call
that makes bytes durable (`gate.journal.segment.Disk`).
"""

import asyncio
import errno
import os
import shutil
from pathlib import Path

import pytest

from gate.journal.errors import JournalUnavailable
from gate.journal.survey import survey
from gate.journal.writer import Journal
from tests.journal import small_disk
from tests.journal.support import NOW, Failing, Waiting, ids_in, opened, record, run, until

NO_MOUNT = small_disk.unable_to_mount()
needs_mount = pytest.mark.skipif(
    NO_MOUNT is not None,
    reason=f"no file system can be mounted: {NO_MOUNT}; run as root or allow user namespaces",
)


@needs_mount
def test_a_full_disk(tmp_path: Path) -> None:
    seen = small_disk.mounted("full", tmp_path / "disk")
    assert seen["what"] == "full"
    assert "No space left" in seen["said"]
    assert seen["while_full"] > 100
    assert seen["still_there"] == seen["while_full"]
    assert seen["answered"] > seen["while_full"]
    assert seen["same"]


@needs_mount
def test_a_disk_that_turns_read_only(tmp_path: Path) -> None:
    seen = small_disk.mounted("readonly", tmp_path / "disk")
    assert "Read-only" in seen["said"]
    assert seen["same"]


def test_a_limit_on_the_size_of_files(tmp_path: Path) -> None:
    seen = small_disk.limited(tmp_path / "disk")
    assert seen["what"] == "full"
    assert "too large" in seen["said"]
    assert seen["same"]


def test_the_cap_holds_for_all_processes_together(folder: Path) -> None:
    answered: list[str] = []

    async def fill(journal: Journal) -> str:
        while True:
            try:
                answered.append(await record(journal, actor="x" * 3000))
            except JournalUnavailable as error:
                return error.what

    async def main() -> None:
        async with (
            opened(folder, cap_bytes=2 << 20, grow_bytes=64 << 10) as one,
            opened(folder, cap_bytes=2 << 20, grow_bytes=64 << 10) as two,
        ):
            refused = await asyncio.gather(fill(one), fill(two))
            assert set(refused) == {"cap"}
            assert "its cap is 2097152" in (one.usable() or "")
            assert (2 << 20) - (200 << 10) < survey(folder).bytes <= (2 << 20) + (128 << 10)
            assert sorted(ids_in(folder)) == sorted(answered)
            # As when all is shipped: at the cap, no segment is held back.
            assert {report.state for report in survey(folder).segments} == {"ended"}
            for path in folder.iterdir():
                path.unlink()
            await until(lambda: one.usable() is None and two.usable() is None)
            assert await record(one) in ids_in(folder)

    run(main())


@pytest.mark.parametrize("again", [True, False], ids=["made again", "left"])
def test_a_folder_that_is_removed_takes_nothing_answered_with_it(folder: Path, again: bool) -> None:
    async def main() -> list[str]:
        async with opened(folder) as journal:
            answered = [await record(journal) for _ in range(20)]
            shutil.rmtree(folder)
            if again:
                folder.mkdir()
            with pytest.raises(JournalUnavailable) as refused:
                await record(journal)
            assert refused.value.what == "gone"
            await until(lambda: journal.usable() is None)
            answered.append(await record(journal))
        return answered

    answered = run(main())
    assert sorted(ids_in(folder)) == sorted(answered)


def test_a_removed_folder_is_noticed_without_work_too(folder: Path) -> None:
    async def main() -> list[str]:
        async with opened(folder) as journal:
            answered = [await record(journal)]
            shutil.rmtree(folder)
            await until(folder.exists)
            await until(lambda: bool(ids_in(folder)))
            assert ids_in(folder) == answered
            await until(lambda: journal.usable() is None)
            answered.append(await record(journal))
        return answered

    answered = run(main())
    assert sorted(ids_in(folder)) == sorted(answered)


def test_a_folder_removed_at_the_end_is_filled_again(folder: Path) -> None:
    async def main() -> str:
        async with opened(folder) as journal:
            answered = await record(journal)
            shutil.rmtree(folder)
        return answered

    answered = run(main())
    assert ids_in(folder) == [answered]


def test_what_cannot_be_saved_is_said(folder: Path) -> None:
    async def main() -> None:
        journal = await Journal.open(folder, "webhook")
        await record(journal)
        shutil.rmtree(folder)
        folder.write_text("something else took the name")
        with pytest.raises(JournalUnavailable) as lost:
            await journal.close()
        assert lost.value.what in ("gone", "io")

    run(main())


def test_a_folder_that_is_not_there_is_made_when_it_can_be(folder: Path) -> None:
    deep = folder / "journal"

    async def main() -> None:
        async with opened(deep) as journal:
            assert "No such file" in (journal.usable() or "")
            with pytest.raises(JournalUnavailable):
                await record(journal)
            folder.mkdir()
            await until(lambda: journal.usable() is None)
            assert await record(journal) in ids_in(deep)

    run(main())


@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC, errno.EDQUOT, errno.EROFS])
def test_what_a_failed_sync_leaves_is_neither_answered_nor_shipped(folder: Path, code: int) -> None:
    disk = Failing()

    async def main() -> list[str]:
        async with opened(folder, disk=disk) as journal:
            before = [await record(journal) for _ in range(3)]
            disk.errors = [OSError(code, os.strerror(code)), None]
            ended = await asyncio.gather(
                *(record(journal) for _ in range(5)), return_exceptions=True
            )
            assert all(isinstance(each, JournalUnavailable) for each in ended)
            assert os.strerror(code) in str(ended[0])
            assert ids_in(folder) == before
            await until(lambda: journal.usable() is None)
            after = [await record(journal) for _ in range(3)]
            assert journal.figures().refused == 5
        return before + after

    answered = run(main())
    assert ids_in(folder) == answered
    assert len(survey(folder).segments) == 2


def test_a_disk_that_keeps_failing_is_asked_less_and_less(folder: Path) -> None:
    broken = OSError(errno.EIO, "Input/output error")
    disk = Failing(*[broken] * 4)

    async def main() -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        async with opened(folder, disk=disk) as journal:
            assert journal.usable() is not None
            await until(lambda: journal.usable() is None)
            # 0.05 + 0.1 + 0.2 + 0.4 seconds after one failure each.
            assert loop.time() - began > 0.7
            assert await record(journal) in ids_in(folder)

    run(main())
    assert [path.suffix for path in folder.iterdir()] == [".seg"]


def test_a_write_that_is_cut_short_is_finished(folder: Path) -> None:
    class Stingy(Waiting):
        def write(self, descriptor: int, buffers: object, offset: int) -> int:
            data = b"".join(buffers)  # type: ignore[arg-type]
            return super().write(descriptor, [data[:1000]], offset)

    async def main() -> list[str]:
        async with opened(folder, disk=Stingy(), grow_bytes=5000) as journal:
            return [await record(journal) for _ in range(20)]

    answered = run(main())
    assert ids_in(folder) == answered


def test_a_disk_that_takes_nothing_is_an_error(folder: Path) -> None:
    class Deaf(Waiting):
        def write(self, descriptor: int, buffers: object, offset: int) -> int:
            del descriptor, buffers, offset
            return 0

    async def main() -> None:
        async with opened(folder, disk=Deaf()) as journal:
            assert "takes no more bytes" in (journal.usable() or "")
            with pytest.raises(JournalUnavailable):
                journal.append(NOW, str.encode)

    run(main())


def test_a_system_without_the_one_call_syncs_in_two(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "RWF_DSYNC")

    async def main() -> list[str]:
        async with opened(folder) as journal:
            return [await record(journal) for _ in range(3)]

    answered = run(main())
    assert ids_in(folder) == answered
