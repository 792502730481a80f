"""People and what they ask for, at a fixed noon."""

import itertools
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg

from gate.ledger.acts.emergencies import Change, Emergency, Ids, activate_emergency
from gate.ledger.acts.entries import Act
from gate.ledger.acts.floors import Asked, Floor, set_floor
from gate.ledger.identity import Writer

NOON = datetime(2026, 6, 13, 12, tzinfo=UTC)
_writers = itertools.count(1)


def hour(hours: float) -> datetime:
    return NOON + timedelta(hours=hours)


def act(by: str = "ann", hours: float = 0) -> Act:
    return Act(by=by, now=hour(hours), writer=Writer("command", f"hands-{next(_writers)}"))


def asked(**changes: Any) -> Asked:
    """60 replicas of shop/checkout for two hours."""
    fields: dict[str, Any] = {
        "target": "shop/checkout",
        "min": 60,
        "max": None,
        "until": hour(2),
        "reason": "a flash sale",
    }
    return Asked(**fields | changes)


def floor(
    connection: psycopg.Connection, by: str = "ann", hours: float = 0, **changes: Any
) -> Floor:
    """A manual floor that is new."""
    made, new = set_floor(connection, act(by, hours), uuid4(), asked(**changes))
    assert new
    return made


def emergency(
    connection: psycopg.Connection,
    by: str = "ann",
    hours: float = 0,
    *,
    reason: str = "the photo service is drowning",
    until: datetime | None = None,
) -> tuple[Emergency, Change]:
    ids = Ids(emergency=uuid4(), lock=uuid4())
    return activate_emergency(
        connection, act(by, hours), ids, reason=reason, until=until, floor=100
    )


def events(connection: psycopg.Connection) -> list[tuple[str, str, str, UUID]]:
    """Kind, action, actor and subject of each ledger row."""
    rows = connection.execute(
        "SELECT kind, action, actor, subject::uuid FROM saturday_protection_audit ORDER BY seq"
    ).fetchall()
    return [(kind, action, actor, subject) for kind, action, actor, subject in rows]


def details(connection: psycopg.Connection) -> dict[str, Any]:
    """Those of the last ledger row."""
    row = connection.execute(
        "SELECT payload FROM saturday_protection_audit ORDER BY seq DESC LIMIT 1"
    ).fetchone()
    assert row is not None
    found: dict[str, Any] = json.loads(row[0])["details"]
    return found
