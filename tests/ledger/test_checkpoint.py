"""Checkpoints and proofs over a real ledger."""

import base64
import hashlib

import psycopg
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from gate.core.problems import InputError
from gate.ledger.append import append
from gate.ledger.checkpoint import (
    checkpoint,
    checkpoints,
    parse_note,
    private_key_of,
    public_key_of,
)
from gate.ledger.identity import Writer
from gate.ledger.prove import holds, prove_consistency, prove_inclusion
from tests.ledger.build import filled, records, tamper
from tests.ledger.test_merkle import mth

ORIGIN = "example.com/gate"


def new_key() -> bytes:
    key = Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def test_the_note_has_the_form_of_c2sp(connection: psycopg.Connection) -> None:
    payloads = [record.payload for record in filled(connection, 13)]
    key = new_key()
    note = checkpoint(connection, key, ORIGIN)
    public = public_key_of(key).public_bytes_raw()
    text, signature_line = note.split("\n\n")
    assert text == f"{ORIGIN}\n13\n{base64.b64encode(mth(payloads)).decode()}"
    dash, name, encoded = signature_line.removesuffix("\n").split(" ")
    assert (dash, name) == ("\u2014", ORIGIN)
    blob = base64.b64decode(encoded)
    assert blob[:4] == hashlib.sha256(ORIGIN.encode() + b"\n\x01" + public).digest()[:4]
    verifier = Ed25519PublicKey.from_public_bytes(public)
    verifier.verify(blob[4:], (text + "\n").encode())
    with pytest.raises(InvalidSignature):
        verifier.verify(blob[4:], text.encode())
    kept = checkpoints(connection)
    assert [(each.origin, each.size, each.note) for each in kept] == [(ORIGIN, 13, note)]


def test_the_next_checkpoint_goes_on_from_the_last(connection: psycopg.Connection) -> None:
    key = new_key()
    assert parse_note(checkpoint(connection, key, ORIGIN)).root == mth([])
    payloads = [record.payload for record in filled(connection, 9)]
    checkpoint(connection, key, ORIGIN)
    more = records(5, Writer("api", "w-2"))
    append(connection, more)
    payloads += [record.payload for record in more]
    assert parse_note(checkpoint(connection, key, ORIGIN)).root == mth(payloads)
    assert checkpoint(connection, key, ORIGIN) == checkpoints(connection)[0].note
    assert len(checkpoints(connection)) == 3


def test_a_frontier_that_was_tampered_with_is_not_signed(connection: psycopg.Connection) -> None:
    key = new_key()
    payloads = [record.payload for record in filled(connection, 9)]
    checkpoint(connection, key, ORIGIN)
    connection.execute("ALTER TABLE ledger_checkpoints DISABLE TRIGGER USER")
    connection.execute(
        "UPDATE ledger_checkpoints SET frontier[1] = decode(repeat('00', 32), 'hex')"
    )
    more = records(1, Writer("api", "w-2"))
    append(connection, more)
    payloads += [record.payload for record in more]
    assert parse_note(checkpoint(connection, key, ORIGIN)).root == mth(payloads)


def test_a_ledger_that_lost_signed_rows_is_not_signed(connection: psycopg.Connection) -> None:
    key = new_key()
    filled(connection, 9)
    checkpoint(connection, key, ORIGIN)
    tamper(connection, "DELETE FROM saturday_protection_audit WHERE seq > 5")
    with pytest.raises(InputError, match="rows are missing"):
        checkpoint(connection, key, ORIGIN)


@pytest.mark.parametrize(
    "statement", ["UPDATE ledger_checkpoints SET size = 0", "DELETE FROM ledger_checkpoints"]
)
def test_kept_checkpoints_stay(connection: psycopg.Connection, statement: str) -> None:
    checkpoint(connection, new_key(), ORIGIN)
    with pytest.raises(psycopg.errors.RestrictViolation):
        connection.execute(statement.encode())


@pytest.mark.parametrize(
    "note",
    [
        "",
        "\n\n",
        "a\n1\nAAAA\n\n— a AAAA\n",
        "a b\n1\n{root}\n\n— a AAAA\n",
        "a\n01\n{root}\n\n— a A\n",
        "a\n1\n{root}\n\n",
        "a\n1\n{root}\n\n- a AAAA\n",
        "a\n1\n{root}\n\n— a AAAA",
    ],
)
def test_what_is_no_note_is_bad_input(note: str) -> None:
    with pytest.raises(InputError, match="no checkpoint"):
        parse_note(note.replace("{root}", base64.b64encode(bytes(32)).decode()))


def test_other_lines_and_signatures_may_follow() -> None:
    root = base64.b64encode(bytes(32)).decode()
    read = parse_note(f"log\n7\n{root}\nextension\n\n— log AAAAAA==\n— witness AAAAAA==\n")
    assert (read.origin, read.size, [name for name, _ in read.signatures]) == (
        "log",
        7,
        ["log", "witness"],
    )


def test_keys_that_are_none(connection: psycopg.Connection) -> None:
    elliptic = generate_private_key(SECP256R1()).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    for pem in (b"", b"nonsense", elliptic):
        with pytest.raises(InputError, match="Ed25519"):
            private_key_of(pem)
        with pytest.raises(InputError, match="Ed25519"):
            public_key_of(pem)
    with pytest.raises(InputError, match="cannot name a ledger"):
        checkpoint(connection, new_key(), "two words")


def test_proofs_of_a_real_ledger(connection: psycopg.Connection) -> None:
    payloads = [record.payload for record in filled(connection, 21)]
    for seq, size in [(1, 1), (1, 21), (8, 8), (13, 21), (21, 21)]:
        proof = prove_inclusion(connection, seq, size=size)
        assert proof.root == mth(payloads[:size]).hex()
        assert holds(proof, payload=payloads[seq - 1])
        assert not holds(proof, payload=payloads[seq % 21])
    for old, new in [(0, 21), (1, 2), (8, 21), (13, 21), (21, 21)]:
        consistency = prove_consistency(connection, old, new)
        assert consistency.old_root == mth(payloads[:old]).hex()
        assert consistency.new_root == mth(payloads[:new]).hex()
        assert holds(consistency)
    assert prove_inclusion(connection, 3).size == 21


@pytest.mark.parametrize(("seq", "size"), [(0, None), (4, 3), (6, None), (1, 6), (1, -1)])
def test_proofs_of_rows_that_are_not_there(
    connection: psycopg.Connection, seq: int, size: int | None
) -> None:
    filled(connection, 5)
    with pytest.raises(InputError):
        prove_inclusion(connection, seq, size=size)
    with pytest.raises(InputError):
        prove_consistency(connection, 4, 3)
