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
    return _commitment(_begun(door, writer), number)


def mint(now: datetime, door: str, writer: str, number: int) -> str:
    """The id of what `writer` records as its `number` (from 1) through `door` at `now` (aware).

    Each (writer, number) gives its own id. Raises `ValueError` for a door that is not a lower-case
    word, a writer that is not 1 to 100 visible ASCII characters, or a number below 1.
    """
    _check(door, writer, number)
    return _written(now, _commitment(_begun(door, writer), number))


def _check(door: str, writer: str, number: int) -> None:
    if not _DOOR.fullmatch(door) or not _WRITER.fullmatch(writer) or number < 1:
        raise ValueError(f"cannot record as {door!r}, {writer!r}, {number}")


def _begun(door: str, writer: str) -> "hashlib._Hash":
    return hashlib.sha256(f"{door}/{writer}".encode())


def _commitment(begun: "hashlib._Hash", number: int) -> bytes:
    hashing = begun.copy()
    hashing.update(number.to_bytes(8, "big"))
    digest = bytearray(hashing.digest()[:10])
    digest[0] = 0x70 | (digest[0] & 0x0F)
    digest[2] = 0x80 | (digest[2] & 0x3F)
    return bytes(digest)


def _written(now: datetime, committed: bytes) -> str:
    since = now - _EPOCH
    milliseconds = (since.days * 86_400 + since.seconds) * 1000 + since.microseconds // 1000
    text = (milliseconds.to_bytes(6, "big") + committed).hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def minted_at(identifier: str) -> datetime:
    """When the id was made, to the millisecond: the instant of recording."""
    milliseconds = int.from_bytes(UUID(identifier).bytes[:6], "big")
    return _EPOCH + timedelta(milliseconds=milliseconds)


class Writer:
    """Who writes through a door: it hands out numbers from 1, each once, and ids for them.

    A short-lived door makes one with a random name, and so does each segment of a journal; ``last``
    is the number it handed out last. Not safe to share between threads. Raises `ValueError` where
    `mint` does.
    """

    def __init__(self, door: str, name: str, *, last: int = 0) -> None:
        _check(door, name, last + 1)
        self._begun = _begun(door, name)
        self.door = door
        self.name = name
        self._last = last

    def next(self, now: datetime) -> tuple[int, str]:
        """The next number and the id of what it will record."""
        self._last += 1
        return self._last, _written(now, _commitment(self._begun, self._last))
