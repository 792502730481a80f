"""What the columns of a row must say, from its payload: the definition that verify goes by.

The database derives the columns in SQL when it appends (``ledger_append``); this is the same in
Python, written apart from it, so that each is a check of the other.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from gate.ledger.identity import commitment

TEXT_CHARACTERS = 500
"""A column keeps this many characters of a text; the payload keeps all."""

DERIVED = (
    "id",
    "kind",
    "at",
    "verdict",
    "effect",
    "phase",
    "action",
    "invoker",
    "actor",
    "environment",
    "namespace",
    "service",
    "repository",
    "policy_sha256",
    "subject",
)


def columns_of(payload: bytes) -> dict[str, Any]:
    """The derived columns of a payload. Raises `ValueError` where it is no record of ours."""
    body = msgspec.json.decode(payload)
    if not isinstance(body, dict):
        raise ValueError("the payload is no JSON object")
    body = {key: value for key, value in body.items() if value is not None}
    decided = "kind" not in body
    request = (body.get("request") or {}) if decided else {}
    override = body.get("override") or {}
    columns: dict[str, Any] = {
        "id": UUID(body["id"]),
        "kind": body.get("kind", "decision"),
        "at": datetime.fromisoformat(body["at"]),
        "action": request.get("action") or body.get("action"),
        "actor": _text(request.get("actor", body.get("actor"))),
        "policy_sha256": (body.get("policy") or {}).get("sha256"),
        "subject": _text(override.get("id", body.get("subject"))),
        "invoker": request.get("invoker"),
    }
    for name in ("verdict", "effect", "phase"):
        columns[name] = body.get(name)
    for name in ("environment", "namespace", "service", "repository"):
        columns[name] = _text(request.get(name))
    return columns


def _text(value: str | None) -> str | None:
    return value if value is None else value.replace("\x00", "\ufffd")[:TEXT_CHARACTERS]


def disagreement(row: dict[str, Any]) -> str | None:
    """Which column of a row (with its payload) says something else than the payload, and what."""
    try:
        expected = columns_of(row["payload"])
    except (ValueError, KeyError, TypeError, AttributeError, msgspec.DecodeError):
        return "the payload is no record"
    for name in DERIVED:
        if row[name] != expected[name]:
            return f"column {name} says {row[name]}, its payload {expected[name]}"
    identity = (row["door"], row["writer"], row["number"])
    if row["number"] < 1 or row["id"].bytes[6:] != commitment(*identity):
        return "door, writer and number are not those that the id commits to"
    return None
