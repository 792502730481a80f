"""What becomes of a decision whose record does not get to the disk in time, or at all."""

import asyncio
import json
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from gate.cluster.history import History
from gate.inputs import compile_inputs
from gate.journal.segment import Disk
from gate.journal.writer import Journal
from gate.service.webhook.court import Court
from gate.service.webhook.deadlines import Deadlines
from gate.service.webhook.standing import Standing
from tests.webhook.inputs import Inputs
from tests.webhook.reviews import review


class StuckDisk(Disk):
    """Stands for a disk that stops to answer, as one behind a network does."""

    def __init__(self) -> None:
        super().__init__()
        self.stuck = threading.Event()
        self.freed = threading.Event()

    def write(self, descriptor: int, buffers: Sequence[bytes], offset: int) -> int:
        if self.stuck.is_set():
            self.freed.wait(30)
        return super().write(descriptor, buffers, offset)


class Uncounted:
    """Metrics that nobody reads."""

    def decided(self, decision: object) -> None: ...

    def passed(self, why: str) -> None: ...


async def answered(
    folder: Path, inputs: Inputs, disk: StuckDisk, how: Callable[[Court, Deadlines, bytes], Any]
) -> Any:
    _, policy, _, calendar = inputs("open")
    loop = asyncio.get_running_loop()
    journal = Journal(folder / "journal", "webhook", loop=loop, disk=disk)
    await journal.opened()
    standing = Standing(compile_inputs(policy, [calendar]))
    court = Court(
        standing=lambda: standing,
        history=History(),
        journal=journal,
        metrics=Uncounted(),  # type: ignore[arg-type]
        environment=None,
        own_namespace="saturday-gate",
    )
    deadlines = Deadlines()
    sweeping = asyncio.create_task(deadlines.run())
    disk.stuck.set()
    try:
        return json.loads(await how(court, deadlines, json.dumps(review()).encode()))["response"]
    finally:
        disk.freed.set()
        sweeping.cancel()
        await journal.close()


async def the_long_way(court: Court, deadlines: Deadlines, body: bytes) -> bytes:
    task = asyncio.current_task()
    assert task is not None
    hearing = court.hear(body)
    deadlines.watch(task, asyncio.get_running_loop().time() + 0.1)
    return await court.rule(hearing)


async def the_short_way(court: Court, deadlines: Deadlines, body: bytes) -> bytes:
    hearing = court.hear(body)
    assert hearing.recording is not None
    deadlines.watch(hearing.recording, asyncio.get_running_loop().time() + 0.1)
    await asyncio.wait([hearing.recording])
    return court.conclude(hearing)


@pytest.mark.parametrize("how", [the_long_way, the_short_way])
def test_a_stuck_disk_makes_it_undecided_by_the_deadline(
    tmp_path: Path, inputs: Inputs, how: Callable[[Court, Deadlines, bytes], Any]
) -> None:
    response = asyncio.run(answered(tmp_path, inputs, StuckDisk(), how))
    assert response["allowed"] is False
    assert response["auditAnnotations"]["verdict"] == "undecided"
    assert "in time" in response["status"]["message"]
