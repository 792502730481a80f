"""Writing to the ledger: batches through the one function of the database that appends."""

from collections.abc import Sequence

import psycopg

from gate.core.problems import InputError
from gate.ledger.records import Record
from gate.store.queries import query

BATCH_ROWS = 2_000
"""Rows a call: enough that the round trip is nothing, few enough to hold the head briefly."""


def append(connection: psycopg.Connection, records: Sequence[Record]) -> list[int]:
    """Append `records` in order and return the ``seq`` of each; whole or not at all.

    A record that was appended before (same writer, number and payload) keeps its ``seq``, so a
    call that broke off may simply be repeated. It returns when the rows are durable, or when the
    transaction it was called in can make them so.

    Raises `InputError` where a writer's number is taken by another payload, or an id is not minted
    for its door, writer and number.
    """
    seqs: list[int] = []
    with connection.transaction():
        for start in range(0, len(records), BATCH_ROWS):
            seqs += _append_batch(connection, records[start : start + BATCH_ROWS])
    return seqs


def _append_batch(connection: psycopg.Connection, batch: Sequence[Record]) -> list[int]:
    parameters = {
        "doors": [record.door for record in batch],
        "writers": [record.writer for record in batch],
        "numbers": [record.number for record in batch],
        "payloads": [record.payload for record in batch],
    }
    try:
        row = connection.execute(query("ledger", "append"), parameters, binary=True).fetchone()
    except (
        psycopg.errors.UniqueViolation,
        psycopg.errors.CheckViolation,
        psycopg.DataError,
    ) as error:
        said = error.diag.message_primary or str(error)
        raise InputError.of(f"the ledger refuses the batch: {said}") from error
    assert row is not None
    seqs: list[int] = row[0]
    return seqs
