"""The migrations runner: plain SQL files, each applied whole or not at all, and remembered.

``NNNN_name.sql`` starts with ``-- phase: pre`` (before the code of its release runs) or
``-- phase: post`` (after the code of the release before is gone). The table
``schema_migrations`` keeps the SHA-256 of what was applied: a file that has changed since, is
missing before a later one, or comes too late is refused rather than guessed about.
"""

import hashlib
import re
from datetime import datetime
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Literal

import msgspec
import psycopg
from psycopg import sql
from psycopg.rows import class_row

from gate.core.problems import InputError, Problem
from gate.store.queries import query

Phase = Literal["pre", "post"]
_NAME = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")
_PHASE = re.compile(r"^-- phase: (pre|post)$", re.MULTILINE)
# "gate" and "migr" as ASCII: the advisory lock's key; the schema's name is hashed beside it.
_LOCK_CLASS = 0x67617465


class Migration(msgspec.Struct, frozen=True, kw_only=True):
    """One file."""

    number: int
    name: str
    phase: Phase
    sha256: str
    text: str

    def __str__(self) -> str:
        return f"{self.number:04}_{self.name}"


class Applied(msgspec.Struct, frozen=True, kw_only=True):
    """What the database remembers of a migration."""

    number: int
    name: str
    phase: Phase
    sha256: str
    applied_at: datetime
    applied_by: str

    def __str__(self) -> str:
        return f"{self.number:04}_{self.name}"


class State(msgspec.Struct, frozen=True, kw_only=True):
    """One line of ``gate db status``.

    ``newer``: applied by a release that this one does not know; it is tolerated.
    """

    number: int
    name: str
    phase: Phase
    state: Literal["applied", "pending", "changed", "newer"]
    applied_at: datetime | None


def bundled_folder() -> Traversable:
    """The migrations that belong to this code: in the wheel, or at the top of the repository."""
    inside = resources.files("gate.store").joinpath("migrations")
    if inside.is_dir():
        return inside
    return Path(__file__).parents[2] / "migrations"


def read(folder: Traversable | None = None) -> tuple[Migration, ...]:
    """The migrations of `folder` (default: the product's), in order.

    Raises `InputError` for names, numbers or phases that are not as they must be.
    """
    found: list[Migration] = []
    problems: list[Problem] = []
    for file in (folder or bundled_folder()).iterdir():
        if not file.name.endswith(".sql"):
            continue
        text = file.read_text("utf-8")
        named, phase = _NAME.fullmatch(file.name), _PHASE.search(text)
        if not named or not phase:
            wanted = "NNNN_name.sql" if not named else "-- phase: pre (or post)"
            problems.append(Problem(file=file.name, message=f"lacks {wanted}"))
            continue
        found.append(
            Migration(
                number=int(named[1]),
                name=named[2],
                phase="pre" if phase[1] == "pre" else "post",
                sha256=hashlib.sha256(text.encode()).hexdigest(),
                text=text,
            )
        )
    found.sort(key=lambda migration: migration.number)
    for expected, migration in enumerate(found, 1):
        if migration.number != expected:
            problems.append(
                Problem(file=f"{migration}.sql", message=f"number {expected:04} comes next")
            )
            break
    if problems:
        raise InputError(problems)
    return tuple(found)


def status(
    connection: psycopg.Connection, schema: str, folder: Traversable | None = None
) -> tuple[State, ...]:
    """Every migration known to the code or to the database, in order."""
    files = {migration.number: migration for migration in read(folder)}
    done = {applied.number: applied for applied in _applied(connection, schema)}
    states: list[State] = []
    for number in sorted(files.keys() | done.keys()):
        file, applied = files.get(number), done.get(number)
        known = file or applied
        assert known is not None
        word: Literal["applied", "pending", "changed", "newer"] = "applied"
        if applied is None:
            word = "pending"
        elif file is None:
            word = "newer"
        elif file.sha256 != applied.sha256:
            word = "changed"
        states.append(
            State(
                number=number,
                name=known.name,
                phase=known.phase,
                state=word,
                applied_at=applied.applied_at if applied else None,
            )
        )
    return tuple(states)


def outdated(
    connection: psycopg.Connection, schema: str, folder: Traversable | None = None
) -> tuple[str, ...]:
    """The migrations that this code cannot do without and that the database lacks (``pre``)."""
    done = {applied.number for applied in _applied(connection, schema)}
    return tuple(
        str(file) for file in read(folder) if file.phase == "pre" and file.number not in done
    )


def migrate(
    connection: psycopg.Connection,
    schema: str,
    *,
    phase: Phase | None = None,
    folder: Traversable | None = None,
) -> list[Applied]:
    """Apply what is missing, in order, one transaction each; what was applied is returned.

    With ``phase="pre"`` it stops before the first ``post`` migration. Parallel calls wait for one
    another. Raises `InputError` where files and database contradict each other, and whatever
    PostgreSQL says of a migration that fails; that migration then left nothing.
    """
    files = read(folder)
    # A lock of the session, not of a transaction: it spans the transactions of all migrations.
    key = [_LOCK_CLASS, schema]
    connection.execute("SELECT pg_advisory_lock(%s, hashtext(%s))", key)
    try:
        # IF NOT EXISTS would still demand CREATE on the database of who was given a schema.
        if not connection.execute(query("migrations", "has_schema"), {"schema": schema}).fetchone():
            connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema)))
        connection.execute(query("migrations", "create_table"))
        done = _applied(connection, schema)
        _refuse_contradictions(files, done)
        applied = []
        for file in files[len(done) :]:
            if phase == "pre" and file.phase == "post":
                break
            applied.append(_apply(connection, file))
        return applied
    finally:
        if not connection.broken:
            connection.execute("SELECT pg_advisory_unlock(%s, hashtext(%s))", key)


def _applied(connection: psycopg.Connection, schema: str) -> list[Applied]:
    exists = connection.execute(query("migrations", "exists"), {"schema": schema}).fetchone()
    if not exists or not exists[0]:
        return []
    with connection.cursor(row_factory=class_row(Applied)) as cursor:
        return cursor.execute(query("migrations", "applied")).fetchall()


def _refuse_contradictions(files: tuple[Migration, ...], done: list[Applied]) -> None:
    problems: list[Problem] = []
    by_number = {file.number: file for file in files}
    for expected, applied in enumerate(done, 1):
        file = by_number.get(applied.number)
        if applied.number != expected:
            problems.append(
                Problem(
                    file=f"{applied}.sql",
                    message=f"was applied although {expected:04} was not",
                    mend="restore the table schema_migrations from a backup",
                )
            )
            break
        if file is not None and (file.sha256, file.name) != (applied.sha256, applied.name):
            problems.append(
                Problem(
                    file=f"{file}.sql",
                    message=f"differs from what was applied on {applied.applied_at:%Y-%m-%d}",
                    mend="restore the file; write a new migration for a change",
                )
            )
    if problems:
        raise InputError(problems)


def _apply(connection: psycopg.Connection, file: Migration) -> Applied:
    with connection.transaction():
        # Bytes without parameters: PostgreSQL takes the file's statements as they stand.
        connection.execute(file.text.encode())
        with connection.cursor(row_factory=class_row(Applied)) as cursor:
            row = cursor.execute(
                query("migrations", "remember"),
                {
                    "number": file.number,
                    "name": file.name,
                    "phase": file.phase,
                    "sha256": file.sha256,
                },
            ).fetchone()
    assert row is not None
    return row
