"""What the tests of the journal share: decisions to record, journals to record them in."""

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import psycopg

from gate.journal.lane import Lane
from gate.journal.layout import encode_batch, encode_header
from gate.journal.segment import Disk
from gate.journal.survey import records_in
from gate.journal.writer import Journal
from gate.ledger.canonical import canonical
from gate.ledger.verify import verify
from tests.ledger.build import decision

T = TypeVar("T")
ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 6, 13, 12, 0, 0, 1500, tzinfo=UTC)


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run to the end, or fail after a minute."""
    return asyncio.run(asyncio.wait_for(main, 60))


@asynccontextmanager
async def opened(folder: Path, **options: Any) -> AsyncIterator[Journal]:
    """A journal, closed after the block."""
    journal = Journal(folder, "webhook", loop=asyncio.get_running_loop(), **options)
    await journal.opened()
    try:
        yield journal
    finally:
        if isinstance(disk := options.get("disk"), Waiting):
            disk.let.set()
        await journal.close()


async def record(journal: Journal, **changes: Any) -> str:
    """Record a decision, and give its id once it is durable."""
    made = []

    def encode(identifier: str) -> bytes:
        made.append(identifier)
        return canonical(decision(identifier, **changes))

    await journal.append(NOW, encode)
    return made[0]


async def until(holds: Callable[[], bool]) -> None:
    """Wait, in turns of the loop, until something holds."""
    while not holds():
        await asyncio.sleep(0.001)


def ids_in(folder: Path) -> list[str]:
    """The ids of all records that can be read."""
    return [identifier_of(record.payload) for _, record in records_in(folder)]


def identifier_of(payload: bytes) -> str:
    """The id in a decision's payload."""
    return payload.split(b'"id":"', 1)[1][:36].decode()


def written(
    folder: Path, batches: Sequence[int], *, mark: bool = True, short: bool = False
) -> Path:
    """A segment that nobody writes any more, made of batches of so many decisions.

    ``short``: of no more than their ids, where no ledger is to take them.
    """
    folder.mkdir(exist_ok=True)
    lane = Lane("webhook", unix_milliseconds=1_781_352_000_000, random=os.urandom(10))
    data = encode_header(lane.header)
    for count in batches:
        ids = [(lane.next_id(NOW), lane.last) for _ in range(count)]
        payloads = [
            f'{{"id":"{identifier}"}}'.encode() if short else canonical(decision(identifier))
            for identifier, _ in ids
        ]
        data += encode_batch(lane.header.salt, [number for _, number in ids], payloads)
    if mark:
        data += encode_batch(lane.header.salt, [], [])
    path = folder / f"{lane.header.writer}.seg"
    path.write_bytes(data)
    return path


def rows_of(connection: psycopg.Connection) -> list[str]:
    """The ids of the ledger, which must verify."""
    found = verify(connection)
    assert found.ok, found
    rows = connection.execute("SELECT id::text FROM saturday_protection_audit ORDER BY seq")
    return [row[0] for row in rows]


class Failing(Disk):
    """A disk that reports an error where ``errors`` holds one, a call each; None: all is well."""

    def __init__(self, *errors: OSError | None) -> None:
        super().__init__()
        self.errors = list(errors)

    def write(self, descriptor: int, buffers: Sequence[bytes], offset: int) -> int:
        error = self.errors.pop(0) if self.errors else None
        if error is not None:
            # As after a failed sync: the bytes are in the file, and nobody knows whether to stay.
            os.pwritev(descriptor, buffers, offset)
            raise error
        return super().write(descriptor, buffers, offset)


class Waiting(Disk):
    """A disk that takes as long as it is told to: until ``let`` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.let = threading.Event()
        self.let.set()
        self.asked = threading.Event()
        self.sizes: list[int] = []

    def write(self, descriptor: int, buffers: Sequence[bytes], offset: int) -> int:
        self.asked.set()
        self.let.wait()
        self.sizes.append(len(buffers[0]))
        return super().write(descriptor, buffers, offset)
