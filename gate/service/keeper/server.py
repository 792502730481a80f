"""The keeper's end of the feed: everything to whoever connects, then what changes."""

import asyncio
import os
import socket
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from secrets import token_hex

from gate.service.feed import LONGEST_LINE_BYTES, Message, address, encode
from gate.service.keeper.told import Told
from gate.service.logs import log

MOST_WAITING_BYTES = LONGEST_LINE_BYTES
_BACKLOG = 64
_ENDING_SECONDS = 2.0


class FeedServer:
    """Publishes on a Unix socket from a thread of its own; ``publish`` may be called from any.

    The socket belongs to this user alone and takes the place of one that an earlier keeper left.
    A subscriber for whom more than ``most_waiting_bytes`` wait is cut off: it connects again and is
    told everything. Nobody ever waits for another.
    """

    def __init__(self, path: Path, *, most_waiting_bytes: int = MOST_WAITING_BYTES) -> None:
        self._path = path
        self._most_waiting_bytes = most_waiting_bytes
        self._told = Told()
        self._subscribers: set[_Subscriber] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="feed", daemon=True)
        self._listening: asyncio.Server | None = None
        self._inode = 0

    def start(self) -> None:
        """Listen. Raises OSError where the socket cannot be made."""
        try:
            bound, self._inode = _bound(self._path)
        except OSError as error:
            self._loop.close()
            said = f"no socket can be made at {self._path}: {error.strerror or error}"
            raise OSError(error.errno, said) from error
        self._thread.start()
        starting = asyncio.start_unix_server(self._serve, sock=bound, backlog=_BACKLOG)
        self._listening = asyncio.run_coroutine_threadsafe(starting, self._loop).result()

    def publish(self, message: Message) -> None:
        """Tell everyone, in the order of the calls; after `stop` nothing happens."""
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._publish, message)

    def stop(self) -> None:
        """End. What was published last may not have been sent."""
        if not self._thread.is_alive():
            return
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        with suppress(OSError):
            # A keeper that has started meanwhile has its own socket there.
            if self._path.stat().st_ino == self._inode:
                self._path.unlink()

    def _publish(self, message: Message) -> None:
        line = encode(message)
        if len(line) > LONGEST_LINE_BYTES:
            log("feed-line-too-long", message=type(message).__name__, bytes=len(line))
            return
        self._told.add(message)
        for subscriber in self._subscribers:
            subscriber.offer(line)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        subscriber = _Subscriber(writer, self._most_waiting_bytes)
        self._subscribers.add(subscriber)
        # No await between these two: what is published meanwhile is offered after.
        sending = asyncio.ensure_future(subscriber.send(self._told.messages()))
        try:
            # A subscriber never says anything: this ends when it goes.
            with suppress(OSError):
                await reader.read(1)
        finally:
            self._subscribers.discard(subscriber)
            sending.cancel()
            writer.transport.abort()

    async def _close(self) -> None:
        assert self._listening is not None
        self._listening.close()
        for subscriber in self._subscribers:
            subscriber.cut_off()
        if others := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(others, timeout=_ENDING_SECONDS)


class _Subscriber:
    """One connection and the lines that wait for it."""

    def __init__(self, writer: asyncio.StreamWriter, most_waiting_bytes: int) -> None:
        self._writer = writer
        self._most_waiting_bytes = most_waiting_bytes
        self._lines: deque[bytes] = deque()
        self._bytes = 0
        self._some = asyncio.Event()

    def offer(self, line: bytes) -> None:
        """Send a line after those that wait, or cut the connection where too much waits."""
        if self._bytes + len(line) > self._most_waiting_bytes:
            log("feed-subscriber-cut-off", waiting_bytes=self._bytes)
            self.cut_off()
            return
        self._lines.append(line)
        self._bytes += len(line)
        self._some.set()

    def cut_off(self) -> None:
        """Close the connection, whatever waits."""
        self._writer.transport.abort()

    async def send(self, first: Iterator[Message]) -> None:
        """Send `first`, then what is offered, until cancelled or cut off."""
        with suppress(OSError):
            for message in first:
                self._writer.write(encode(message))
                await self._writer.drain()
            while True:
                await self._some.wait()
                self._writer.write(b"".join(self._lines))
                self._lines.clear()
                self._bytes = 0
                self._some.clear()
                await self._writer.drain()


def _bound(path: Path) -> tuple[socket.socket, int]:
    """A socket at `path`, which is replaced in one step, and the number of its file."""
    made = path.with_name(f".{path.name}.{token_hex(4)}")
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        with address(made) as name:
            bound.bind(name)
        made.chmod(0o600)
        bound.listen(_BACKLOG)
        inode = made.stat().st_ino
        os.replace(made, path)
    except BaseException:
        bound.close()
        with suppress(OSError):
            made.unlink()
        raise
    return bound, inode
