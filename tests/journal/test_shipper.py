"""Shipping to a real PostgreSQL: in order, once, whatever the database or the disk does."""

import asyncio
import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest

from gate.journal.segment import NEW_SUFFIX
from gate.journal.shipper import Shipper, Shipping
from gate.store.connect import Target, connect
from gate.store.errors import StoreUnavailable
from tests.journal.support import NOW, ids_in, opened, record, rows_of, run, until, written
from tests.ledger.build import tamper

NOWHERE = Target(
    dsn="host=/nonexistent user=gate dbname=gate", schema="gate", embedded_folder=Path()
)


def ship(folder: Path, where: Target) -> Shipping:
    shipper = Shipper(folder, where)
    try:
        return shipper.ship_once()
    finally:
        shipper.close()


def terminate_others(connection: psycopg.Connection) -> int:
    """End the sessions begun after this one; how many those were."""
    row = connection.execute(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
        " WHERE application_name = 'saturday-gate' AND backend_start >"
        " (SELECT backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid())"
    ).fetchone()
    assert row is not None
    return int(row[0])


@contextmanager
def shipping(folder: Path, where: Target, **options: Any) -> Iterator[Shipper]:
    """A shipper at work in a thread, stopped (and so drained) after the block."""
    shipper = Shipper(folder, where, jitter=lambda: 0.0, **options)
    stop = threading.Event()
    thread = threading.Thread(target=shipper.run, args=(stop,))
    thread.start()
    try:
        yield shipper
    finally:
        stop.set()
        thread.join(30)
        assert not thread.is_alive()


def test_segments_are_shipped_in_order_and_deleted(
    folder: Path, where: Target, connection: psycopg.Connection
) -> None:
    written(folder, [3, 200, 1])
    written(folder, [2], mark=False)
    wanted = ids_in(folder)
    state = ship(folder, where)
    assert (state.shipped, state.depth, state.segments, state.last_error) == (206, 0, 0, None)
    assert rows_of(connection) == wanted
    assert list(folder.iterdir()) == []
    assert ship(folder, where).shipped == 0


def test_what_is_being_written_is_shipped_and_stays(
    folder: Path, where: Target, connection: psycopg.Connection
) -> None:
    async def main() -> None:
        async with opened(folder) as journal:
            answered = [await record(journal) for _ in range(5)]
            assert ship(folder, where).shipped == 5
            assert rows_of(connection) == answered == ids_in(folder)
            shipper = Shipper(folder, where)
            answered += [await record(journal)]
            assert shipper.ship_once().shipped == 6
            answered += [await record(journal)]
            assert shipper.ship_once().shipped == 7
            shipper.close()
            assert rows_of(connection) == answered
        assert ship(folder, where).segments == 0
        assert rows_of(connection) == answered

    run(main())


def test_more_than_a_batch_is_shipped(
    folder: Path, where: Target, connection: psycopg.Connection
) -> None:
    for _ in range(3):
        written(folder, [700, 1200, 5])
    wanted = ids_in(folder)
    told: list[int] = []
    shipper = Shipper(folder, where)
    assert shipper.ship_once(told.append).shipped == len(wanted) == told[-1]
    shipper.close()
    assert told == sorted(told)
    assert rows_of(connection) == wanted


def test_many_segments_are_shipped(
    folder: Path, where: Target, connection: psycopg.Connection
) -> None:
    for turn in range(70):
        written(folder, [turn % 3], mark=turn % 2 == 0)
    wanted = ids_in(folder)
    assert ship(folder, where).segments == 0
    assert rows_of(connection) == wanted


def test_two_at_once_ship_each_record_once(
    folder: Path, where: Target, connection: psycopg.Connection
) -> None:
    for _ in range(5):
        written(folder, [40] * 20)
    wanted = ids_in(folder)

    async def live() -> list[str]:
        async with opened(folder, segment_bytes=100 << 10) as journal:
            made = await asyncio.gather(*(record(journal) for _ in range(200)))
            return [*made, *[await record(journal) for _ in range(200)]]

    with shipping(folder, where), shipping(folder, where):
        wanted += run(live())
    assert sorted(rows_of(connection)) == sorted(wanted)
    assert list(folder.iterdir()) == []


def test_a_database_out_of_reach_is_waited_for(folder: Path, where: Target) -> None:
    written(folder, [30])
    with pytest.raises(StoreUnavailable, match="not available"):
        ship(folder, NOWHERE)
    with shipping(folder, NOWHERE) as shipper:
        run(until(lambda: shipper.state.last_error is not None))
        state = shipper.state
        assert (state.depth, state.shipped) == (30, 0)
        assert state.oldest_at == NOW.replace(microsecond=1000)
        assert "not available" in str(state.last_error)
        assert state.failing_since is not None
        since = state.failing_since
        run(until(lambda: shipper.state is not state))
        assert shipper.state.failing_since == since
    assert ship(folder, where).shipped == 30


def test_a_connection_that_breaks_is_made_again(
    folder: Path, where: Target, connection: psycopg.Connection
) -> None:
    async def main() -> list[str]:
        async with opened(folder) as journal:
            with shipping(folder, where) as shipper:
                answered: list[str] = []

                def all_shipped() -> bool:
                    return shipper.state.shipped >= len(answered)

                for _ in range(4):
                    answered += [await record(journal) for _ in range(10)]
                    await until(all_shipped)
                    assert terminate_others(connection) > 0
            return answered

    answered = run(main())
    assert rows_of(connection) == answered


def test_a_slow_database_gets_fewer_at_a_time(
    folder: Path, where: Target, connection: psycopg.Connection
) -> None:
    written(folder, [300])
    wanted = ids_in(folder)
    with connect(where) as other, shipping(folder, where, statement_seconds=0.2) as shipper:
        with other.transaction():
            other.execute("SELECT FROM ledger_head FOR UPDATE")
            run(until(lambda: "timeout" in str(shipper.state.last_error)))
            assert shipper.state.depth == 300
        run(until(lambda: shipper.state.shipped >= 300))
        run(until(lambda: shipper.state.last_error is None))
    assert rows_of(connection) == wanted


def test_a_database_that_only_reads_is_waited_for(
    folder: Path, where: Target, connection: psycopg.Connection
) -> None:
    written(folder, [5])
    standby = msgspec.structs.replace(
        where, dsn=f"{where.dsn} options='-c default_transaction_read_only=on'"
    )
    with pytest.raises(StoreUnavailable, match="read-only"):
        ship(folder, standby)
    assert len(ids_in(folder)) == 5
    assert ship(folder, where).shipped == 5
    assert len(rows_of(connection)) == 5


def test_a_schema_out_of_date_is_waited_for(folder: Path, where: Target) -> None:
    written(folder, [5])
    bare = msgspec.structs.replace(where, schema=f"{where.schema}_bare")
    with pytest.raises(StoreUnavailable, match="gate db migrate"):
        ship(folder, bare)
    assert ship(folder, where).shipped == 5


def test_a_standby_that_lacks_the_newest_rows_gets_them_again(
    folder: Path, where: Target, connection: psycopg.Connection
) -> None:
    said: list[str] = []

    async def main() -> list[str]:
        async with opened(folder) as journal:
            shipper = Shipper(folder, where, say=said.append)
            answered = [await record(journal) for _ in range(20)]
            shipper.ship_once()
            # As when a standby is promoted that had not received the last of them.
            tamper(connection, "DELETE FROM saturday_protection_audit WHERE seq > 12")
            tamper(
                connection,
                "UPDATE ledger_head SET seq = 12, hash ="
                " (SELECT hash FROM saturday_protection_audit WHERE seq = 12)",
            )
            assert terminate_others(connection) == 1
            answered.append(await record(journal))
            for _ in range(2):
                with pytest.raises(StoreUnavailable):
                    shipper.ship_once()
            assert shipper.ship_once().depth == 0
            shipper.close()
            return answered

    answered = run(main())
    assert rows_of(connection) == answered
    assert [text for text in said if "lost rows" in text]


def test_a_refused_record_is_kept_and_blocks_nothing(
    folder: Path, where: Target, connection: psycopg.Connection
) -> None:
    bad = [
        b"",
        b'{"id":"01',
        b"\xff\xfe",
        b'{"id": 1}',
        b"[1]",
        b'{"id":"0198c0de-0000-7000-8000-000000000000"}',
    ]
    said: list[str] = []

    async def main() -> list[str]:
        async with opened(folder) as journal:
            answered = []
            for payload in bad:
                answered.append(await record(journal))
                await journal.append(NOW, lambda _, payload=payload: payload)  # type: ignore[misc]
            answered.append(await record(journal))
        return answered

    answered = run(main())
    shipper = Shipper(folder, where, say=said.append)
    state = shipper.ship_once()
    shipper.close()
    assert rows_of(connection) == answered
    assert (state.shipped, state.depth, state.segments) == (len(answered), 0, 0)
    assert state.refused == len(bad) == len(said)
    kept = sorted((folder / "refused").iterdir(), key=lambda path: int(path.stem.rsplit("-", 1)[1]))
    documents = [json.loads(path.read_bytes()) for path in kept]
    assert [each.get("payload") for each in documents] == [
        None if payload == b"\xff\xfe" else payload.decode() for payload in bad
    ]
    assert documents[2]["payload_base64"] == "//4="
    assert all(each["reason"] and each["door"] == "webhook" for each in documents)


def test_a_copy_of_a_segment_adds_nothing(
    folder: Path, where: Target, connection: psycopg.Connection
) -> None:
    segment = written(folder, [3])
    data = segment.read_bytes()
    wanted = ids_in(folder)
    ship(folder, where)
    (folder / "from-backup.seg").write_bytes(data)
    state = ship(folder, where)
    assert (state.segments, state.refused) == (0, 0)
    assert rows_of(connection) == wanted


def test_a_damaged_segment_is_kept_and_the_rest_of_it_shipped(
    folder: Path, where: Target, connection: psycopg.Connection
) -> None:
    segment = written(folder, [2, 3, 2])
    wanted = ids_in(folder)
    data = segment.read_bytes()
    place = data.index(wanted[3].encode())
    segment.write_bytes(data[:place] + b"0bad" + data[place + 4 :])
    said: list[str] = []
    shipper = Shipper(folder, where, say=said.append)
    shipper.ship_once()
    shipper.close()
    assert rows_of(connection) == wanted[:3] + wanted[4:]
    kept = folder / "damaged" / segment.name
    assert kept.read_bytes() == segment_bytes(data, place)
    report = json.loads(kept.with_suffix(".json").read_bytes())
    assert report["damage"][0]["numbers"] == [4]
    assert "records 4 in bytes" in said[0]
    assert ship(folder, where).damaged == 1


def segment_bytes(data: bytes, place: int) -> bytes:
    return data[:place] + b"0bad" + data[place + 4 :]


def test_a_torn_tail_is_said_and_deleted(
    folder: Path, where: Target, connection: psycopg.Connection
) -> None:
    segment = written(folder, [2, 1], mark=False)
    wanted = ids_in(folder)
    segment.write_bytes(segment.read_bytes()[:-10] + bytes(100))
    said: list[str] = []
    shipper = Shipper(folder, where, say=said.append)
    assert shipper.ship_once().segments == 0
    shipper.close()
    assert rows_of(connection) == wanted[:2]
    assert "its writer died" in said[0]


def test_what_a_writer_left_unfinished_is_tidied_up(folder: Path, where: Target) -> None:
    folder.mkdir()
    old, young = folder / f"a{NEW_SUFFIX}", folder / f"b{NEW_SUFFIX}"
    for path in (old, young):
        path.write_bytes(b"")
    now = datetime.now(UTC)
    an_hour_ago = (now - timedelta(hours=1)).timestamp()
    os.utime(old, (an_hour_ago, an_hour_ago))
    Shipper(folder, where).ship_once()
    assert list(folder.iterdir()) == [young]


def test_a_folder_that_is_gone_is_waited_for(folder: Path, where: Target) -> None:
    with shipping(folder, where) as shipper:
        run(until(lambda: "No such file" in str(shipper.state.last_error)))
        written(folder, [4])
        run(until(lambda: shipper.state.shipped == 4))
        run(until(lambda: shipper.state.last_error is None))


def test_what_is_there_is_shipped_before_it_stops(
    folder: Path, where: Target, connection: psycopg.Connection
) -> None:
    shipper = Shipper(folder, where)
    written(folder, [7])
    stop = threading.Event()
    stop.set()
    shipper.run(stop)
    assert len(rows_of(connection)) == 7
    assert shipper.state.segments == 0
    written(folder, [7])
    gone = Shipper(folder, NOWHERE)
    gone.run(stop)
    assert gone.state.depth == 7
    assert gone.state.last_error is not None
