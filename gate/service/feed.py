"""What the keeper tells the webhook's workers, and how a worker listens.

Messages are JSON lines over a Unix stream socket. Whoever connects is first told everything, then
what changes; who falls behind is cut off, connects again and is told everything anew. This module
is all that a worker loads of it: neither a database driver nor a Kubernetes client.
"""

import asyncio
import os
import random
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import msgspec

from gate.core.backoff import Backoff
from gate.core.decision import ManualLock, Override
from gate.core.learnt import LearntRow
from gate.service.logs import log

LONGEST_LINE_BYTES = 32 * 1024 * 1024
"""Longer lines are neither sent nor read; the live locks of any platform are far shorter."""
_ADDRESS_BYTES = 107
_PIECE_BYTES = 1 << 16
_FIRST_DELAY_SECONDS = 0.05
_LONGEST_DELAY_SECONDS = 1.0


class Inputs(msgspec.Struct, frozen=True, kw_only=True, tag="inputs"):
    """What decisions rest on, as the database has it.

    The paths name files of the state folder, or are None where the command's flags name the files,
    or where there is nothing yet. ``calendar_sha256`` is the calendar's digest as it was imported,
    which decisions name. ``read_at`` is when the database last answered, None where it never has;
    it comes anew every few seconds while the database answers. ``restored``: this is what an
    earlier keeper has left on disk. ``trouble`` says what is amiss.
    """

    policy_path: str | None = None
    calendar_path: str | None = None
    calendar_sha256: str | None = None
    locks: tuple[ManualLock, ...] = ()
    overrides: tuple[Override, ...] = ()
    learnt: tuple[LearntRow, ...] = ()
    read_at: datetime | None = None
    restored: bool = False
    trouble: str | None = None

    def decides_as(self, other: "Inputs") -> bool:
        """Whether decisions are the same under both: all but freshness and trouble is equal."""
        mine, its = (
            msgspec.structs.replace(each, read_at=None, restored=False, trouble=None)
            for each in (self, other)
        )
        return mine == its


class Templates(msgspec.Struct, frozen=True, kw_only=True, tag="templates"):
    """Pod templates that workloads have had: what there is more of, and what has gone.

    ``added`` are (key, uid of the owner, digest of the template), a known key being replaced;
    ``removed`` are keys. ``reset``: what was known before is void. ``synced``: all of the cluster's
    are known; while they are not, or ``trouble`` is told, a rollback may go unrecognised.
    """

    reset: bool = False
    synced: bool = False
    added: tuple[tuple[str, str, str], ...] = ()
    removed: tuple[str, ...] = ()
    trouble: str | None = None


class Shipping(msgspec.Struct, frozen=True, kw_only=True, tag="shipping"):
    """How far the journal has come into the ledger: what waits, and since when.

    ``depth_records`` wait, the oldest of them for ``oldest_seconds``; ``depth_bytes`` is what the
    journal takes on disk, room ahead included; ``shipped_total`` counts records since the keeper's
    start. ``refused`` records and ``damaged`` segments lie aside for a person to look at.
    """

    depth_records: int = 0
    depth_bytes: int = 0
    oldest_seconds: float = 0.0
    shipped_total: int = 0
    refused: int = 0
    damaged: int = 0
    trouble: str | None = None


Message = Inputs | Templates | Shipping

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[Message] = msgspec.json.Decoder(Message)


def encode(message: Message) -> bytes:
    """The message as its line, with the line's end."""
    return _encoder.encode(message) + b"\n"


def decode(line: bytes) -> Message:
    """The inverse of `encode`. Raises `msgspec.MsgspecError` for a line that is no message."""
    return _decoder.decode(line)


@contextmanager
def address(path: str | Path) -> Iterator[str]:
    """The path of a socket in a form that fits into a socket address, for the block.

    A folder with a long name is kept open and named by its descriptor.
    """
    if len(os.fsencode(path)) <= _ADDRESS_BYTES:
        yield str(path)
        return
    folder, name = os.path.split(path)
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{handle}/{name}"
    finally:
        os.close(handle)


class FeedClient:
    """A worker's end of the feed. What it was told last stays when the keeper is away."""

    def __init__(self) -> None:
        self.connected = False
        self.inputs: Inputs | None = None
        self.shipping: Shipping | None = None

    async def run(self, path: str | Path, on_message: Callable[[Message], None]) -> None:
        """Listen until cancelled; connects again, within a second, as often as it must.

        `on_message` is called in the event loop with each message; what it raises is logged.
        """
        # Workers that lost the keeper together do not come back in step.
        backoff = Backoff(_FIRST_DELAY_SECONDS, _LONGEST_DELAY_SECONDS, random.random)
        while True:
            try:
                if await self._listen(path, on_message):
                    backoff.reset()
            except (OSError, ValueError) as error:
                # A keeper that is being restarted is no news; what it says when it is back is.
                if not isinstance(error, ConnectionError | FileNotFoundError):
                    log("feed-unreadable", error=str(error))
            await asyncio.sleep(backoff.next_seconds())

    async def _listen(self, path: str | Path, on_message: Callable[[Message], None]) -> bool:
        """One connection to its end; whether anything came."""
        with address(path) as name:
            reader, writer = await asyncio.open_unix_connection(name, limit=_PIECE_BYTES)
        self.connected = True
        told = False
        try:
            async for line in _lines(reader):
                told = True
                self._take(line, on_message)
                # Lines that have arrived together must not hold up the worker's answers.
                await asyncio.sleep(0)
        finally:
            self.connected = False
            writer.transport.abort()
        return told

    def _take(self, line: bytes, on_message: Callable[[Message], None]) -> None:
        try:
            message = decode(line)
        except msgspec.MsgspecError as error:
            log("feed-line-unreadable", error=str(error))
            return
        if isinstance(message, Inputs):
            message = self._newest(message)
            self.inputs = message
        elif isinstance(message, Shipping):
            self.shipping = message
        try:
            on_message(message)
        # The next message may be the lock that somebody counts on.
        except Exception as error:
            log("feed-handler-failed", message=type(message).__name__, error=repr(error))

    def _newest(self, message: Inputs) -> Inputs:
        """What holds after a message: what was read outdoes what an earlier keeper left on disk.

        That may be older than what this worker knows. (Instants do not tell: clocks are set.)
        """
        known = self.inputs
        if not message.restored or known is None or known.read_at is None:
            return message
        return msgspec.structs.replace(known, trouble=message.trouble)


async def _lines(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    """Whole lines as they come; little is read ahead. Raises ValueError for one without an end."""
    rest = bytearray()
    while piece := await reader.read(_PIECE_BYTES):
        head, *others = piece.split(b"\n")
        rest += head
        for other in others:
            yield bytes(rest)
            rest = bytearray(other)
        if len(rest) > LONGEST_LINE_BYTES:
            raise ValueError(f"a line of the feed is longer than {LONGEST_LINE_BYTES} bytes")
