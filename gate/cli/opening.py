"""What a command that looks ahead works on: the compiled files, and the locks of a database."""

from collections.abc import Sequence

from gate.cli.inputs import Compiled, compile_inputs


def open_inputs(
    policy_path: str, calendar_paths: Sequence[str], dsn: str | None = None
) -> Compiled:
    """Policy and calendars; with a DSN, the manual locks that stand there count.

    InputError where a file cannot be read, StoreUnavailable where the database cannot be used.
    """
    if dsn is None:
        return compile_inputs(policy_path, calendar_paths)
    from gate.cli.recorder import open_recorder  # noqa: PLC0415  (loads the database driver)

    with open_recorder(dsn) as recorder:
        locks, overrides = recorder.locks_and_overrides()
    return compile_inputs(policy_path, calendar_paths, locks, overrides)
