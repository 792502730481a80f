"""A snapshot thread and its feed, as the keeper wires them, with a worker that listens."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gate.service.keeper.server import FeedServer
from gate.service.snapshots import Pace, Snapshots
from gate.store.connect import Target
from tests.service.listening import Heard, listening

QUICK = Pace(keepalive=0.3, answer=0.5, repeat=0.3, look=0.1, longest_retry=0.2)
"""For tests of what happens when something takes too long."""
BRISK = Pace(look=0.1)
"""As in service, but that the end is seen sooner."""


@contextmanager
def following(
    where: Target,
    folder: Path,
    *,
    policy: bool = False,
    calendar: bool = False,
    pace: Pace = BRISK,
) -> Iterator[Heard]:
    """Follow the database during the block; what a worker hears of it."""
    server = FeedServer(folder / "feed.sock")
    server.start()
    snapshots = Snapshots(
        where, folder, server.publish, policy=policy, calendar=calendar, pace=pace
    )
    stop = threading.Event()
    thread = threading.Thread(target=snapshots.run, args=[stop])
    thread.start()
    try:
        with listening(folder / "feed.sock") as heard:
            yield heard
    finally:
        stop.set()
        thread.join(timeout=20)
        server.stop()
    assert not thread.is_alive()
