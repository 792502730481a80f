"""A process that records decisions and prints the id of each as it is answered.

    python -m tests.journal.recorder FOLDER

It goes on until it is killed, with 32 requests in flight, in segments of 64 kB.
"""

import asyncio
import os
import sys
from pathlib import Path

import uvloop

from gate.journal.errors import JournalUnavailable
from gate.journal.writer import Journal
from tests.journal.support import record


async def _client(journal: Journal) -> None:
    while True:
        try:
            answered = await record(journal)
        except JournalUnavailable:
            await asyncio.sleep(0.01)
            continue
        # Straight to the pipe: what was printed was answered, whenever the process dies.
        os.write(1, f"{answered}\n".encode())


async def _main(folder: Path) -> None:
    journal = await Journal.open(folder, "webhook", segment_bytes=64 << 10)
    await asyncio.gather(*(_client(journal) for _ in range(32)))


if __name__ == "__main__":
    uvloop.run(_main(Path(sys.argv[1])))
