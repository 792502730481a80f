"""What is recorded: decisions, and events beside them, each with the identity that covers it."""

from datetime import datetime
from typing import Any, Literal

import msgspec

from gate.core.decision import Decision
from gate.ledger.canonical import canonical
from gate.ledger.identity import Writer

EventKind = Literal["override", "lock", "policy", "calendar", "scaling", "emergency"]


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One row to be: the payload's bytes, and who writes it as what through which door.

    ``number`` counts from 1 for each ``writer``; both say whether a record was appended before.
    """

    door: str
    writer: str
    number: int
    payload: bytes


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An act beside decisions: what was done (``action``) to what (``subject``) by whom.

    ``details`` holds JSON values that the act is about (scope, reason, digests, …).
    """

    id: str
    at: datetime
    kind: EventKind
    action: str
    actor: str
    subject: str
    details: dict[str, Any]


def decision_record(decision: Decision, *, door: str, writer: str, number: int) -> Record:
    """The record of a decision whose ``id`` was minted for the same three (`Writer.next`).

    Raises `gate.core.problems.InputError` where the decision has no canonical form.
    """
    return Record(door=door, writer=writer, number=number, payload=canonical(decision))


def event_record(
    writer: Writer,
    now: datetime,
    *,
    kind: EventKind,
    action: str,
    actor: str,
    subject: str,
    details: dict[str, Any],
) -> Record:
    """The record of an act at `now`, as the writer's next.

    Raises `gate.core.problems.InputError` where it has no canonical form.
    """
    number, identifier = writer.next(now)
    event = Event(
        id=identifier,
        at=now,
        kind=kind,
        action=action,
        actor=actor,
        subject=subject,
        details=details,
    )
    return Record(door=writer.door, writer=writer.name, number=number, payload=canonical(event))
