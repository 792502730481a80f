"""People who act on the database while a keeper follows it."""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import msgspec
import psycopg

from gate.calendars.row import WeddingRow
from gate.ledger.acts.entries import Act, Entry
from gate.ledger.acts.locks import set_lock
from gate.ledger.acts.overrides import grant_override
from gate.ledger.acts.policies import activate_policy, store_policy
from gate.ledger.acts.weddings import Import, import_weddings
from gate.ledger.identity import Writer

REASON = "the payment page is down"


def now() -> datetime:
    return datetime.now(UTC)


def act(by: str = "alice") -> Act:
    writer = Writer("command", f"c-{uuid4().hex}")
    return Act(by=by, now=now(), writer=writer, roles=("sre-lead",))


def lock(connection: psycopg.Connection, **more: Any) -> Entry:
    return set_lock(connection, act(), uuid4(), reason="storm", **more)


def override(connection: psycopg.Connection) -> Entry:
    until = now() + timedelta(hours=1)
    return grant_override(connection, act(), uuid4(), reason=REASON, until=until)


def activate(connection: psycopg.Connection, document: bytes) -> str:
    """Store and activate; the digest."""
    stored = store_policy(connection, act(), document)
    return activate_policy(connection, act(), stored.version).sha256


def weddings(count: int) -> list[WeddingRow]:
    """Rows with each field in some of them, and texts that want escaping."""
    rows = []
    for number in range(count):
        row = WeddingRow(
            id=f"w{number}",
            date=datetime(2026, 6, 13, tzinfo=UTC).date() + timedelta(days=number % 90),
            timezone="Europe/London",
        )
        if number % 3 == 0:
            row = msgspec.structs.replace(
                row,
                id=f'w{number} "\\" \\n\t\n\u2028é 💍',
                days=2,
                culture="indian",
                guests=600,
                venue="palace",
                setting="outdoor",
                country="GB",
                latitude=51.123456789,
                longitude=-0.1,
                status="tentative",
                booked_at="2025-01-01",
            )
        rows.append(row)
    return rows


def import_(connection: psycopg.Connection, rows: list[WeddingRow]) -> Import:
    digest = hashlib.sha256(repr(rows).encode()).hexdigest()
    return import_weddings(connection, act(), map(msgspec.structs.astuple, rows), digest)
