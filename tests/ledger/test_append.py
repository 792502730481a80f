"""Appending: in order, gapless, once."""

import hashlib
import json
import threading

import msgspec
import psycopg
import pytest
import rfc8785

from gate.core.problems import InputError
from gate.ledger.append import append
from gate.ledger.identity import Writer
from gate.ledger.records import Record, decision_record
from gate.ledger.verify import verify
from gate.store.connect import Target, connect
from tests.ledger.build import decision, filled, record, records


def test_the_chain_is_that_of_the_contract(connection: psycopg.Connection) -> None:
    filled(connection, 12)
    rows = connection.execute(
        "SELECT seq, prev_hash, hash, payload FROM saturday_protection_audit ORDER BY seq"
    ).fetchall()
    assert [row[0] for row in rows] == list(range(1, 13))
    last = bytes(32)
    for _, prev_hash, row_hash, payload in rows:
        assert prev_hash == last
        assert row_hash == hashlib.sha256(prev_hash + payload).digest()
        last = row_hash


def test_the_payload_is_the_canonical_decision_and_no_more(connection: psycopg.Connection) -> None:
    writer = Writer("command", "c-1")
    number, identifier = writer.next(decision().at)
    made = decision(identifier, actor="alice")
    append(connection, [decision_record(made, door="command", writer="c-1", number=number)])
    row = connection.execute("SELECT payload, id FROM saturday_protection_audit").fetchone()
    assert row is not None
    printed = json.loads(msgspec.json.encode(made))
    assert row[0] == rfc8785.dumps(printed)
    assert str(row[1]) == printed["id"]
    assert row[1].version == 7


def test_a_repeated_batch_is_written_once(connection: psycopg.Connection) -> None:
    made = records(10)
    assert append(connection, made[:6]) == [1, 2, 3, 4, 5, 6]
    assert append(connection, made) == list(range(1, 11))
    assert append(connection, [made[3], made[3]]) == [4, 4]
    assert verify(connection).rows == 10


def test_a_batch_may_hold_a_record_twice(connection: psycopg.Connection) -> None:
    one, two = records(2)
    assert append(connection, [one, one, two, one]) == [1, 1, 2, 1]


def test_a_number_is_not_given_to_another_payload(connection: psycopg.Connection) -> None:
    one = records(1)[0]
    other = record(Writer("webhook", "w-1"), actor="mallory")
    append(connection, [one])
    with pytest.raises(InputError, match="written number 1 before"):
        append(connection, [*records(3, Writer("webhook", "w-2")), other])
    with pytest.raises(InputError, match="written number 1 before"):
        append(
            connection,
            [*records(1, Writer("webhook", "w-3")), record(Writer("webhook", "w-3"), actor="eve")],
        )
    assert verify(connection).rows == 1


@pytest.mark.parametrize("change", ["door", "writer", "number"])
def test_an_id_of_another_door_writer_or_number_is_refused(
    connection: psycopg.Connection, change: str
) -> None:
    one = records(1)[0]
    stolen = {"door": "command", "writer": "w-9", "number": 2}
    given = {"door": one.door, "writer": one.writer, "number": one.number} | {
        change: stolen[change]
    }
    with pytest.raises(InputError, match="id of the batch"):
        append(connection, [Record(payload=one.payload, **given)])  # type: ignore[arg-type]
    assert verify(connection).rows == 0


def test_an_empty_batch_is_nothing(connection: psycopg.Connection) -> None:
    assert append(connection, []) == []
    assert verify(connection).ok


def test_parallel_writers_leave_no_gap(where: Target) -> None:
    failures: list[BaseException] = []

    def write(name: str) -> None:
        try:
            with connect(where) as mine:
                made = records(60, Writer("webhook", name))
                for start in range(0, 60, 7):
                    append(mine, made[start : start + 7])
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=write, args=(f"w-{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with connect(where) as reader:
        found = verify(reader)
    assert (found.ok, found.rows) == (True, 240)


def test_a_batch_that_fails_leaves_no_row(connection: psycopg.Connection) -> None:
    made = records(3)
    broken = Record(door="webhook", writer="w-1", number=9, payload=b'{"id": 1}')
    with pytest.raises(InputError):
        append(connection, [*made, broken])
    assert verify(connection) == verify(connection)
    assert verify(connection).rows == 0


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE saturday_protection_audit SET door = 'api'",
        "DELETE FROM saturday_protection_audit",
        "TRUNCATE saturday_protection_audit",
        "DELETE FROM ledger_head",
        "TRUNCATE ledger_head",
    ],
)
def test_the_owner_is_refused(connection: psycopg.Connection, statement: str) -> None:
    filled(connection, 2)
    owner = connection.execute(
        "SELECT current_user = tableowner AND current_setting('is_superuser') = 'off'"
        " FROM pg_tables WHERE tablename = 'saturday_protection_audit'"
        " AND schemaname = current_schema()"
    ).fetchone()
    assert owner == (True,)
    with pytest.raises(psycopg.errors.RestrictViolation, match="only appended to"):
        connection.execute(statement.encode())
