"""How many decisions a second one process makes durable, and how long each of them waits.

32 requests in flight on uvloop, each encoding a decision, appending it and waiting, over and over.
Beside it, round by round in turn: the same without room written ahead in the segment, the same
with nothing recorded (what the rest of the loop costs), and the plain way, a write and an
`fdatasync` for each record, one after the other.

    python benchmarks/bench_journal.py [--records 20000] [--rounds 5] [--folder DIR]
"""

import argparse
import asyncio
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import uvloop

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.bench_ledger import decision
from benchmarks.report import median, percentile, publish
from gate.journal.segment import GROW_BYTES
from gate.journal.survey import survey
from gate.journal.writer import Journal
from gate.ledger.canonical import canonical

IN_FLIGHT = 32
PLAIN_SHARE = 10
"""The plain way is so slow that it gets one record in ten."""


class Round:
    """What one run of one way showed."""

    def __init__(self, waits: list[float], wall: float, loop_cpu: float, commits: int) -> None:
        self.rate = len(waits) / wall
        self.p50, self.p99 = (percentile(waits, percent) * 1e3 for percent in (50, 99))
        self.loop_cpu = loop_cpu / len(waits) * 1e6
        self.share = len(waits) / commits if commits else 0.0


async def clients(
    records: int, recorded: Callable[[datetime, int], Awaitable[None]]
) -> tuple[list[float], float, float]:
    """Waits of each record, and wall and loop seconds of them all."""
    waits: list[float] = []
    numbers = iter(range(records))

    async def client() -> None:
        for number in numbers:
            began = time.perf_counter()
            await recorded(datetime.now(UTC), number)
            waits.append(time.perf_counter() - began)

    wall, cpu = time.perf_counter(), time.thread_time()
    await asyncio.gather(*(client() for _ in range(IN_FLIGHT)))
    return waits, time.perf_counter() - wall, time.thread_time() - cpu


async def journalled(folder: Path, records: int, grow_bytes: int) -> Round:
    """Through the journal."""
    loop = asyncio.get_running_loop()
    journal = Journal(folder, "webhook", loop=loop, grow_bytes=grow_bytes)
    await journal.opened()

    async def recorded(now: datetime, number: int) -> None:
        await journal.append(now, lambda identifier: canonical(decision(number, identifier)))

    waits, wall, cpu = await clients(records, recorded)
    commits = journal.figures().commits
    await journal.close()
    found = survey(folder)
    if found.records != records:
        raise SystemExit(f"{found.records} records of {records} can be read")
    shutil.rmtree(folder)
    return Round(waits, wall, cpu, commits)


async def unrecorded(records: int) -> Round:
    """The loop's own work alone."""

    async def recorded(now: datetime, number: int) -> None:
        del now
        canonical(decision(number, "0198c0de-0000-7000-8000-000000000000"))
        await asyncio.sleep(0)

    return Round(*await clients(records, recorded), commits=0)


def plain(folder: Path, records: int) -> Round:
    """A write and an fdatasync a record."""
    folder.mkdir()
    waits: list[float] = []
    descriptor = os.open(folder / "plain", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    wall, cpu = time.perf_counter(), time.thread_time()
    for number in range(records):
        began = time.perf_counter()
        os.write(descriptor, canonical(decision(number, "0198c0de-0000-7000-8000-000000000000")))
        os.fdatasync(descriptor)
        waits.append(time.perf_counter() - began)
    ended = Round(waits, time.perf_counter() - wall, time.thread_time() - cpu, records)
    os.close(descriptor)
    shutil.rmtree(folder)
    return ended


def line(what: str, rounds: list[Round], bare_cpu: float | None = None) -> dict[str, Any]:
    """A row of the table, of medians; the last column is what the loop pays beyond `bare_cpu`."""
    cpu = median([each.loop_cpu for each in rounds])
    return {
        "what": what,
        "records/s": round(median([each.rate for each in rounds])),
        "least": round(min(each.rate for each in rounds)),
        "most": round(max(each.rate for each in rounds)),
        "p50 ms": round(median([each.p50 for each in rounds]), 2),
        "p99 ms": round(median([each.p99 for each in rounds]), 2),
        "a commit": round(median([each.share for each in rounds]), 1),
        "loop µs": round(cpu, 1),
        "more µs": "" if bare_cpu is None else round(cpu - bare_cpu, 1),
    }


def main() -> None:
    """Measure and publish."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    above = Path(tempfile.mkdtemp(prefix="gate-bench-", dir=given.folder))
    folder = above / "journal"
    ahead, appended, bare, one = [], [], [], []
    load = os.getloadavg()[0]
    try:
        for _ in range(given.rounds):
            ahead.append(uvloop.run(journalled(folder, given.records, GROW_BYTES)))
            appended.append(uvloop.run(journalled(folder, given.records, 0)))
            bare.append(uvloop.run(unrecorded(given.records)))
            one.append(plain(folder, given.records // PLAIN_SHARE))
    finally:
        shutil.rmtree(above)
    bare_cpu = median([each.loop_cpu for each in bare])
    publish(
        "journal",
        [
            line(f"journal, {IN_FLIGHT} in flight", ahead, bare_cpu),
            line("the same, no room ahead", appended, bare_cpu),
            line("the same, nothing recorded", bare),
            line("write + fdatasync each", one),
        ],
        [f"{given.records} records, {given.rounds} rounds, medians; load before: {load:.1f}"],
    )


if __name__ == "__main__":
    main()
