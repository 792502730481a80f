"""One way through for the command and the Action: read, decide, record, answer."""

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

from gate.cli.batch import Answer
from gate.cli.database import DOOR
from gate.cli.exits import Exit
from gate.cli.output import complain
from gate.core.decide import undecided
from gate.core.decision import (
    Decision,
    Effect,
    ManualLock,
    Override,
    Reason,
    Request,
    Verdict,
)
from gate.core.learnt import LearntRow
from gate.core.policy import Policy
from gate.core.problems import InputError
from gate.inputs import Compiled, Unreadable, observed_now, read_inputs, trouble_of
from gate.ledger.fresh_ids import Identifiers

if TYPE_CHECKING:
    from gate.cli.recorder import Recorder


class Judge:
    """Answers requests from what was read, whether that can decide or not.

    With a recorder every answer is recorded before it is given; one that cannot be recorded
    becomes undecided. ``outage`` says why a store that was named cannot be used.
    """

    def __init__(
        self,
        inputs: Compiled | Unreadable,
        *,
        recorder: "Recorder | None" = None,
        outage: str | None = None,
    ) -> None:
        self.inputs = inputs
        self._recorder = recorder
        self._outage = outage
        self._fresh = Identifiers().next
        self._next_id = self._fresh if recorder is None else recorder.next_id

    @property
    def policy(self) -> Policy | None:
        """The policy, where it could be read."""
        return self.inputs.policy

    def __call__(self, request: Request, at: datetime) -> Decision:
        """The decision, not yet recorded."""
        if self._outage is not None:
            return self._without_store(request, at, self._outage)
        recorded = self._recorder is not None
        return self.inputs.decide(request, at, id=self._next_id(), recorded=recorded)

    def record(self, decisions: Sequence[Decision]) -> list[Decision]:
        """The decisions as they may be answered: recorded, or else undecided."""
        if self._recorder is None or not decisions:
            return list(decisions)
        from gate.store import StoreUnavailable  # noqa: PLC0415  (only where a store is used)

        try:
            self._recorder.record(decisions)
        except StoreUnavailable as error:
            return [self._without_store(d.request, d.at, str(error)) for d in decisions]
        except InputError as error:
            # One that the ledger refuses, an oversized one, must not take the others with it.
            if len(decisions) > 1:
                return [answer for each in decisions for answer in self.record([each])]
            only = decisions[0]
            return [self._without_store(only.request, only.at, str(error))]
        return list(decisions)

    def record_answers(self, answers: Sequence[Answer]) -> list[Answer]:
        """The same for a batch, whose bad lines are not recorded."""
        if self._recorder is None:
            return list(answers)
        recorded = iter(self.record([a for a in answers if isinstance(a, Decision)]))
        return [next(recorded) if isinstance(a, Decision) else a for a in answers]

    def _without_store(self, request: Request, at: datetime, why: str) -> Decision:
        # A fresh id: the ledger may hold the one that could not be confirmed.
        reasons = self.inputs.reasons if isinstance(self.inputs, Unreadable) else ()
        outage = Reason(code="store-unavailable", message=f"the store cannot be used: {why}")
        return undecided(
            self.policy, self.inputs.refs, request, at, [*reasons, outage], id=self._fresh()
        )


@contextmanager
def open_judge(
    policy_path: str,
    calendar_paths: Sequence[str],
    dsn: str | None,
    *,
    door: str = DOOR,
    at: datetime | None = None,
) -> Iterator[Judge]:
    """Read the files, and with a DSN the locks and overrides; records there while it is open.

    ``door`` is how the ledger names who asks. Where the policy observes load, its source is asked
    as of ``at``, by default of now.
    """
    if dsn is None:
        yield Judge(_observed(read_inputs(policy_path, calendar_paths), at))
        return
    from gate.cli.recorder import open_recorder  # noqa: PLC0415  (loads the database driver)
    from gate.store import StoreUnavailable  # noqa: PLC0415

    with ExitStack() as stack:
        recorder, outage = None, None
        locks: tuple[ManualLock, ...] = ()
        overrides: tuple[Override, ...] = ()
        learnt: tuple[LearntRow, ...] = ()
        try:
            recorder = stack.enter_context(open_recorder(dsn, door))
            locks, overrides = recorder.locks_and_overrides()
            learnt = recorder.learnt()
        except StoreUnavailable as error:
            recorder, outage = None, str(error)
        inputs = _observed(read_inputs(policy_path, calendar_paths, locks, overrides, learnt), at)
        yield Judge(inputs, recorder=recorder, outage=outage)


def _observed(inputs: Compiled | Unreadable, at: datetime | None) -> Compiled | Unreadable:
    observed = observed_now(inputs, at, os.environ)
    if trouble := trouble_of(observed):
        complain(trouble)
    return observed


def exit_of(decision: Decision) -> Exit:
    """What a decision is to whoever asked: only the effect `block` stops anybody."""
    if decision.effect is not Effect.BLOCK:
        return Exit.ALLOWED
    return Exit.UNDECIDED if decision.verdict is Verdict.UNDECIDED else Exit.DENIED
