"""One embedded PostgreSQL for all tests of a run, and a schema of its own for each test.

The server is made in a temporary folder. A *guard* process stops it and removes the folder when the
run ends, however it ends: it waits for the end of a pipe that only the run holds open.
"""

import atexit
import itertools
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import psycopg
from psycopg import sql

from gate.store import embedded
from gate.store.connect import Target, connect_anyway
from gate.store.migrations import migrate

_numbers = itertools.count(1)


@cache
def server() -> embedded.Server:
    """The server of this run; it is started on first use."""
    base = Path(tempfile.mkdtemp(prefix="gate-tests-"))
    guard = subprocess.Popen(
        [sys.executable, "-m", "tests.postgres", str(base)],
        cwd=Path(__file__).parents[1],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )

    def end() -> None:
        guard.communicate()

    atexit.register(end)
    return embedded.ensure(base)


@contextmanager
def fresh_schema(*, migrated: bool = True, prefix: str = "t") -> Iterator[Target]:
    """A schema that nothing else uses, removed after the block."""
    target = Target(
        dsn=server().dsn(), schema=f"{prefix}{next(_numbers)}", embedded_folder=server().base
    )
    try:
        if migrated:
            with connect_anyway(target) as connection:
                migrate(connection, target.schema)
        yield target
    finally:
        with psycopg.connect(target.dsn, autocommit=True) as connection:
            connection.execute("SET client_min_messages = warning")
            connection.execute(
                sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(target.schema))
            )


def _guard(base: Path) -> None:
    sys.stdin.read()
    embedded.stop(base, immediate=True)
    shutil.rmtree(base)


if __name__ == "__main__":
    _guard(Path(sys.argv[1]))
