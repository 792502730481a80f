"""Journals on a disk of one megabyte, in a process with mounts of its own.

    python -m tests.journal.small_disk SCENARIO FOLDER

`mounted` runs it in a mount namespace, as root or as an ordinary user with user namespaces; with
neither, a limit on the size of files stands in for the full disk (`limited`).
"""

import asyncio
import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

from gate.journal.errors import JournalUnavailable
from gate.journal.writer import Journal
from tests.journal.support import ROOT, ids_in, opened, record, until

_MOUNT = 'mount -t tmpfs -o size=1m none "$1" && exec "$2" -m tests.journal.small_disk "$3" "$1"'


def unable_to_mount() -> str | None:
    """Why no file system can be mounted here; None where one can."""
    done = subprocess.run(
        [*_namespace(), "mount", "-t", "tmpfs", "none", "/mnt"],
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    return (
        done.stderr.strip() or f"unshare ends with {done.returncode}" if done.returncode else None
    )


def mounted(scenario: str, folder: Path) -> Any:
    """Run a scenario on a tmpfs of one megabyte at `folder`; what it saw."""
    folder.mkdir()
    words = ["sh", "-c", _MOUNT, "sh", str(folder), sys.executable, scenario]
    return _run([*_namespace(), *words])


def limited(folder: Path) -> Any:
    """Run the scenario of a full disk where no file may grow beyond 400 kB."""
    folder.mkdir()
    return _run([sys.executable, "-m", "tests.journal.small_disk", "limit", str(folder)])


def _namespace() -> list[str]:
    return ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--mount", "-r"]


def _run(command: list[str]) -> Any:
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


async def _fill(journal: Journal, answered: list[str]) -> str:
    """Record until it is refused; what the refusal says it is."""

    async def client() -> str:
        while True:
            try:
                answered.append(await record(journal))
            except JournalUnavailable as error:
                return error.what

    whats = await asyncio.gather(*(client() for _ in range(8)))
    return whats[0]


async def full(folder: Path) -> dict[str, Any]:
    """Fill the disk, see it refused, make room, see it go on."""
    answered: list[str] = []
    ballast = folder / "ballast"
    ballast.write_bytes(bytes(300 << 10))
    async with opened(folder / "journal", segment_bytes=200 << 10) as journal:
        what = await _fill(journal, answered)
        while_full, said = len(answered), journal.usable()
        still_there = len(ids_in(folder / "journal"))
        ballast.unlink()
        await until(lambda: journal.usable() is None)
        answered.append(await record(journal))
    found = ids_in(folder / "journal")
    return {
        "what": what,
        "said": said,
        "while_full": while_full,
        "still_there": still_there,
        "answered": len(answered),
        "same": sorted(found) == sorted(answered),
    }


async def limit(folder: Path) -> dict[str, Any]:
    """No file may grow beyond a limit: segments end there, and others follow."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (400 << 10, 400 << 10))
    answered: list[str] = []
    async with opened(folder / "journal") as journal:
        what = await _fill(journal, answered)
        said = journal.usable()
        await until(lambda: journal.usable() is None)
        await _fill(journal, answered)
    found = ids_in(folder / "journal")
    return {"what": what, "said": said, "same": sorted(found) == sorted(answered)}


async def readonly(folder: Path) -> dict[str, Any]:
    """The disk turns read-only under an open journal, and writable again."""
    async with opened(folder / "journal") as journal:
        answered = [await record(journal)]
        other = await Journal.open(folder / "other", "webhook")
        await other.close()
        # A file that is open for writing keeps the disk from being remounted.
        await journal.close()
        subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
        async with opened(folder / "journal") as refused:
            said = refused.usable()
            subprocess.run(["mount", "-o", "remount,rw", str(folder)], check=True)
            await until(lambda: refused.usable() is None)
            answered.append(await record(refused))
    return {"said": said, "same": ids_in(folder / "journal") == answered}


if __name__ == "__main__":
    scenario = {"full": full, "limit": limit, "readonly": readonly}[sys.argv[1]]
    print(json.dumps(asyncio.run(asyncio.wait_for(scenario(Path(sys.argv[2])), 60))))
