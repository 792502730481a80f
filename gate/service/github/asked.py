"""Deployments that wait for the gate's word, as the database keeps them.

A request is claimed by an advisory lock of the claimer's session: that ends with the session, so
what a killed worker was about to do is taken over at once, and no transaction stays open while
GitHub is asked.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from typing import Any, Literal

import msgspec
import psycopg
from psycopg.rows import class_row

from gate.core.decision import Decision, Request, Verdict
from gate.core.policy import Action, Invoker
from gate.github.protection.review import State
from gate.store.connect import Target, store_errors
from gate.store.errors import StoreUnavailable
from gate.store.patience import answered_within, line
from gate.store.queries import query

Finished = Literal["approved", "rejected", "gone"]
ANSWER_SECONDS = 10.0
KEPT_DELIVERIES = timedelta(days=30)
"""GitHub delivers again what is not older than three days."""
KEPT_REQUESTS = timedelta(days=90)
_LONGEST_ERROR = 500


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """A request as it stands.

    ``sending`` is an answer that was sent, and may have arrived. ``told_…`` is what the comment
    said that was written last (``told_at`` None: none was).
    """

    number: int
    repository: str
    run_id: int
    environment: str
    actor: str | None
    invoker: Invoker
    requested_at: datetime
    next_check_at: datetime
    attempts: int
    sending: State | None
    comments: int
    told_at: datetime | None
    told_verdict: str | None
    told_until: datetime | None

    @property
    def request(self) -> Request:
        """The question to the gate."""
        return Request(
            action=Action.DEPLOY,
            invoker=self.invoker,
            environment=self.environment,
            repository=self.repository,
            actor=self.actor,
        )

    def knows(self, decision: Decision) -> bool:
        """Whether the comment that stands says what this decision would say."""
        return self.told_at is not None and (self.told_verdict, self.told_until) == (
            str(decision.verdict),
            decision.next_change,
        )


class Asked:
    """The requests in a database, over one session. Everything raises `StoreUnavailable`."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection

    @classmethod
    @contextmanager
    def opened(cls, where: Target) -> Iterator["Asked"]:
        """A session of one's own, which the server ends where it falls silent with a claim."""
        with line(where, ANSWER_SECONDS) as connection:
            made = cls(connection)
            made._execute("session", {})
            yield made

    def waiting(self, now: datetime) -> list[Waiting]:
        """Those that may be looked at now, the never answered first."""
        return self._rows("waiting_protection", {"now": now})

    @contextmanager
    def claimed(self, number: int, now: datetime) -> Iterator[Waiting | None]:
        """The request as it is now, for the block this worker's alone; None where it is not."""
        row = self._execute("claim_protection", {"number": number})
        if row is None or not row[0]:
            yield None
            return
        try:
            found = self._rows("protection", {"number": number, "now": now})
            yield found[0] if found else None
        finally:
            # A session that is lost has given up its claims by that.
            with suppress(StoreUnavailable):
                self._execute("release_protection", {"number": number})

    def sending(self, waiting: Waiting, state: State, decision: Decision) -> None:
        """An answer is about to be sent."""
        self._execute(
            "sending_protection",
            {"number": waiting.number, "state": state, "decision_id": decision.id},
        )

    def commenting(self, waiting: Waiting, decision: Decision) -> None:
        """A comment is about to be sent: it counts, whether it arrives or not."""
        self._execute(
            "commenting_protection", {"number": waiting.number, "decision_id": decision.id}
        )

    def told(
        self, waiting: Waiting, decision: Decision, comment: str, now: datetime, error: str | None
    ) -> None:
        """The comment stands, or GitHub will never take it (``error``)."""
        verdict = Verdict.UNDECIDED if decision.verdict is Verdict.UNDECIDED else Verdict.DENY
        self._execute(
            "told_protection",
            {
                "number": waiting.number, "now": now, "verdict": verdict,
                "until": decision.next_change, "comment": comment, "error": _short(error),
            },
        )  # fmt: skip

    def finish(self, waiting: Waiting, state: Finished, now: datetime, error: str | None) -> None:
        """Nothing more is to be done."""
        self._execute(
            "finish_protection",
            {"number": waiting.number, "state": state, "now": now, "error": _short(error)},
        )

    def later(self, waiting: Waiting, at: datetime, error: str) -> None:
        """Something failed: not again before then."""
        self._execute(
            "later_protection", {"number": waiting.number, "next": at, "error": _short(error)}
        )

    def prune(self, now: datetime) -> None:
        """Forget some of what was finished long ago."""
        self._execute("prune_protections", {"before": now - KEPT_REQUESTS})
        self._execute("prune_deliveries", {"before": now - KEPT_DELIVERIES})

    def _execute(self, name: str, parameters: dict[str, Any]) -> tuple[Any, ...] | None:
        with store_errors(), answered_within(self._connection, ANSWER_SECONDS):
            done = self._connection.execute(query("github", name), parameters)
            return done.fetchone() if done.description else None

    def _rows(self, name: str, parameters: dict[str, Any]) -> list[Waiting]:
        with (
            store_errors(),
            answered_within(self._connection, ANSWER_SECONDS),
            self._connection.cursor(row_factory=class_row(Waiting)) as cursor,
        ):
            return cursor.execute(query("github", name), parameters).fetchall()


def _short(error: str | None) -> str | None:
    return None if error is None else error[:_LONGEST_ERROR].replace("\x00", "")
