"""What a command that looks ahead works on: the compiled files, and the locks of a database."""

import os
from collections.abc import Sequence
from datetime import datetime

from gate.cli.database import session
from gate.cli.output import complain
from gate.core.decision import ManualLock, Override
from gate.core.learnt import LearntRow
from gate.inputs import Compiled, compile_inputs, observed_now, trouble_of


def open_inputs(
    policy_path: str,
    calendar_paths: Sequence[str],
    dsn: str | None = None,
    *,
    observed: bool = False,
    at: datetime | None = None,
    first: datetime | None = None,
) -> Compiled:
    """Policy and calendars; with a DSN, the manual locks that stand there count.

    ``observed``: where the policy observes load, that counts: as of ``at`` or else of
    now, and from ``first`` on.
    InputError where a file cannot be read, StoreUnavailable where the database cannot be used.
    """
    locks: tuple[ManualLock, ...] = ()
    overrides: tuple[Override, ...] = ()
    learnt: tuple[LearntRow, ...] = ()
    if dsn is not None:
        from gate.ledger.acts.entries import load_locks  # noqa: PLC0415  (loads the driver)
        from gate.store.cultures import learnt_rows  # noqa: PLC0415

        with session(dsn) as connection:
            locks, overrides = load_locks(connection)
            learnt = learnt_rows(connection)
    inputs = compile_inputs(policy_path, calendar_paths, locks, overrides, learnt)
    if not observed:
        return inputs
    found = observed_now(inputs, at, os.environ, first=first)
    if trouble := trouble_of(found):
        complain(trouble)
    assert isinstance(found, Compiled)
    return found
