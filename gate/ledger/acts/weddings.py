"""Calendars in versions: a calendar is imported whole or not at all, and the newest holds."""

from collections.abc import Callable, Iterable, Iterator
from datetime import date as Date  # noqa: N812  (a field is called `date`)
from datetime import datetime

import msgspec
import psycopg
from psycopg.rows import class_row

from gate.ledger.acts.entries import Act, record_act
from gate.store.queries import query

_HEAD_TYPES = ("int8", "int8", "text", "date", "text", "int8", "text", "int8")
_TAIL_TYPES = ("text", "text", "text", "float8", "float8", "text", "text")
_ROWS_A_STEP = 10_000
_STATUS = 11


Cells = tuple[object, ...]
"""The thirteen fields of a wedding in the order of `StoredWedding`."""


class StoredWedding(msgspec.Struct, frozen=True, kw_only=True):
    """A wedding read back: the fields of the calendar file, degrees in ``latitude, longitude``."""

    id: str
    date: Date
    timezone: str
    days: int | None
    culture: str
    guests: int | None
    venue: str | None
    setting: str | None
    country: str | None
    latitude: float | None
    longitude: float | None
    status: str
    booked_at: str | None


class Import(msgspec.Struct, frozen=True, kw_only=True):
    """One version of the calendar; ``weddings`` counts all rows, ``cancelled`` among them."""

    version: int
    sha256: str
    weddings: int
    cancelled: int
    imported_by: str
    imported_at: datetime


def import_weddings(
    connection: psycopg.Connection,
    act: Act,
    weddings: Iterable[Cells],
    sha256: str,
    *,
    progress: Callable[[int], None] | None = None,
) -> Import:
    """Store a calendar as the next version: all of it, with its ledger row, or nothing.

    ``weddings`` are the fields of each in the order of `StoredWedding` (as
    ``msgspec.structs.astuple`` gives them); ``sha256`` is the calendar's digest as decisions name
    it; ``progress`` hears the number of rows so far. What `weddings` raises ends the import and
    goes on to the caller, as does psycopg's IntegrityError for a row that its reader should have
    refused.
    """
    with connection.transaction(), connection.cursor() as cursor:
        parameters = {"sha256": sha256, "by": act.by, "at": act.now}
        made = cursor.execute(query("acts", "new_import"), parameters).fetchone()
        assert made is not None
        version: int = made[0]
        rows = cancelled = 0
        with cursor.copy(query("acts", "copy_weddings")) as copy:
            copy.set_types(_HEAD_TYPES + _TAIL_TYPES)
            for cells in weddings:
                rows += 1
                copy.write_row((version, rows, *cells))
                cancelled += cells[_STATUS] == "cancelled"
                if progress is not None and rows % _ROWS_A_STEP == 0:
                    progress(rows)
        counts = {"version": version, "weddings": rows, "cancelled": cancelled}
        with connection.cursor(row_factory=class_row(Import)) as counted:
            done = counted.execute(query("acts", "count_import"), counts).fetchone()
        assert done is not None
        record_act(
            connection, act, kind="calendar", action="import", subject=sha256, details=dict(counts)
        )
    if progress is not None:
        progress(rows)
    return done


def newest_import(connection: psycopg.Connection) -> Import | None:
    """The calendar that holds, None before the first import."""
    with connection.cursor(row_factory=class_row(Import)) as cursor:
        return cursor.execute(query("acts", "newest_import")).fetchone()


def imports(connection: psycopg.Connection, *, limit: int = 20) -> list[Import]:
    """The newest versions, newest first."""
    with connection.cursor(row_factory=class_row(Import)) as cursor:
        return cursor.execute(query("acts", "imports"), {"limit": limit}).fetchall()


def read_weddings(connection: psycopg.Connection, version: int) -> Iterator[StoredWedding]:
    """The weddings of a version in the order in which they were imported, as they come."""
    with (
        connection.transaction(),
        connection.cursor("weddings", row_factory=class_row(StoredWedding)) as cursor,
    ):
        cursor.itersize = _ROWS_A_STEP
        yield from cursor.execute(query("acts", "read_weddings"), {"version": version})


def forget_imports(connection: psycopg.Connection, *, keep: int = 5) -> int:
    """Remove all but the newest `keep` versions; returns how many. Their ledger rows stay."""
    return connection.execute(query("acts", "forget_imports"), {"keep": max(keep, 1)}).rowcount
