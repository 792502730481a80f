"""An informer and its feed, as the keeper wires them, with a worker that listens."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gate.service.informer import Informer
from gate.service.keeper.reflector import Watching
from gate.service.keeper.server import FeedServer
from tests.service.listening import Heard, listening


@contextmanager
def informing(
    kubeconfig: Path | None,
    folder: Path,
    *,
    watching: Watching = Watching(),  # noqa: B008 - frozen
) -> Iterator[Heard]:
    """Follow a cluster during the block; what a worker hears of it."""
    server = FeedServer(folder / "feed.sock")
    server.start()
    informer = Informer(
        str(kubeconfig) if kubeconfig else None, {}, server.publish, watching=watching
    )
    stop = threading.Event()
    thread = threading.Thread(target=informer.run, args=[stop])
    thread.start()
    try:
        with listening(folder / "feed.sock") as heard:
            yield heard
    finally:
        stop.set()
        thread.join(timeout=20)
        server.stop()
    assert not thread.is_alive()
