"""How the store is reached: which database, which schema, and what a failure means.

Sessions are in autocommit mode with explicit ``transaction()`` blocks, have the product's schema
alone in their ``search_path`` and speak UTC.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

import msgspec
import psycopg
import psycopg_pool
from psycopg import conninfo, sql

from gate.core.problems import InputError
from gate.store import embedded
from gate.store.errors import StoreOutdated, StoreUnavailable
from gate.store.folders import data_folder
from gate.store.migrations import migrate, outdated

EMBEDDED = "embedded"
Guard = Callable[[psycopg.Connection], AbstractContextManager[object]]
"""Put around the statements of a new session, by whom no silent server may hold up."""
_SCHEMA = re.compile(r"[a-z_][a-z0-9_]{0,62}")


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """A database and the schema of the product in it.

    ``dsn`` is ``embedded`` or what libpq takes; ``embedded_folder`` is where the embedded server
    lives; a connection that takes longer than ``connect_timeout_seconds`` counts as unreachable.
    """

    dsn: str
    schema: str
    embedded_folder: Path
    connect_timeout_seconds: int = 5

    def __repr__(self) -> str:
        return f"Target(schema={self.schema!r})"


def target(
    dsn: str | None, environ: Mapping[str, str], *, connect_timeout_seconds: int = 5
) -> Target:
    """Read ``--dsn``, else ``GATE_DSN``; and ``GATE_SCHEMA``, ``GATE_DATA_DIR``.

    Raises `InputError` where no database is named or what is given cannot be one.
    """
    given = dsn or environ.get("GATE_DSN") or ""
    field = "--dsn" if dsn else "GATE_DSN"
    if not given:
        raise InputError.of(
            "no database is named",
            field="--dsn",
            mend="give --dsn embedded, a PostgreSQL DSN, or GATE_DSN",
        )
    schema = environ.get("GATE_SCHEMA") or "gate"
    if not _SCHEMA.fullmatch(schema) or schema.startswith("pg_") or schema == "information_schema":
        raise InputError.of(
            f"{schema!r} cannot name a schema of one's own",
            field="GATE_SCHEMA",
            mend="use at most 63 lower-case letters, digits and _, with no digit or pg_ first",
        )
    if given != EMBEDDED:
        _check_dsn(given, field)
    return Target(
        dsn=given,
        schema=schema,
        embedded_folder=data_folder(environ),
        connect_timeout_seconds=connect_timeout_seconds,
    )


def _check_dsn(dsn: str, field: str) -> None:
    """What libpq says of a bad DSN may repeat it, password and all: so it is not passed on."""
    try:
        known = conninfo.conninfo_to_dict(dsn)
    except (psycopg.Error, UnicodeError):
        known = {}
    if not known or "\x00" in dsn:
        raise InputError.of(
            "this is no PostgreSQL connection string",
            field=field,
            mend="write embedded, postgresql://user@host:5432/database or host=… dbname=…",
        )


@contextmanager
def store_errors() -> Iterator[None]:
    """Turn what psycopg raises when the database is gone or refuses into `StoreUnavailable`.

    Errors that show a bug of ours (bad SQL, a broken constraint) pass through unchanged.
    """
    try:
        yield
    except (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedFunction) as error:
        raise StoreOutdated(f"{_first_line(error)}: run `gate db migrate`") from error
    except psycopg.errors.InsufficientPrivilege as error:
        raise StoreUnavailable(f"the database refuses: {_first_line(error)}") from error
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:
        raise StoreUnavailable(f"the database is not available: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def _conninfo(where: Target) -> str:
    if where.dsn == EMBEDDED:
        return embedded.ensure(where.embedded_folder).dsn()
    return where.dsn


def _configured(schema: str, connection: psycopg.Connection) -> None:
    connection.autocommit = True
    connection.execute(
        sql.SQL(
            "SET search_path = {}; SET TimeZone = 'UTC'; SET client_min_messages = warning"
        ).format(sql.Identifier(schema))
    )


def connect_anyway(where: Target, *, guard: Guard = nullcontext) -> psycopg.Connection:
    """A single connection, whatever the schema's state: for ``gate db`` itself.

    Raises `StoreUnavailable`.
    """
    with store_errors():
        connection = psycopg.connect(
            _conninfo(where),
            autocommit=True,
            connect_timeout=where.connect_timeout_seconds,
            application_name="saturday-gate",
        )
        try:
            with guard(connection):
                _configured(where.schema, connection)
        except BaseException:
            connection.close()
            raise
    return connection


def connect(where: Target, *, guard: Guard = nullcontext) -> psycopg.Connection:
    """A single connection for a command; the embedded database is migrated where it needs it.

    Raises `StoreOutdated` where migrations are missing, `StoreUnavailable` where the database is.
    """
    connection = connect_anyway(where, guard=guard)
    try:
        with store_errors():
            with guard(connection):
                missing = outdated(connection, where.schema)
            if missing and where.dsn == EMBEDDED:
                migrate(connection, where.schema)
            elif missing:
                raise StoreOutdated(
                    f"schema {where.schema} lacks {len(missing)} migration(s), first {missing[0]}:"
                    " run `gate db migrate`"
                )
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def session(where: Target) -> Iterator[psycopg.Connection]:
    """`connect`, with the errors of the block translated and the connection closed after it."""
    connection = connect(where)
    try:
        with store_errors():
            yield connection
    finally:
        connection.close()


@contextmanager
def pool(
    where: Target, *, smallest: int = 1, largest: int = 8
) -> Iterator[psycopg_pool.ConnectionPool]:
    """A pool for a server, checked like `connect` before it opens, closed after the block.

    Take a connection with ``pool.connection()`` inside `store_errors`. Raises as `connect` does.
    """
    connect(where).close()
    made = psycopg_pool.ConnectionPool(
        _conninfo(where),
        min_size=smallest,
        max_size=largest,
        timeout=where.connect_timeout_seconds,
        kwargs={
            "autocommit": True,
            "connect_timeout": where.connect_timeout_seconds,
            "application_name": "saturday-gate",
        },
        configure=lambda connection: _configured(where.schema, connection),
        check=psycopg_pool.ConnectionPool.check_connection,
        open=False,
    )
    with made:
        yield made
