"""A worker's end of the feed in a thread, for tests that look at what it hears."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from gate.service.feed import FeedClient, Inputs, Message, Shipping, Templates


class Heard:
    """What a worker was told, in order, and the sum of its templates."""

    def __init__(self, client: FeedClient) -> None:
        self.client = client
        self.messages: list[Message] = []
        self.templates: dict[str, tuple[str, str]] = {}
        self.about: Templates | None = None

    def take(self, message: Message) -> None:
        if isinstance(message, Templates):
            if message.reset:
                self.templates.clear()
            for key in message.removed:
                self.templates.pop(key, None)
            self.templates.update({key: (owner, digest) for key, owner, digest in message.added})
            self.about = message
        self.messages.append(message)

    @property
    def inputs(self) -> Inputs:
        """The newest, or one of nothing."""
        return self.client.inputs or Inputs()

    @property
    def shipping(self) -> Shipping:
        return self.client.shipping or Shipping()


@contextmanager
def listening(path: Path, also: Callable[[Message], None] | None = None) -> Iterator[Heard]:
    """Listen during the block; ``also`` is told each message after it was taken."""
    heard = Heard(FeedClient())

    def take(message: Message) -> None:
        heard.take(message)
        if also is not None:
            also(message)

    loop = asyncio.new_event_loop()
    task = loop.create_task(heard.client.run(path, take))

    def run() -> None:
        asyncio.set_event_loop(loop)
        try:
            loop.run_until_complete(task)
        except asyncio.CancelledError:
            loop.run_until_complete(loop.shutdown_asyncgens())
        finally:
            loop.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield heard
    finally:
        loop.call_soon_threadsafe(task.cancel)
        thread.join()
