"""Decisions and ledgers to test with."""

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from gate.core.decision import (
    AppliedOverride,
    CalendarRef,
    Decision,
    Effect,
    Level,
    LoadNow,
    Phase,
    PolicyRef,
    Reason,
    Request,
    Verdict,
)
from gate.core.policy import Action
from gate.ledger.append import append
from gate.ledger.identity import Writer
from gate.ledger.records import Record, decision_record, event_record

NOON = datetime(2026, 6, 13, 12, tzinfo=UTC)


def decision(identifier: str = "", **changes: Any) -> Decision:
    """An allowing decision; `changes` are fields of it, or of its request."""
    request: dict[str, Any] = {
        "action": Action.DEPLOY,
        "invoker": "automation",
        "environment": "production",
    }
    for name in Request.__struct_fields__:
        if name in changes:
            request[name] = changes.pop(name)
    fields: dict[str, Any] = {
        "id": identifier,
        "at": NOON,
        "verdict": Verdict.ALLOW,
        "effect": Effect.ALLOW,
        "phase": Phase.OPEN,
        "level": Level.NORMAL,
        "request": Request(**request),
        "reasons": (),
        "locked_from": None,
        "locked_until": None,
        "next_change": NOON + timedelta(hours=3),
        "load": LoadNow(demand=12.5, needed=1, required_replicas=10, shortfall=0, weddings_today=3),
        "override": None,
        "recorded": True,
        "policy": PolicyRef(name="wedding-platform", sha256="ab" * 32),
        "calendar": CalendarRef(sha256="cd" * 32, weddings=3),
        "tzdata": "2026.6",
    }
    return Decision(**fields | changes)


DENIED: dict[str, Any] = {
    "verdict": Verdict.DENY,
    "effect": Effect.BLOCK,
    "phase": Phase.LOCKED,
    "level": Level.HIGH,
    "reasons": (Reason(code="window", window="saturday", start=NOON, end=NOON, message="no"),),
}
OVERRIDDEN: dict[str, Any] = DENIED | {
    "effect": Effect.ALLOW,
    "override": AppliedOverride(
        id="5e1a", by="alice", reason="the cake burns", until=NOON, approved_by=("bob",)
    ),
}
UNDECIDED: dict[str, Any] = {
    "verdict": Verdict.UNDECIDED,
    "effect": Effect.BLOCK,
    "phase": None,
    "level": None,
    "load": None,
    "policy": PolicyRef(name=None, sha256=None),
}


def record(writer: Writer, now: datetime = NOON, **changes: Any) -> Record:
    """The writer's next record, of a decision with `changes`."""
    number, identifier = writer.next(now)
    made = decision(identifier, **changes)
    return decision_record(made, door=writer.door, writer=writer.name, number=number)


def plain_records(count: int, writer: Writer | None = None) -> list[Record]:
    """Records of decisions as they usually are: what the verifier's short way is for."""
    writer = writer or Writer("webhook", "w-1")
    lots: list[dict[str, Any]] = [
        {"actor": "alice", "namespace": "shop", "service": "rsvp"},
        DENIED | {"at": NOON + timedelta(microseconds=120)},
        {"environment": None, "repository": "org/shop", "invoker": "human"},
    ]
    return [record(writer, **lots[number % len(lots)]) for number in range(count)]


def records(count: int, writer: Writer | None = None) -> list[Record]:
    """Records of a mixed lot, every column filled in some of them."""
    writer = writer or Writer("webhook", "w-1")
    lots: list[dict[str, Any]] = [
        {},
        DENIED | {"actor": "alice", "namespace": "shop", "service": "rsvp"},
        OVERRIDDEN | {"actor": 'o"brien\\', "repository": "org/shop", "invoker": "human"},
        UNDECIDED | {"uid": "1", "at": NOON + timedelta(microseconds=1500)},
        {"actor": "zoë\u2028", "environment": "a\x00b", "service": "x" * 3000},
    ]
    made = []
    for number in range(count):
        if number % 7 == 6:
            made.append(
                event_record(
                    writer,
                    NOON,
                    kind="lock",
                    action="set",
                    actor="mallory",
                    subject="lock-1",
                    details={"reason": "storm"},
                )
            )
        else:
            made.append(record(writer, **lots[number % len(lots)]))
    return made


def filled(connection: psycopg.Connection, count: int) -> list[Record]:
    """A ledger of `count` rows."""
    made = records(count)
    append(connection, made)
    return made


def tamper(connection: psycopg.Connection, statement: str, *parameters: Any) -> None:
    """What an owner can do who is ready to switch the triggers off."""
    with connection.transaction():
        for table in ("saturday_protection_audit", "ledger_head"):
            connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER".encode())
        connection.execute(statement.encode(), parameters)
        for table in ("saturday_protection_audit", "ledger_head"):
            connection.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER".encode())
