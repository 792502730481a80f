"""Reading what a writer left that died, what a disk hurt, and what is being written."""

import fcntl
import os
import random
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.journal import reader
from gate.journal.layout import HEADER_BYTES, encode_batch, header_of_name
from gate.journal.survey import survey
from gate.journal.tail import Tail, opened, time_of
from tests.journal.support import NOW, written

BATCHES = (3, 2, 4)


class Walk:
    """All that a tail gives of a segment, and what it has to say in the end."""

    def __init__(self, path: Path, budget_bytes: int = 1 << 20) -> None:
        tail = Tail(path)
        self.records: list[tuple[int, bytes]] = []
        with opened(path) as (descriptor, free):
            more = True
            while more:
                taken = tail.take(descriptor, free, budget_bytes)
                tail.confirm(taken)
                self.records += [(record.number, record.payload) for record in taken.records]
                more = taken.more
        self.done = taken.done
        self.reasons = tail.reasons()
        self.damage = tail.damage
        self.torn_bytes = tail.torn_bytes


@pytest.fixture
def segment(folder: Path) -> Path:
    return written(folder, BATCHES, mark=False, short=True)


def ends_of(path: Path) -> list[int]:
    """Where each batch ends, by what is written."""
    data = path.read_bytes()
    header = header_of_name(path.name)
    assert header is not None
    starts = [place for place in range(len(data)) if data.startswith(b"SGB\x01", place)]
    return [*starts[1:], len(data)]


@pytest.mark.parametrize(
    "filler", [b"", b"\0" * 9000, b"\xff" * 300], ids=["cut", "zeros", "noise"]
)
def test_a_tail_torn_at_any_byte_costs_nothing_that_was_answered(
    segment: Path, filler: bytes
) -> None:
    data = segment.read_bytes()
    whole = Walk(segment)
    assert len(whole.records) == sum(BATCHES)
    assert (whole.done, whole.reasons, whole.torn_bytes) == (True, [], 0)
    answered = sum(BATCHES[:2])
    for cut in range(ends_of(segment)[1], len(data)):
        segment.write_bytes(data[:cut] + filler)
        found = Walk(segment)
        assert found.done
        assert found.reasons == [], cut
        assert found.records[:answered] == whole.records[:answered]
        # What of the last write is whole may be kept, as it may have been answered.
        assert found.records == whole.records[: len(found.records)]


def test_every_flipped_byte_is_noticed_and_hurts_its_own_batch_at_most(folder: Path) -> None:
    segment = written(folder, BATCHES, short=True)
    data = segment.read_bytes()
    whole = Walk(segment)
    starts = [HEADER_BYTES, *ends_of(segment)]
    mark = starts[len(BATCHES)]
    used = len(data[:HEADER_BYTES].rstrip(b"\0"))
    for place in [*range(used), *range(HEADER_BYTES, len(data))]:
        hurt = bytearray(data)
        hurt[place] ^= 1 << (place % 8)
        segment.write_bytes(hurt)
        found = Walk(segment)
        assert found.done
        if place < HEADER_BYTES:
            assert found.records == whole.records
            assert found.reasons == ["its header is damaged"]
        elif place >= mark:
            assert (found.records, found.reasons) == (whole.records, [])
        else:
            batch = next(n for n, start in enumerate(starts[1:]) if place < start)
            first = sum(BATCHES[:batch])
            others = whole.records[:first] + whole.records[first + BATCHES[batch] :]
            assert set(others) <= set(found.records) < set(whole.records), place
            assert len(found.damage) == 1
            assert "damaged" in found.reasons[0]
            lost = {number for number, _ in whole.records} - {n for n, _ in found.records}
            assert found.damage[0].numbers in (tuple(sorted(lost)), None)


def test_a_flipped_bit_in_a_payload_costs_that_record_alone(folder: Path) -> None:
    segment = written(folder, BATCHES, short=True)
    whole = Walk(segment)
    data = segment.read_bytes()
    place = data.index(whole.records[4][1])
    segment.write_bytes(data[:place] + b"[" + data[place + 1 :])
    found = Walk(segment)
    assert found.records == whole.records[:4] + whole.records[5:]
    assert found.damage[0].numbers == (5,)
    report = survey(folder).segments[0]
    assert report.state == "damaged"
    assert report.problems[0].startswith("records 5 in bytes ")


@given(seed=st.integers(0, 2**32), filler=st.sampled_from([b"\0", b"\xff", b"S", b""]))
def test_any_stretch_may_be_lost(
    tmp_path_factory: pytest.TempPathFactory, seed: int, filler: bytes
) -> None:
    chance = random.Random(seed)
    segment = written(tmp_path_factory.mktemp("reader"), [chance.randint(1, 5) for _ in range(6)])
    whole = Walk(segment)
    data = segment.read_bytes()
    start = chance.randrange(HEADER_BYTES, len(data))
    end = min(start + chance.choice([1, 16, 512, 4096]), len(data))
    segment.write_bytes(data[:start] + filler * (end - start) + data[end:])
    found = Walk(segment, chance.choice([64, 1000, 1 << 20]))
    assert found.done
    assert set(found.records) <= set(whole.records)
    before = [record for record in whole.records if data.index(record[1]) + len(record[1]) <= start]
    assert found.records[: len(before)] == before
    mark = len(data) - 16
    if filler and len(found.records) < len(whole.records) and end <= mark:
        assert found.reasons


def test_what_is_no_segment_is_said(folder: Path) -> None:
    folder.mkdir()
    (folder / "holiday.seg").write_bytes(b"photographs" * 100)
    (folder / "empty.seg").write_bytes(b"")
    assert Walk(folder / "holiday.seg").reasons == ["it is no segment"]
    assert [report.state for report in survey(folder).segments] == ["damaged", "damaged"]


def test_a_segment_is_read_under_another_name_too(segment: Path) -> None:
    moved = segment.rename(segment.with_name("from-backup.seg"))
    found = Walk(moved)
    assert (len(found.records), found.reasons) == (sum(BATCHES), [])


def test_what_is_being_written_is_never_taken_for_damage(folder: Path) -> None:
    segment = written(folder, [], mark=False)
    header = header_of_name(segment.name)
    assert header is not None
    batches = 300
    chance = random.Random(1)
    payloads = [
        [chance.randbytes(chance.randint(0, 3000)) for _ in range(3)] for _ in range(batches)
    ]
    ready = threading.Event()

    def write() -> None:
        with open(segment, "r+b", buffering=0) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            ready.set()
            offset = HEADER_BYTES
            for turn, each in enumerate(payloads):
                data = encode_batch(header.salt, [3 * turn + n for n in (1, 2, 3)], each)
                # In parts, and not in order: as a reader may see one write.
                middle = len(data) // 2
                os.pwrite(file.fileno(), data[middle:] + bytes(4096), offset + middle)
                os.pwrite(file.fileno(), data[:middle], offset)
                offset += len(data)

    writer = threading.Thread(target=write)
    writer.start()
    ready.wait()
    tail = Tail(segment)
    found: list[bytes] = []
    done = False
    while not done:
        with opened(segment) as (descriptor, free):
            taken = tail.take(descriptor, free, 1 << 16)
        tail.confirm(taken)
        found += [record.payload for record in taken.records]
        done = taken.done
    writer.join()
    assert found == [payload for each in payloads for payload in each]
    assert (tail.reasons(), tail.torn_bytes) == ([], 0)


def test_damage_in_a_live_segment_does_not_stop_what_follows(segment: Path) -> None:
    whole = Walk(segment)
    data = segment.read_bytes()
    place = data.index(whole.records[3][1])
    segment.write_bytes(data[: place - 30] + bytes(40) + data[place + 10 :])
    tail = Tail(segment)
    with open(segment, "r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        numbers = []
        with opened(segment) as (descriptor, free):
            assert not free
            more = True
            while more:
                taken = tail.take(descriptor, free, 1 << 20)
                tail.confirm(taken)
                assert not taken.done
                numbers += [record.number for record in taken.records]
                more = taken.more
    assert numbers == [1, 2, 3, 6, 7, 8, 9]
    assert len(tail.reasons()) == 1


def test_a_batch_that_is_half_there_is_waited_for(segment: Path) -> None:
    data = segment.read_bytes()
    start = ends_of(segment)[1]
    tail = Tail(segment)
    found = []
    with open(segment, "r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        for cut in [*range(start, len(data), 7), len(data)]:
            segment.write_bytes(data[:cut] + bytes(2000))
            with opened(segment) as (descriptor, free):
                taken = tail.take(descriptor, free, 1 << 20)
            tail.confirm(taken)
            found += [record.number for record in taken.records]
            assert tail.confirmed == (len(data) if cut == len(data) else start)
    assert found == list(range(1, 10))
    assert (tail.reasons(), tail.torn_bytes) == ([], 0)


def test_a_batch_completed_while_it_was_read_is_no_damage(
    segment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = segment.read_bytes()
    header = header_of_name(segment.name)
    assert header is not None
    start, end, _ = ends_of(segment)
    # A read is not one instant: it may have passed a place before it was written, and see behind
    # it what was written later.
    early = data[:start] + bytes(end - start) + data[end:]
    reads = iter([early])
    real = os.pread

    def pread(descriptor: int, length: int, offset: int) -> bytes:
        stale = next(reads, None)
        return stale[offset : offset + length] if stale else real(descriptor, length, offset)

    monkeypatch.setattr(os, "pread", pread)
    with open(segment, "rb") as file:
        judged = reader.judge(file.fileno(), start, header.salt)
    assert judged.damage is None
    assert judged.more
    assert [number for number, _ in judged.records] == [4, 5]


def test_which_records_are_lost_is_not_said_where_nobody_knows(folder: Path) -> None:
    segment = written(folder, (3, 2, 4, 1), short=True)
    whole = Walk(segment)
    data = bytearray(segment.read_bytes())
    # A record of the second batch, and the whole head of the third.
    data[data.index(whole.records[4][1])] ^= 1
    start = ends_of(segment)[1]
    data[start : start + 16] = bytes(16)
    segment.write_bytes(data)
    found = Walk(segment)
    assert [number for number, _ in found.records] == [1, 2, 3, 4, 10]
    assert [each.numbers for each in found.damage] == [None]


def test_what_waits_is_counted_and_dated(segment: Path) -> None:
    tail = Tail(segment)
    tail.count()
    assert (tail.pending, tail.oldest) == (9, NOW.replace(microsecond=1000))
    with opened(segment) as (descriptor, free):
        tail.confirm(tail.take(descriptor, free, 100))
        tail.count()
        assert tail.pending == 6
        tail.confirm(tail.take(descriptor, free, 1 << 20))
    tail.count()
    assert (tail.pending, tail.oldest) == (0, None)
    tail.begin_again()
    tail.count()
    assert (tail.pending, tail.oldest) == (9, NOW.replace(microsecond=1000))
    assert time_of(b"\xff") is None
    assert time_of(b'{"id":"no"}') is None
