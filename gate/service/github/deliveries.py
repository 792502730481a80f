"""Deliveries of GitHub's webhook: checked, stored, answered. What they ask for is done elsewhere.

A delivery is answered with 202 only once it is in the database, so that whatever happens then, it
is acted on. Without the database the answer is 503: GitHub lists it as failed, and it can be
delivered again.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import datetime
from threading import Lock
from typing import Any

import msgspec
import psycopg
import psycopg_pool

from gate.core.problems import InputError
from gate.github.webhook.answer import NOTHING, Answer, problem, said
from gate.github.webhook.envelope import (
    LARGEST_BODY_BYTES,
    Envelope,
    MediaTypeError,
    payload,
    read_envelope,
)
from gate.github.webhook.events import Event, Ping, ProtectionRequested, read_event
from gate.github.webhook.signature import VARIABLE, Secrets
from gate.service.logs import log
from gate.store.connect import Target, pool, store_errors
from gate.store.errors import StoreUnavailable
from gate.store.patience import answered_within
from gate.store.queries import query

PROTECTION_EVENT = "deployment_protection_rule"
STORE_SECONDS = 5.0
"""How long the database may take: GitHub waits ten seconds for an answer."""
_RETRY_SECONDS = 30
_CONNECTIONS = 8


class Receiver:
    """Takes deliveries, from any number of threads.

    ``secrets`` None: the webhook is off. ``stored`` is called after each delivery that there is
    something to do about.
    """

    def __init__(
        self,
        where: Target,
        secrets: Secrets | None,
        *,
        stored: Callable[[], None] = lambda: None,
    ) -> None:
        self._where = where
        self._secrets = secrets
        self._stored = stored
        self._lock = Lock()
        self._stack = ExitStack()
        self._pool: psycopg_pool.ConnectionPool | None = None

    def close(self) -> None:
        """Give the connections back."""
        with self._lock:
            self._stack.close()
            self._pool = None

    def __call__(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Answer:
        """The answer to a delivery that came at `now`; headers are found whatever their case."""
        named = {name.lower(): value for name, value in headers.items()}
        refusal = self._unproven(named, body)
        if refusal is not None:
            log("github-delivery-refused", status=refusal.status, body_bytes=len(body))
            return refusal
        try:
            envelope = read_envelope(named)
            event = read_event(envelope.event, payload(envelope, body))
        except InputError as error:
            return _bad(error, named)
        if event is None:
            return NOTHING
        if isinstance(event, Ping):
            log("github-ping", events=event.events)
            return said(200, status="pong", delivery=str(envelope.delivery))
        return self._keep(envelope, event, now)

    def _unproven(self, headers: Mapping[str, str], body: bytes) -> Answer | None:
        """Why the body is not looked at: it is too large, or nothing proves that GitHub sent it."""
        if self._secrets is None:
            return problem(404, f"GitHub's webhook is off: {VARIABLE} is not set")
        if len(body) > LARGEST_BODY_BYTES:
            return problem(413, f"a delivery has at most {LARGEST_BODY_BYTES} bytes")
        name = "X-Hub-Signature-256"
        given = headers.get(name.lower())
        if not self._secrets.accept(body, given):
            wrong = "the signature is missing" if given is None else "the signature does not fit"
            return problem(401, f"{wrong}: the webhook's secret signs the body", field=name)
        return None

    def _keep(self, envelope: Envelope, event: Event, now: datetime) -> Answer:
        try:
            with self._connection() as connection:
                new = _store(connection, envelope, event, now)
        except (StoreUnavailable, psycopg.Error) as error:
            log("github-delivery-not-stored", delivery=envelope.delivery, event_name=envelope.event,
                error=f"{type(error).__name__}: {error}".splitlines()[0])  # fmt: skip
            return problem(
                503,
                "the delivery could not be stored: deliver it again",
                retry_seconds=_RETRY_SECONDS,
            )
        log("github-delivery", delivery=envelope.delivery, event_name=envelope.event, new=new)
        if new:
            self._stored()
        return said(202, status="accepted", delivery=str(envelope.delivery))

    @contextmanager
    def _connection(self) -> Iterator[psycopg.Connection]:
        with (
            store_errors(),
            self._opened().connection(timeout=STORE_SECONDS) as connection,
            answered_within(connection, STORE_SECONDS),
        ):
            yield connection

    def _opened(self) -> psycopg_pool.ConnectionPool:
        with self._lock:
            if self._pool is None:
                self._pool = self._stack.enter_context(
                    pool(self._where, smallest=1, largest=_CONNECTIONS)
                )
            return self._pool


def _store(connection: psycopg.Connection, envelope: Envelope, event: Event, now: datetime) -> bool:
    """One statement: a delivery that was taken before, or asks for what was asked, adds nothing."""
    name = "take_protection" if isinstance(event, ProtectionRequested) else "take_heads"
    parameters: dict[str, Any] = {
        **msgspec.structs.asdict(event),
        "id": envelope.delivery,
        "event": envelope.event,
        "now": now,
    }
    return connection.execute(query("github", name), parameters).fetchone() is not None


def _bad(error: InputError, headers: Mapping[str, str]) -> Answer:
    """What is wrong with a delivery that GitHub signed: somebody will want to know."""
    wrong = error.problems[0]
    status = 415 if isinstance(error, MediaTypeError) else 400
    log("github-delivery-unreadable", status=status, field=wrong.field, error=wrong.message,
        delivery=headers.get("x-github-delivery", "")[:100])  # fmt: skip
    return problem(status, wrong.message, field=wrong.field)
