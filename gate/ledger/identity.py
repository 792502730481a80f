"""Ids that cover what the decision itself does not say: which door wrote it, and as what.

The ledger's payload is the decision alone, but door, writer and number stand beside it in columns.
So that none stands outside the chain, the id of the decision commits to them: a UUIDv7 whose 74
bits beside time, version and variant are the first of SHA-256 of ``door/writer`` and the number as
eight bytes. To pass off a row as another door's, one would have to find a second preimage of
these 74 bits.
"""

import hashlib
import re
from datetime import UTC, datetime, timedelta
from uuid import UUID

_DOOR = re.compile(r"[a-z][a-z0-9-]{0,31}")
_WRITER = re.compile(r"[!-~]{1,100}")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def commitment(door: str, writer: str, number: int) -> bytes:
    """The ten bytes of an id after its time, for these three."""
    digest = bytearray(
        hashlib.sha256(f"{door}/{writer}".encode() + number.to_bytes(8, "big")).digest()
    )
    digest[0] = 0x70 | (digest[0] & 0x0F)
    digest[2] = 0x80 | (digest[2] & 0x3F)
    return bytes(digest[:10])


def mint(now: datetime, door: str, writer: str, number: int) -> str:
    """The id of what `writer` records as its `number` (from 1) through `door` at `now` (aware).

    Each (writer, number) gives its own id. Raises `ValueError` for a door that is not a lower-case
    word, a writer that is not 1 to 100 visible ASCII characters, or a number below 1.
    """
    if not _DOOR.fullmatch(door) or not _WRITER.fullmatch(writer) or number < 1:
        raise ValueError(f"cannot record as {door!r}, {writer!r}, {number}")
    milliseconds = (now - _EPOCH) // timedelta(milliseconds=1)
    return str(UUID(bytes=milliseconds.to_bytes(6, "big") + commitment(door, writer, number)))


def minted_at(identifier: str) -> datetime:
    """When the id was made, to the millisecond: the instant of recording."""
    milliseconds = int.from_bytes(UUID(identifier).bytes[:6], "big")
    return _EPOCH + timedelta(milliseconds=milliseconds)


class Writer:
    """Who writes through a door: it hands out numbers from 1, each once, and ids for them.

    A short-lived door makes one with a random name; a journal continues its own with ``last``, the
    number it handed out last. Not safe to share between threads.
    """

    def __init__(self, door: str, name: str, *, last: int = 0) -> None:
        self.door = door
        self.name = name
        self._last = last

    def next(self, now: datetime) -> tuple[int, str]:
        """The next number and the id of what it will record. Raises as `mint` does."""
        self._last += 1
        return self._last, mint(now, self.door, self.name, self._last)
