"""Whatever is done to one row is found, and its number named."""

from collections.abc import Iterator

import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from gate.core.problems import InputError
from gate.ledger.append import append
from gate.ledger.checkpoint import checkpoint
from gate.ledger.identity import Writer
from gate.ledger.verify import verify
from gate.ledger.verify_chunk import fetch_batch
from gate.ledger.verify_worker import worker_chunks
from gate.store.connect import connect
from gate.store.errors import StoreUnavailable
from tests.ledger.build import filled, plain_records, records, tamper
from tests.postgres import fresh_schema

ROWS = 1203
"""More than two batches of the verifier, and no whole number of them."""
POSITIONS = [1, 2, 3, 4, 5, 7, 500, 601, ROWS]

CHANGES = {
    "seq": "seq = seq + 10000",
    "prev_hash": "prev_hash = set_byte(prev_hash, 31, get_byte(prev_hash, 31) # 1)",
    "hash": "hash = set_byte(hash, 0, get_byte(hash, 0) # 128)",
    "payload": "payload = set_byte(payload, 20, get_byte(payload, 20) # 1)",
    "id": "id = overlay(id::text placing"
    " to_hex(15 - (get_byte(uuid_send(id), 15) & 15)) from 36)::uuid",
    "id's time": "id = overlay(id::text placing '7' from 1)::uuid",
    "kind": "kind = CASE kind WHEN 'lock' THEN 'policy' ELSE 'emergency' END, verdict = NULL,"
    " effect = NULL, invoker = NULL",
    "at": "at = at + interval '1 hour'",
    "at's microseconds": "at = at + interval '1 microsecond'",
    "door": "door = 'command'",
    "writer": "writer = writer || 'x'",
    "number": "number = number + 100000",
    "verdict": "verdict = CASE verdict WHEN 'deny' THEN 'allow' ELSE 'deny' END,"
    " effect = coalesce(effect, 'allow'), invoker = coalesce(invoker, 'human'), kind = 'decision'",
    "effect": "effect = CASE effect WHEN 'block' THEN 'allow' ELSE 'block' END,"
    " verdict = coalesce(verdict, 'allow'), invoker = coalesce(invoker, 'human'),"
    " kind = 'decision'",
    "phase": "phase = CASE phase WHEN 'lead' THEN 'open' ELSE 'lead' END",
    "no phase": "phase = CASE WHEN phase IS NULL THEN 'open' END",
    "action": "action = CASE action WHEN 'rollback' THEN 'deploy' ELSE 'rollback' END",
    "invoker": "invoker = CASE invoker WHEN 'human' THEN 'automation' ELSE 'human' END,"
    " verdict = coalesce(verdict, 'allow'), effect = coalesce(effect, 'allow'), kind = 'decision'",
    "actor": "actor = coalesce(actor, '') || 'x'",
    "empty actor": "actor = CASE WHEN actor IS NULL THEN '' END",
    "environment": "environment = coalesce(environment, '') || 'x'",
    "namespace": "namespace = coalesce(namespace, '') || 'x'",
    "service": "service = CASE WHEN service IS NULL THEN 'x' ELSE left(service, 400) || 'y' END",
    "repository": "repository = coalesce(repository, '') || 'x'",
    "policy_sha256": "policy_sha256 = CASE WHEN policy_sha256 IS NULL THEN repeat('0', 64) END",
    "subject": "subject = coalesce(subject, '') || 'x'",
    "escaped actor": r"""actor = coalesce(replace(replace(actor, '\', '\\'), '"', '\"'), '') ||"""
    " CASE WHEN actor LIKE '%%\"%%' THEN '' ELSE 'x' END",
    "an actor in two": "actor = namespace, namespace = actor, subject = 'x'",
    "text that plays a column": "environment = NULL, action = action, actor ="
    " coalesce(actor || '\",\"environment\":\"production', 'x')",
}


@pytest.fixture(scope="module", params=[plain_records, records], ids=["plain", "mixed"])
def ledger(request: pytest.FixtureRequest) -> Iterator[psycopg.Connection]:
    """A ledger that each test of the module leaves as it found it."""
    with fresh_schema(prefix="verify") as where, connect(where) as opened:
        append(opened, request.param(ROWS))
        opened.execute("CREATE TABLE copy AS SELECT * FROM saturday_protection_audit")
        yield opened


@pytest.fixture
def tampered(ledger: psycopg.Connection) -> Iterator[psycopg.Connection]:
    """The ledger, made whole again afterwards."""
    head = ledger.execute("SELECT seq, hash FROM ledger_head").fetchone()
    assert head is not None
    yield ledger
    tamper(ledger, "DELETE FROM saturday_protection_audit")
    tamper(ledger, "INSERT INTO saturday_protection_audit SELECT * FROM copy")
    tamper(ledger, "DELETE FROM ledger_head")
    tamper(ledger, "INSERT INTO ledger_head (seq, hash) VALUES (%s, %s)", *head)


def test_a_whole_ledger_verifies(ledger: psycopg.Connection) -> None:
    found = verify(ledger)
    assert (found.ok, found.rows, found.first_bad_seq, found.why) == (True, ROWS, None, None)


def test_usual_rows_take_the_short_way(connection: psycopg.Connection) -> None:
    """Else the long way would hide what the short one misses."""
    append(connection, plain_records(100))
    batch = fetch_batch(connection, 1, 101)
    payloads = batch.split()
    assert batch.unusual == []
    assert batch.is_linked(1, 101, bytes(32))
    assert batch.is_hashed(payloads)
    assert batch.columns_agree(1, payloads)


def test_every_column_is_tampered_with(ledger: psycopg.Connection) -> None:
    columns = ledger.execute(
        "SELECT attname FROM pg_attribute WHERE attnum > 0 AND NOT attisdropped"
        " AND attrelid = 'saturday_protection_audit'::regclass"
    ).fetchall()
    assert {name for (name,) in columns} <= CHANGES.keys()


@pytest.mark.parametrize("what", CHANGES)
def test_a_changed_column_is_found(ledger: psycopg.Connection, what: str) -> None:
    for position in POSITIONS:
        tamper(
            ledger,
            f"UPDATE saturday_protection_audit SET {CHANGES[what]} WHERE seq = %s",
            position,
        )
        found = verify(ledger)
        tamper(
            ledger,
            "DELETE FROM saturday_protection_audit WHERE seq IN (%s, %s)",
            position,
            position + 10000,
        )
        tamper(
            ledger,
            "INSERT INTO saturday_protection_audit SELECT * FROM copy WHERE seq = %s",
            position,
        )
        assert (found.ok, found.first_bad_seq, found.rows) == (False, position, position - 1), (
            found.why
        )


def test_swapped_rows_are_found(tampered: psycopg.Connection) -> None:
    tamper(
        tampered,
        "UPDATE saturday_protection_audit AS a SET payload = c.payload, hash = c.hash"
        " FROM copy AS c WHERE (a.seq, c.seq) IN ((600, 601), (601, 600))",
    )
    assert verify(tampered).first_bad_seq == 600


def test_rows_that_change_places_are_found(tampered: psycopg.Connection) -> None:
    tamper(tampered, "UPDATE saturday_protection_audit SET seq = 999999 WHERE seq = 600")
    tamper(tampered, "UPDATE saturday_protection_audit SET seq = 600 WHERE seq = 601")
    tamper(tampered, "UPDATE saturday_protection_audit SET seq = 601 WHERE seq = 999999")
    assert verify(tampered).first_bad_seq == 600


@pytest.mark.parametrize("position", POSITIONS)
def test_a_deleted_row_is_found(tampered: psycopg.Connection, position: int) -> None:
    tamper(tampered, "DELETE FROM saturday_protection_audit WHERE seq = %s", position)
    found = verify(tampered)
    assert (found.ok, found.first_bad_seq) == (False, position)
    assert "missing" in (found.why or "")


def test_a_missing_stretch_is_found(connection: psycopg.Connection) -> None:
    filled(connection, 4500)
    tamper(connection, "DELETE FROM saturday_protection_audit WHERE seq BETWEEN 1900 AND 4100")
    found = verify(connection)
    assert (found.ok, found.rows, found.first_bad_seq) == (False, 1899, 1900)


def test_a_row_put_in_is_found(tampered: psycopg.Connection) -> None:
    tamper(tampered, "UPDATE saturday_protection_audit SET seq = seq + 100000 WHERE seq >= 700")
    tamper(
        tampered,
        "UPDATE saturday_protection_audit SET seq = seq - 99999 WHERE seq >= 100700",
    )
    tamper(
        tampered,
        "INSERT INTO saturday_protection_audit SELECT (jsonb_populate_record(c, jsonb_build_object("
        " 'seq', 700, 'id', gen_random_uuid(), 'number', 5000000))).* FROM copy AS c WHERE seq = 3",
    )
    assert verify(tampered).first_bad_seq == 700


def test_a_row_before_the_first_is_found(tampered: psycopg.Connection) -> None:
    tamper(
        tampered,
        "ALTER TABLE saturday_protection_audit DROP CONSTRAINT saturday_protection_audit_seq_check",
    )
    tamper(tampered, "UPDATE saturday_protection_audit SET seq = -5 WHERE seq = 9")
    assert verify(tampered).first_bad_seq == -5
    tamper(tampered, "DELETE FROM saturday_protection_audit WHERE seq < 1")
    tamper(
        tampered,
        "ALTER TABLE saturday_protection_audit"
        " ADD CONSTRAINT saturday_protection_audit_seq_check CHECK (seq >= 1)",
    )


def test_a_row_behind_the_head_is_found(tampered: psycopg.Connection) -> None:
    """A row that fits the chain, but that the function did not append."""
    tamper(
        tampered,
        "UPDATE ledger_head SET seq = %s, hash = decode(repeat('0a', 32), 'hex')",
        ROWS - 1,
    )
    assert verify(tampered).first_bad_seq == ROWS


@pytest.mark.parametrize("kept", [0, 1, 500, ROWS - 1])
def test_a_missing_tail_is_found_by_the_head(tampered: psycopg.Connection, kept: int) -> None:
    tamper(tampered, "DELETE FROM saturday_protection_audit WHERE seq > %s", kept)
    found = verify(tampered)
    assert (found.ok, found.rows, found.first_bad_seq) == (False, kept, kept + 1)


def test_a_head_that_lies_is_found(tampered: psycopg.Connection) -> None:
    tamper(tampered, "UPDATE ledger_head SET hash = decode(repeat('0a', 32), 'hex')")
    assert not verify(tampered).ok
    tamper(tampered, "DELETE FROM ledger_head")
    assert not verify(tampered).ok


def test_an_empty_ledger_verifies(connection: psycopg.Connection) -> None:
    assert verify(connection).ok
    assert verify(connection).rows == 0


def pem() -> tuple[bytes, bytes]:
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return private, public


REWIND = (
    "DELETE FROM saturday_protection_audit WHERE seq > %s",
    "UPDATE ledger_head SET seq = %s, hash = coalesce((SELECT hash FROM saturday_protection_audit"
    " ORDER BY seq DESC LIMIT 1), decode(repeat('00', 32), 'hex'))",
)


@pytest.mark.parametrize("kept", [0, 10, ROWS - 1])
def test_a_missing_tail_is_found_against_a_checkpoint(
    tampered: psycopg.Connection, kept: int
) -> None:
    private, public = pem()
    note = checkpoint(tampered, private, "example.com/gate")
    assert verify(tampered, against=note, key=public).ok
    assert verify(tampered, against=note, key=private).ok
    assert verify(tampered, against=note).ok
    for statement in REWIND:
        tamper(tampered, statement, kept)
    assert verify(tampered).ok
    found = verify(tampered, against=note, key=public)
    assert (found.ok, found.rows, found.first_bad_seq) == (False, kept, kept + 1)
    assert "checkpoint" in (found.why or "")


def test_a_chain_rewritten_whole_is_found_against_a_checkpoint(
    tampered: psycopg.Connection,
) -> None:
    private, public = pem()
    note = checkpoint(tampered, private, "example.com/gate")
    for statement in REWIND:
        tamper(tampered, statement, 0)
    append(tampered, records(ROWS + 5, Writer("webhook", "forger")))
    assert verify(tampered).ok
    found = verify(tampered, against=note, key=public)
    assert not found.ok
    assert "rewritten" in (found.why or "")


def test_a_ledger_that_grew_still_begins_as_the_checkpoint_says(
    tampered: psycopg.Connection,
) -> None:
    private, public = pem()
    note = checkpoint(tampered, private, "example.com/gate")
    append(tampered, records(30, Writer("webhook", "w-2")))
    found = verify(tampered, against=note, key=public)
    assert (found.ok, found.rows) == (True, ROWS + 30)


def test_a_checkpoint_of_another_key_is_refused(connection: psycopg.Connection) -> None:
    note = checkpoint(connection, pem()[0], "example.com/gate")
    with pytest.raises(InputError, match="not signed by this key"):
        verify(connection, against=note, key=pem()[1])
    with pytest.raises(InputError, match="no checkpoint"):
        verify(connection, against=note[:-10])


def test_workers_find_what_one_process_finds(
    tampered: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gate.ledger.verify.CHUNK_ROWS", 256)
    private, _ = pem()
    note = checkpoint(tampered, private, "example.com/gate")
    seen: list[tuple[int, int]] = []
    found = verify(
        tampered, workers=2, against=note, progress=lambda done, of: seen.append((done, of))
    )
    assert (found.ok, found.rows) == (True, ROWS)
    assert seen == [(min(n * 256, ROWS), ROWS) for n in range(1, 6)]
    tamper(tampered, "UPDATE saturday_protection_audit SET door = 'api' WHERE seq = 900")
    assert verify(tampered, workers=2) == verify(tampered, workers=0)
    assert verify(tampered, workers=2).first_bad_seq == 900


def test_a_worker_that_breaks_off_is_no_verdict(tampered: psycopg.Connection) -> None:
    with tampered.transaction():
        tampered.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        with (
            worker_chunks(tampered, [(1, "x", 0)], 1) as chunks,  # type: ignore[list-item]
            pytest.raises(StoreUnavailable, match="broke off"),
        ):
            next(chunks)
