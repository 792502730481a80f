"""The decisions that were recorded: the ledger's, and those on their way into it."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from threading import Lock
from uuid import UUID

import msgspec
import psycopg
import psycopg_pool

from gate.core.decision import Decision
from gate.ledger.read import Filter, entries, entry, known
from gate.service.recent import Recent
from gate.store.connect import Target, pool, store_errors
from gate.store.patience import answered_within
from gate.store.queries import query

ANSWER_SECONDS = 10.0
_CONNECTIONS = 4
_encode = msgspec.json.Encoder().encode


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """Decisions, newest first; ``next`` is what to give as ``after`` for the page after this."""

    items: tuple[msgspec.Raw, ...]
    next: str | None


class Decisions:
    """Reads them; for threads, of which each waits for the database.

    What this process answered is found at once. What another server answered a moment ago is found
    when it has been shipped.
    """

    def __init__(self, where: Target, recent: Recent) -> None:
        self._where = where
        self._recent = recent
        self._lock = Lock()
        self._stack = ExitStack()
        self._pool: psycopg_pool.ConnectionPool | None = None

    def close(self) -> None:
        """Give the connections back."""
        self._stack.close()

    def get(self, identifier: str, repository: str | None = None) -> bytes | None:
        """The decision of this id as JSON, of one repository alone where one is given.

        Raises `StoreUnavailable`.
        """
        decision = self._recent.get(identifier)
        if decision is not None:
            return _encode(decision) if _of(decision, repository) else None
        with self._connection() as connection:
            found = entry(connection, identifier)
        if found is None or found.kind != "decision":
            return None
        if repository not in (None, found.repository):
            return None
        return bytes(found.payload)

    def page(self, wanted: Filter, *, limit: int, after: str | None) -> Page:
        """At most ``limit`` of those that match, from behind the decision ``after``.

        Raises `StoreUnavailable`; LookupError where ``after`` names no decision.
        """
        recent = self._recent.newest_first()
        with self._connection() as connection:
            connection.execute(query("ledger", "snapshot"))
            # In one snapshot: each of them is either in the ledger or still on its way.
            shipped = known(connection, [decision.id for decision in recent])
            waiting = [decision for decision in recent if decision.id not in shipped]
            behind: int | None = None
            if after is not None:
                place = next((n for n, each in enumerate(waiting) if each.id == after), None)
                behind = None if place is not None else _seq(connection, after)
                waiting = [] if place is None else waiting[place + 1 :]
            found = [_encode(each) for each in waiting if matches(each, wanted)][: limit + 1]
            ids = [each.id for each in waiting if matches(each, wanted)][: limit + 1]
            if len(found) <= limit:
                rows = entries(connection, wanted, limit=limit + 1 - len(found), after=behind)
                found += [bytes(row.payload) for row in rows]
                ids += [str(row.id) for row in rows]
        self._recent.forget(shipped)
        more = len(found) > limit
        return Page(
            items=tuple(map(msgspec.Raw, found[:limit])), next=ids[limit - 1] if more else None
        )

    @contextmanager
    def _connection(self) -> Iterator[psycopg.Connection]:
        with (
            store_errors(),
            self._opened().connection() as connection,
            answered_within(connection, ANSWER_SECONDS),
            connection.transaction(),
        ):
            yield connection

    def _opened(self) -> psycopg_pool.ConnectionPool:
        with self._lock:
            if self._pool is None:
                self._pool = self._stack.enter_context(
                    pool(self._where, smallest=1, largest=_CONNECTIONS)
                )
            return self._pool


def matches(decision: Decision, wanted: Filter) -> bool:
    """Whether a decision is wanted, as the ledger's columns would say.

    Of ``kind``, ``door`` and ``target`` the decision itself says nothing: they must not be given.
    """
    request = decision.request
    return (
        wanted.verdict in (None, decision.verdict)
        and wanted.effect in (None, decision.effect)
        and wanted.actor in (None, request.actor)
        and wanted.repository in (None, request.repository)
        and (wanted.since is None or wanted.since <= decision.at)
        and (wanted.until is None or decision.at < wanted.until)
    )


def _of(decision: Decision, repository: str | None) -> bool:
    return repository in (None, decision.request.repository)


def _seq(connection: psycopg.Connection, identifier: str) -> int:
    found = entry(connection, str(UUID(identifier)))
    if found is None:
        raise LookupError(identifier)
    return found.seq
