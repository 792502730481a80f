"""Load samples in the database: written once an instant, read in steps, pruned in bounds."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal

import msgspec
import psycopg
from psycopg.rows import class_row

from gate.store.queries import query

SampleSource = Literal["booked", "forecast", "observed"]
MOST_PRUNED = 20_000


class SamplePart(msgspec.Struct, frozen=True, kw_only=True):
    """The load of a zone and a culture, in units; ``*`` is all of them."""

    zone: str
    culture: str
    units: float
    weddings: int


class LoadStep(msgspec.Struct, frozen=True, kw_only=True):
    """The samples of one source within a step, in units."""

    step: datetime
    source: SampleSource
    mean_units: float
    peak_units: float
    samples: int


class LoadPart(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the newest sample of a source."""

    at: datetime
    source: SampleSource
    timezone: str
    culture: str
    demand_units: float
    weddings: int


def write_sample(
    connection: psycopg.Connection,
    at: datetime,
    source: SampleSource,
    parts: Sequence[SamplePart],
) -> bool:
    """Keep a sample, unless that instant was sampled before; whether it was kept.

    All of it or nothing, whoever else samples the same instant. Raises psycopg's errors.
    """
    with connection.transaction():
        connection.execute(query("load", "lock_samples"))
        named = {"at": at, "source": source}
        found = connection.execute(query("load", "sampled"), named).fetchone()
        if found is not None and found[0]:
            return False
        connection.execute(
            query("load", "insert_samples"),
            {
                **named,
                "timezones": [part.zone for part in parts],
                "cultures": [part.culture for part in parts],
                "units": [part.units for part in parts],
                "weddings": [part.weddings for part in parts],
            },
        )
    return True


def prune_samples(
    connection: psycopg.Connection, before: datetime, *, most: int = MOST_PRUNED
) -> int:
    """Remove samples from before an instant, the oldest first and so many at the most."""
    return connection.execute(
        query("load", "prune_samples"), {"before": before, "most": most}
    ).rowcount


def load_series(
    connection: psycopg.Connection, start: datetime, end: datetime, step: timedelta
) -> list[LoadStep]:
    """The samples of [start, end) in steps of that length; steps without one are left out.

    ``step`` is of whole seconds and more than none.
    """
    with connection.cursor(row_factory=class_row(LoadStep)) as cursor:
        return cursor.execute(
            query("load", "load_series"), {"start": start, "end": end, "step": step}
        ).fetchall()


def load_parts(connection: psycopg.Connection, now: datetime, age: timedelta) -> list[LoadPart]:
    """The newest sample of each source, if it is not older than that, by zone and culture."""
    with connection.cursor(row_factory=class_row(LoadPart)) as cursor:
        return cursor.execute(
            query("load", "load_parts"), {"now": now, "since": now - age}
        ).fetchall()
