"""The bytes of a segment: a header, then batches; each batch is what one write made durable.

    header   512 bytes: magic and version (8), length and CRC-32 of the JSON that follows, zeros
    batch     16 bytes: magic (4), CRC-32 of what follows up to the payloads, count, payload bytes
              12 bytes a record: number, length and CRC-32 of its payload
              the payloads, end to end
    end       a batch of no records: the writer closed the segment in good order

Integers are little-endian. A batch's CRC starts from that of the writer's name, so that a batch
of another segment never passes. Behind the last batch stand zeros that were written in advance: to
overwrite is cheaper than to append, for the file's length need not be made durable each time.

That a batch follows another proves that the other was durable: the writer waits for each.
"""

import struct
from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple
from zlib import crc32

import msgspec

SUFFIX = ".seg"
HEADER_BYTES = 512
BATCH_HEAD_BYTES = 16
LARGEST_PAYLOAD_BYTES = 1 << 20
"""As the ledger's own limit."""

_MAGIC = b"SGJRNL\x00\x01"
_BATCH_MAGIC = b"SGB\x01"
_HEADER = struct.Struct("<8sII")
_HEAD = struct.Struct("<4sIII")
_SIZES = struct.Struct("<II")
_ENTRY_BYTES = 12


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """Who writes a segment: the door, and the name under which the ledger knows the writer."""

    door: str
    writer: str

    @property
    def salt(self) -> int:
        """From which the checksums of its batches start."""
        return crc32(self.writer.encode())


class Frame(NamedTuple):
    """Where a batch lies in the data given: its table of records, its payloads, its end."""

    start: int
    records: int
    payloads: int
    end: int


class Salvage(NamedTuple):
    """What of a batch can be trusted: the good records, and the numbers of the others."""

    records: list[tuple[int, bytes]]
    bad: list[int]


def encode_header(header: Header) -> bytes:
    """The first bytes of a segment. Raises `ValueError` for names that are too long."""
    body = msgspec.json.encode(header)
    if _HEADER.size + len(body) > HEADER_BYTES:
        raise ValueError(f"door and writer are too long for a segment's header: {header}")
    head = _HEADER.pack(_MAGIC, len(body), crc32(body))
    return (head + body).ljust(HEADER_BYTES, b"\0")


def decode_header(data: bytes) -> Header | None:
    """The header of a segment; None where it is damaged or of another kind."""
    if len(data) < HEADER_BYTES:
        return None
    magic, length, checksum = _HEADER.unpack_from(data)
    body = data[_HEADER.size : _HEADER.size + length]
    if magic != _MAGIC or length > HEADER_BYTES or crc32(body) != checksum:
        return None
    try:
        return msgspec.json.decode(body, type=Header)
    except msgspec.MsgspecError:
        return None


def header_of_name(name: str) -> Header | None:
    """What a segment's file name says of its writer (``webhook-0198….seg``), if it is one."""
    writer, dot, suffix = name.rpartition(".")
    # The writer's name ends in a UUID, of five groups.
    door = writer.rsplit("-", 5)[0]
    if not dot or "." + suffix != SUFFIX or not door or door == writer:
        return None
    return Header(door=door, writer=writer)


def encode_batch(salt: int, numbers: Sequence[int], payloads: Sequence[bytes]) -> bytes:
    """The bytes of a batch; without records: the end mark."""
    count = len(payloads)
    lengths = [len(payload) for payload in payloads]
    table = struct.pack(f"<{3 * count}I", *numbers, *lengths, *map(crc32, payloads))
    sizes = _SIZES.pack(count, sum(lengths))
    checksum = crc32(table, crc32(sizes, salt))
    return b"".join((_BATCH_MAGIC, checksum.to_bytes(4, "little"), sizes, table, *payloads))


def frame_at(data: bytes, start: int) -> Frame | None:
    """The batch that seems to begin at `start`; None where none does. Nothing is checked yet."""
    if len(data) - start < BATCH_HEAD_BYTES:
        return None
    magic, _, count, size = _HEAD.unpack_from(data, start)
    if magic != _BATCH_MAGIC:
        return None
    payloads = start + BATCH_HEAD_BYTES + count * _ENTRY_BYTES
    return Frame(start, count, payloads, payloads + size)


def sound(data: bytes, frame: Frame, salt: int) -> bool:
    """Whether the batch's head and table are there and as they were written."""
    if frame.payloads > len(data):
        return False
    checksum = int.from_bytes(data[frame.start + 4 : frame.start + 8], "little")
    return crc32(data[frame.start + 8 : frame.payloads], salt) == checksum


def salvage(data: bytes, frame: Frame) -> Salvage:
    """The records of a batch that is `sound`; its payloads may be damaged or cut short."""
    columns = struct.unpack_from(f"<{3 * frame.records}I", data, frame.start + BATCH_HEAD_BYTES)
    numbers = columns[: frame.records]
    lengths = columns[frame.records : 2 * frame.records]
    checksums = columns[2 * frame.records :]
    ends = accumulate(lengths, initial=frame.payloads)
    good, bad = [], []
    for number, length, checksum, start in zip(numbers, lengths, checksums, ends, strict=False):
        payload = data[start : start + length]
        if len(payload) == length and crc32(payload) == checksum:
            good.append((number, payload))
        else:
            bad.append(number)
    return Salvage(good, bad)


def find_batch(data: bytes, start: int, salt: int) -> int | None:
    """Where the next sound batch begins, from `start` on."""
    while (start := data.find(_BATCH_MAGIC, start)) >= 0:
        frame = frame_at(data, start)
        if frame is not None and sound(data, frame, salt):
            return start
        start += 1
    return None
