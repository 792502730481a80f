"""A journal as a worker leaves it, and what came of it."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from gate.journal.writer import Journal
from gate.ledger.canonical import canonical
from tests.ledger.build import decision


async def journaled(folder: Path, count: int) -> None:
    """Append as many decisions."""
    journal = await Journal.open(folder, "webhook")
    try:
        now = datetime.now(UTC)
        await asyncio.gather(
            *(
                journal.append(now, lambda identifier: canonical(decision(identifier)))
                for _ in range(count)
            )
        )
    finally:
        await journal.close()


def rows(connection: psycopg.Connection) -> int:
    """How many decisions of the webhook the ledger has."""
    found = connection.execute(
        "SELECT count(*) FROM saturday_protection_audit WHERE door = 'webhook'"
    ).fetchone()
    assert found is not None
    count: int = found[0]
    return count
