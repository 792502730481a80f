"""What cannot go into the ledger is put aside, with its reason: never lost, never in the way.

``refused/`` holds a JSON file for each record that the ledger refused; ``damaged/`` the segments of
which a part that was durable once cannot be read any more, each with a JSON file that says where.
A person looks at them and removes them.
"""

import base64
import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from gate.journal.layout import SUFFIX
from gate.journal.reader import Damage
from gate.ledger.records import Record

REFUSED, DAMAGED = "refused", "damaged"


class Refused(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A record that the ledger refused; ``payload`` is text where it is UTF-8, else base64."""

    door: str
    writer: str
    number: int
    reason: str
    refused_at: datetime
    payload: str | None = None
    payload_base64: str | None = None


class Damaged(msgspec.Struct, frozen=True, kw_only=True):
    """Why a segment was put aside; what could be read of it is in the ledger."""

    segment: str
    reasons: tuple[str, ...]
    damage: tuple[Damage, ...]
    put_aside_at: datetime


def refuse(folder: Path, record: Record, reason: str, now: datetime) -> Path:
    """Keep a record that the ledger refuses; durable on return. Raises `OSError`."""
    try:
        text, coded = record.payload.decode(), None
    except UnicodeDecodeError:
        text, coded = None, base64.b64encode(record.payload).decode()
    kept = Refused(
        door=record.door, writer=record.writer, number=record.number, reason=reason,
        refused_at=now, payload=text, payload_base64=coded,
    )  # fmt: skip
    return _write(folder / REFUSED, f"{record.writer}-{record.number}.json", kept)


def keep_damaged(
    path: Path, reasons: Sequence[str], damage: Sequence[Damage], now: datetime
) -> Path:
    """Move a segment out of the way and say why, first the reason, then the file.

    Raises `OSError`.
    """
    said = Damaged(
        segment=path.name, reasons=tuple(reasons), damage=tuple(damage), put_aside_at=now
    )
    folder = path.parent / DAMAGED
    _write(folder, path.stem + ".json", said)
    return path.rename(folder / path.name)


def tally(folder: Path) -> tuple[int, int]:
    """How many records are refused and how many segments damaged."""
    return _tally(folder / REFUSED, ".json"), _tally(folder / DAMAGED, SUFFIX)


def _tally(folder: Path, suffix: str) -> int:
    try:
        return sum(name.endswith(suffix) for name in os.listdir(folder))
    except FileNotFoundError:
        return 0


def _write(folder: Path, name: str, value: msgspec.Struct) -> Path:
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / name
    young = path.with_name(f".{name}")
    with open(young, "wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    young.rename(path)
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return path
