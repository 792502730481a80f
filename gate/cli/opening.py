"""What a command that looks ahead works on: the compiled files, and the locks of a database."""

from collections.abc import Sequence

from gate.cli.database import session
from gate.inputs import Compiled, compile_inputs


def open_inputs(
    policy_path: str, calendar_paths: Sequence[str], dsn: str | None = None
) -> Compiled:
    """Policy and calendars; with a DSN, the manual locks that stand there count.

    InputError where a file cannot be read, StoreUnavailable where the database cannot be used.
    """
    if dsn is None:
        return compile_inputs(policy_path, calendar_paths)
    from gate.ledger.acts.entries import load_locks  # noqa: PLC0415  (loads the database driver)

    with session(dsn) as connection:
        locks, overrides = load_locks(connection)
    return compile_inputs(policy_path, calendar_paths, locks, overrides)
