"""The bytes of a segment, and the ids that are handed out with its name."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.journal import layout, reader
from gate.journal.lane import Lane
from gate.journal.layout import HEADER_BYTES, Header, decode_header, encode_batch, encode_header
from gate.journal.reader import Stop
from gate.ledger.identity import mint

SALT = Header(door="webhook", writer="w").salt
SIZES = st.one_of(st.integers(0, 60), st.integers(4000, 4200), st.just(1 << 20))
BATCHES = st.lists(st.lists(SIZES, min_size=1, max_size=6), max_size=5)


@given(
    milliseconds=st.integers(0, 2**47),
    steps=st.lists(st.integers(0, 3000), min_size=1, max_size=5),
    random=st.binary(min_size=10, max_size=10),
)
def test_ids_are_those_that_the_ledger_asks_for(
    milliseconds: int, steps: list[int], random: bytes
) -> None:
    lane = Lane("webhook", unix_milliseconds=milliseconds, random=random)
    now = datetime(2026, 6, 13, 12, tzinfo=UTC)
    for number, step in enumerate(steps, 1):
        now += timedelta(microseconds=step)
        assert lane.next_id(now) == mint(now, "webhook", lane.header.writer, number)
        assert lane.last == number


def test_no_two_lanes_have_a_name_in_common() -> None:
    names = {
        Lane("api", unix_milliseconds=5, random=os.urandom(10)).header.writer for _ in range(100)
    }
    assert len(names) == 100
    assert {name[:4] for name in names} == {"api-"}


@given(sizes=BATCHES, filler=st.binary(min_size=1, max_size=64), ahead=st.integers(0, 5000))
def test_what_is_read_is_what_was_written(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[list[int]], filler: bytes, ahead: int
) -> None:
    path = tmp_path_factory.mktemp("layout") / "segment"
    written: list[tuple[int, bytes]] = []
    data = bytes(HEADER_BYTES)
    for batch in sizes:
        numbers = list(range(len(written) + 1, len(written) + 1 + len(batch)))
        payloads = [(filler * (size // len(filler) + 1))[:size] for size in batch]
        written += zip(numbers, payloads, strict=True)
        data += encode_batch(SALT, numbers, payloads)
    path.write_bytes(data + bytes(ahead))
    for budget in (64, 5000, 1 << 22):
        assert read_all(path, budget) == (written, len(data), Stop.BLANK)


def read_all(path: Path, budget: int) -> tuple[list[tuple[int, bytes]], int, Stop]:
    descriptor = os.open(path, os.O_RDONLY)
    found: list[tuple[int, bytes]] = []
    offset, stop = HEADER_BYTES, Stop.BUDGET
    try:
        while stop is Stop.BUDGET:
            records, offset, stop = reader.read(descriptor, offset, SALT, budget)
            found += records
    finally:
        os.close(descriptor)
    return found, offset, stop


def test_a_batch_of_another_segment_does_not_pass() -> None:
    data = encode_batch(SALT, [1], [b"x"])
    frame = layout.frame_at(data, 0)
    assert frame is not None
    assert layout.sound(data, frame, SALT)
    assert not layout.sound(data, frame, Header(door="webhook", writer="v").salt)


def test_a_header_says_who_writes_or_nothing() -> None:
    header = Lane("webhook", unix_milliseconds=1, random=bytes(10)).header
    data = encode_header(header)
    assert len(data) == HEADER_BYTES
    assert decode_header(data) == header
    used = len(data.rstrip(b"\0"))
    for place in range(used):
        hurt = bytearray(data)
        hurt[place] ^= 0x10
        assert decode_header(bytes(hurt)) is None, place
    assert decode_header(data[:100]) is None
    with pytest.raises(ValueError, match="too long"):
        encode_header(Header(door="d", writer="w" * 600))


def test_a_file_name_says_who_writes_too() -> None:
    header = Lane("a-door", unix_milliseconds=1, random=bytes(10)).header
    assert layout.header_of_name(f"{header.writer}.seg") == header
    for other in ("webhook.seg", f"{header.writer}.txt", ".seg", "notes"):
        assert layout.header_of_name(other) is None
