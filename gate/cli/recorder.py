"""How the short-lived doors use a database: locks and overrides from it, every answer into it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from uuid import uuid4

from gate.cli.database import DOOR, where
from gate.core.decision import Decision, ManualLock, Override
from gate.core.learnt import LearntRow
from gate.ledger.acts.entries import load_locks
from gate.ledger.append import append
from gate.ledger.identity import Writer
from gate.ledger.records import Record, decision_record
from gate.store import StoreUnavailable
from gate.store.connect import Target, connect, store_errors
from gate.store.cultures import learnt_rows


class Recorder:
    """A writer of the ledger; it makes the ids of what it is to record."""

    def __init__(self, target: Target, door: str = DOOR) -> None:
        self._target = target
        self._door = door
        self._connection = connect(target)
        self._writer = Writer(door, f"{door}-{uuid4().hex}")
        self._numbers: dict[str, int] = {}

    def locks_and_overrides(self) -> tuple[tuple[ManualLock, ...], tuple[Override, ...]]:
        """What people locked and excepted; StoreUnavailable where it cannot be read."""
        with store_errors():
            return load_locks(self._connection)

    def learnt(self) -> tuple[LearntRow, ...]:
        """What is known of the cultures; StoreUnavailable where it cannot be read."""
        with store_errors():
            return learnt_rows(self._connection)

    def next_id(self) -> str:
        """The id of the next decision, which must then be recorded or dropped."""
        number, name = self._writer.next(datetime.now(UTC))
        self._numbers[name] = number
        return name

    def record(self, decisions: Sequence[Decision]) -> None:
        """Append and wait until it is durable; StoreUnavailable where that cannot be had.

        Where the connection breaks nobody knows whether the rows were kept. Appending the same
        again is safe, so it is tried once more on a new connection.
        """
        records = [
            decision_record(
                decision,
                door=self._door,
                writer=self._writer.name,
                number=self._numbers[decision.id],
            )
            for decision in decisions
        ]
        try:
            self._append(records)
        except StoreUnavailable:
            self.close()
            self._connection = connect(self._target)
            self._append(records)
        for decision in decisions:
            del self._numbers[decision.id]

    def close(self) -> None:
        """Give the connection back."""
        self._connection.close()

    def _append(self, records: Sequence[Record]) -> None:
        with store_errors():
            append(self._connection, records)


@contextmanager
def open_recorder(dsn: str, door: str = DOOR) -> Iterator[Recorder]:
    """A recorder for a database that answers and has its migrations.

    StoreUnavailable otherwise; InputError where the DSN is none.
    """
    with store_errors():
        recorder = Recorder(where(dsn), door)
    try:
        yield recorder
    finally:
        recorder.close()
