"""A judge for tests: the real rules, locks that can be set, and a real ledger."""

import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

import msgspec

from gate.core.decision import Decision, Effect, ManualLock, Override, Request, Verdict
from gate.core.policy import Policy
from gate.inputs import Compiled, Unreadable, read_inputs
from gate.ledger.append import append
from gate.ledger.identity import Writer
from gate.ledger.records import decision_record
from gate.store.connect import Target, connect

POLICY = """\
version: 1
name: of-the-test
timezone: Europe/London
windows: [{name: saturday, rrule: FREQ=WEEKLY;BYDAY=SA, zones: [home]}]
level_lock: {at: never}
actions: {deploy: {locked: {human: deny, automation: deny}}}
"""
CALENDAR = (
    "id,date,timezone,culture,guests,status\na,2026-06-16,Europe/London,british,150,confirmed\n"
)


class Court:
    """Judges by the files in a folder; what it decides is in the ledger, through ``protection``."""

    def __init__(
        self, folder: Path, where: Target, *, writer: str = "protection-of-a-test"
    ) -> None:
        self.policy_file = folder / "policy.yaml"
        self._calendar = folder / "calendar.csv"
        self._calendar.write_text(CALENDAR)
        self.policy_file.write_text(POLICY)
        self._where = where
        self._writer = Writer("protection", writer)
        self.locks: tuple[ManualLock, ...] = ()
        self.overrides: tuple[Override, ...] = ()
        self.recorded: list[Decision] = []
        self.cannot_record = False
        self._lock = threading.Lock()
        self.read()

    def __enter__(self) -> Self:
        self._connection = connect(self._where)
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def read(self) -> None:
        """Take notice of files, locks and overrides."""
        self.inputs: Compiled | Unreadable = read_inputs(
            str(self.policy_file), [str(self._calendar)], self.locks, self.overrides
        )

    def amend(self, text: str) -> None:
        """Add to the policy."""
        self.policy_file.write_text(self.policy_file.read_text() + text)
        self.read()

    def lock(self, *locks: ManualLock) -> None:
        """These manual locks, and no others, hold."""
        self.locks = locks
        self.read()

    def forget_calendar(self) -> None:
        """The calendar cannot be read any more."""
        self._calendar.write_text("id,date\n")
        self.read()

    def find_calendar(self) -> None:
        """It can again."""
        self._calendar.write_text(CALENDAR)
        self.read()

    @property
    def policy(self) -> Policy | None:
        return self.inputs.policy

    def refresh(self) -> None:
        pass

    def preview(self, request: Request, at: datetime) -> Decision:
        return self.inputs.decide(request, at, id="0198c0de-0000-7000-8000-000000000000")

    def __call__(self, request: Request, at: datetime) -> Decision:
        if self.cannot_record:
            decided = self.preview(request, at)
            return msgspec.structs.replace(
                decided, verdict=Verdict.UNDECIDED, effect=Effect.BLOCK, phase=None,
                locked_from=None, locked_until=None, next_change=None, reasons=(),
            )  # fmt: skip
        with self._lock:
            return self._recorded(request, at)

    def _recorded(self, request: Request, at: datetime) -> Decision:
        number, name = self._writer.next(datetime.now(UTC))
        decision = self.inputs.decide(request, at, id=name, recorded=True)
        record = decision_record(
            decision, door="protection", writer=self._writer.name, number=number
        )
        append(self._connection, [record])
        self.recorded.append(decision)
        return decision
