"""A thread that publishes into a feed, as the keeper wires it, with a worker that listens."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from gate.service.feed import Message
from gate.service.keeper.server import FeedServer
from tests.service.listening import Heard, listening

Publish = Callable[[Message], None]
Work = Callable[[threading.Event], None]


@contextmanager
def feeding(folder: Path, work_with: Callable[[Publish], Work]) -> Iterator[Heard]:
    """Let ``work_with``'s work publish during the block; what a worker hears of it."""
    server = FeedServer(folder / "feed.sock")
    server.start()
    stop = threading.Event()
    thread = threading.Thread(target=work_with(server.publish), args=[stop])
    thread.start()
    try:
        with listening(folder / "feed.sock") as heard:
            yield heard
    finally:
        stop.set()
        thread.join(timeout=20)
        server.stop()
    assert not thread.is_alive()
