"""Policy and calendar for what runs once: the files that are named, else the database's."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import psycopg

from gate.core.decision import Override
from gate.core.document import read_policy
from gate.core.policy import Policy
from gate.inputs import Compiled, compile_inputs
from gate.ledger.acts.current import Current, calendar_lines, policy_document, read_current


def inputs_in_force(
    policy: str | None, calendars: Sequence[str], connection: psycopg.Connection | None
) -> Compiled | None:
    """What plan is in force, with the overrides of the database; None where nothing tells.

    Raises `InputError` where a file or what the database has cannot be read as what it should be,
    and psycopg's errors.
    """
    current = None if connection is None else read_current(connection)
    overrides: tuple[Override, ...] = () if current is None else current.overrides
    if policy is not None and calendars:
        return compile_inputs(policy, calendars, (), overrides)
    if connection is None or current is None:
        return None
    with tempfile.TemporaryDirectory(prefix="gate-") as folder:
        named = policy or _policy_file(connection, current, Path(folder))
        given = calendars or _calendar_files(connection, current, Path(folder))
        if named is None or not given:
            return None
        return compile_inputs(named, given, (), overrides)


def policy_in_force(policy: str | None, connection: psycopg.Connection | None) -> Policy | None:
    """The policy alone, likewise."""
    if policy is not None:
        return read_policy(Path(policy).read_bytes(), policy)
    if connection is None:
        return None
    sha256 = read_current(connection).policy_sha256
    document = policy_document(connection, sha256) if sha256 else None
    return None if document is None else read_policy(document, "the database's policy")


def _policy_file(connection: psycopg.Connection, current: Current, folder: Path) -> str | None:
    sha256 = current.policy_sha256
    document = policy_document(connection, sha256) if sha256 else None
    if document is None:
        return None
    path = folder / "policy.yaml"
    path.write_bytes(document)
    return str(path)


def _calendar_files(
    connection: psycopg.Connection, current: Current, folder: Path
) -> tuple[str, ...]:
    if current.calendar is None:
        return ()
    path = folder / "calendar.jsonl"
    with path.open("wb") as file:
        file.writelines(calendar_lines(connection, current.calendar.version))
    return (str(path),)
