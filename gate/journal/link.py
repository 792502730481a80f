"""The way into the ledger: a connection that is made when needed, and what its errors mean."""

from collections.abc import Callable, Sequence

import msgspec
import psycopg
from psycopg import conninfo

from gate.core.problems import InputError
from gate.ledger.append import BATCH_ROWS, append
from gate.ledger.records import Record
from gate.store.connect import EMBEDDED, Target, connect, store_errors
from gate.store.errors import StoreUnavailable
from gate.store.queries import query

STATEMENT_SECONDS = 20.0
_REFUSING = ("22", "23", "54")
"""Classes of SQLSTATE that say *this record cannot be taken*: data, constraints, limits."""
_LASTING = {
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "20000",
}
"""A partner that is silently gone is noticed within half a minute; units are libpq's."""


class RowsLost(StoreUnavailable):
    """The database has not what it had confirmed, of these writers: an older copy took over."""

    def __init__(self, writers: frozenset[str]) -> None:
        super().__init__("the ledger lacks rows that it had confirmed")
        self.writers = writers


class Link:
    """For one thread. ``put_aside`` gets each record that the ledger refuses, and why.

    A call that takes longer than ``statement_seconds`` is given up and tried with fewer records.
    """

    def __init__(
        self,
        where: Target,
        *,
        put_aside: Callable[[Record, str], None],
        statement_seconds: float = STATEMENT_SECONDS,
    ) -> None:
        self.shipped = 0
        """Records that the ledger confirmed, those it had already included."""
        self._where = _lasting(where)
        self._put_aside = put_aside
        self._statement_milliseconds = round(statement_seconds * 1000)
        self._connection: psycopg.Connection | None = None
        self._rows = BATCH_ROWS
        self._newest: dict[str, int] = {}

    @property
    def connected(self) -> bool:
        """Whether there is a connection from before."""
        return self._connection is not None

    def ship(self, records: Sequence[Record]) -> None:
        """Have the ledger take them, in order; on return it has, or they are put aside.

        Raises `StoreUnavailable`, after which any of them may have been taken and all may be sent
        again; `RowsLost` where more than these has to be.
        """
        start = 0
        try:
            connection = self._connected()
            while start < len(records):
                some = records[start : start + self._rows]
                self._append(connection, some)
                start += len(some)
                self._rows = min(self._rows * 2, BATCH_ROWS)
        except RowsLost:
            raise
        except (psycopg.Error, StoreUnavailable) as error:
            self.close()
            if isinstance(error, psycopg.errors.QueryCanceled | psycopg.errors.OutOfMemory):
                # Too many at once.
                self._rows = max(self._rows // 8, 1)
            raise _unavailable(error) from error

    def forget(self, writer: str) -> None:
        """This writer's segment is no more."""
        self._newest.pop(writer, None)

    def close(self) -> None:
        """Give the connection back; the next `ship` makes another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _append(self, connection: psycopg.Connection, records: Sequence[Record]) -> None:
        try:
            append(connection, records)
        except (InputError, psycopg.Error) as error:
            if not _refuses(error):
                raise
            if len(records) == 1:
                self._put_aside(records[0], first_line(error))
                return
            half = len(records) // 2
            self._append(connection, records[:half])
            self._append(connection, records[half:])
        else:
            self.shipped += len(records)
            self._newest.update((record.writer, record.number) for record in records)

    def _connected(self) -> psycopg.Connection:
        if self._connection is None:
            connection = connect(self._where)
            try:
                limit = f"SET statement_timeout = {self._statement_milliseconds}"
                connection.execute(limit.encode())
                self._compare(connection)
            except BaseException:
                connection.close()
                raise
            self._connection = connection
        return self._connection

    def _compare(self, connection: psycopg.Connection) -> None:
        """Notice a standby that was promoted without the newest rows.

        One that has a writer's newest record has all before it: the ledger keeps its order.
        """
        lost = set()
        for writer, number in self._newest.items():
            asked = {"writer": writer, "number": number}
            if connection.execute(query("journal", "known"), asked).fetchone() != (True,):
                lost.add(writer)
        if lost:
            for writer in lost:
                del self._newest[writer]
            raise RowsLost(frozenset(lost))


def first_line(error: Exception) -> str:
    """What an error says first."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _lasting(where: Target) -> Target:
    """The same database, by connections that notice when the other side is silently gone."""
    if where.dsn == EMBEDDED:
        return where
    given = conninfo.conninfo_to_dict(where.dsn)
    more = {key: value for key, value in _LASTING.items() if key not in given}
    return msgspec.structs.replace(where, dsn=conninfo.make_conninfo(where.dsn, **more))


def _refuses(error: Exception) -> bool:
    return isinstance(error, InputError) or (
        isinstance(error, psycopg.Error) and (error.sqlstate or "").startswith(_REFUSING)
    )


def _unavailable(error: Exception) -> StoreUnavailable:
    try:
        with store_errors():
            raise error
    except StoreUnavailable as known:
        return known
    except psycopg.Error:
        return StoreUnavailable(f"the database refuses: {first_line(error)}")
