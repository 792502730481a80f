"""Reading the ledger: list, show, export."""

import csv
import io
from collections.abc import Iterator, Sequence
from datetime import datetime
from uuid import UUID

import msgspec
import psycopg
from psycopg.rows import dict_row

from gate.store.queries import query

_ROWS_A_STEP = 2_000
COLUMNS = (
    "seq", "id", "kind", "at", "door", "writer", "number", "verdict", "effect", "phase", "action",
    "invoker", "actor", "environment", "namespace", "service", "repository", "policy_sha256",
    "subject", "prev_hash", "hash", "payload",
)  # fmt: skip
"""The columns of an export, in the order of the table."""


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """Which rows are wanted; None: any.

    ``since`` and ``until`` are instants of the decision, ``[since, until)``. ``target`` is an
    environment, namespace, service or repository, or ``NAMESPACE/SERVICE``; ``repository`` is that
    field alone.
    """

    since: datetime | None = None
    until: datetime | None = None
    kind: str | None = None
    verdict: str | None = None
    effect: str | None = None
    actor: str | None = None
    target: str | None = None
    repository: str | None = None
    door: str | None = None


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the ledger; ``payload`` is the decision's (or event's) JSON, hashes are hex."""

    seq: int
    id: UUID
    kind: str
    at: datetime
    door: str
    writer: str
    number: int
    verdict: str | None
    effect: str | None
    phase: str | None
    action: str
    invoker: str | None
    actor: str | None
    environment: str | None
    namespace: str | None
    service: str | None
    repository: str | None
    policy_sha256: str | None
    subject: str | None
    prev_hash: str
    hash: str
    payload: msgspec.Raw


def entries(
    connection: psycopg.Connection,
    wanted: Filter = Filter(),  # noqa: B008 - frozen
    *,
    limit: int = 50,
    after: int | None = None,
    oldest_first: bool = False,
) -> list[Entry]:
    """Rows of a page, newest first; the next page starts ``after`` the ``seq`` of the last."""
    statement, parameters = statement_of(wanted, after=after, oldest_first=oldest_first)
    with connection.cursor(row_factory=dict_row) as cursor:
        # Planned with the values: which index is right depends on them.
        cursor.execute(
            statement + b" LIMIT %(limit)s", {**parameters, "limit": limit}, prepare=False
        )
        return [_entry(row) for row in cursor]


def entry(connection: psycopg.Connection, which: int | str) -> Entry | None:
    """The row of a ``seq``, or of a decision's id; None where there is none."""
    name = "by_seq"
    if isinstance(which, str):
        try:
            UUID(which)
        except ValueError:
            return None
        name = "by_id"
    with connection.cursor(row_factory=dict_row) as cursor:
        statement = query("ledger", "rows") + b" WHERE " + query("ledger", name)
        row = cursor.execute(statement, {"which": which}).fetchone()
    return None if row is None else _entry(row)


def known(connection: psycopg.Connection, identifiers: Sequence[str]) -> frozenset[str]:
    """Which of these ids (UUIDs) have a row."""
    statement = query("ledger", "known_ids")
    found = connection.execute(statement, {"ids": list(identifiers)}).fetchall()
    return frozenset(str(row[0]) for row in found)


def _entry(row: dict[str, object]) -> Entry:
    payload = row.pop("payload")
    assert isinstance(payload, bytes)
    return Entry(**row, payload=msgspec.Raw(payload))  # type: ignore[arg-type]


def export_json_lines(
    connection: psycopg.Connection,
    wanted: Filter = Filter(),  # noqa: B008 - frozen
    *,
    after: int | None = None,
) -> Iterator[bytes]:
    """The rows, oldest first, a line of JSON each, in constant memory."""
    encode = msgspec.json.Encoder().encode
    for row in _stream(connection, wanted, after):
        yield encode(_entry(row)) + b"\n"


def export_csv(
    connection: psycopg.Connection,
    wanted: Filter = Filter(),  # noqa: B008 - frozen
    *,
    after: int | None = None,
) -> Iterator[bytes]:
    """The rows, oldest first, as CSV (RFC 4180) with a header, in constant memory."""
    sheet = io.StringIO(newline="")
    writer = csv.writer(sheet)
    writer.writerow(COLUMNS)
    for row in _stream(connection, wanted, after):
        yield sheet.getvalue().encode()
        sheet.seek(0)
        sheet.truncate()
        payload = row["payload"]
        assert isinstance(payload, bytes)
        at = row["at"]
        assert isinstance(at, datetime)
        shown = row | {"payload": payload.decode(), "at": at.isoformat().replace("+00:00", "Z")}
        writer.writerow([shown[name] for name in COLUMNS])
    yield sheet.getvalue().encode()


def _stream(
    connection: psycopg.Connection, wanted: Filter, after: int | None
) -> Iterator[dict[str, object]]:
    statement, parameters = statement_of(wanted, after=after, oldest_first=True)
    with (
        connection.transaction(),
        connection.cursor("ledger", row_factory=dict_row) as cursor,
    ):
        cursor.itersize = _ROWS_A_STEP
        yield from cursor.execute(statement, parameters)


def statement_of(
    wanted: Filter, *, after: int | None, oldest_first: bool
) -> tuple[bytes, dict[str, object]]:
    """The query of only those conditions that are wanted, so that their indexes are found."""
    parameters = {
        name: value for name, value in msgspec.structs.asdict(wanted).items() if value is not None
    }
    conditions = [query("ledger", f"where_{name}") for name in parameters]
    if after is not None:
        conditions.append(query("ledger", "beyond" if oldest_first else "before"))
        parameters["after"] = after
    if wanted.target is not None:
        namespace, _, service = wanted.target.partition("/")
        parameters |= {"namespace": namespace, "service": service}
    where = b" WHERE " + b" AND ".join(conditions) if conditions else b""
    order = query("ledger", "oldest_first" if oldest_first else "newest_first")
    return query("ledger", "rows") + where + b" " + order, parameters
