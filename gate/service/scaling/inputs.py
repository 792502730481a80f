"""Policy and calendar of one run: files that are named, else what holds in the database."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import psycopg

from gate.inputs import Compiled, Unreadable
from gate.ledger.acts.current import read_current
from gate.service.keeper.files import write_whole
from gate.service.keeper.state_file import Incomplete, Wanted, calendar_file, policy_file
from gate.service.sources import Sources, absent, read_from
from gate.store.connect import Target, session
from gate.store.errors import StoreUnavailable

_POLICY, _CALENDAR = "policy.yaml", "calendar.jsonl"


def read_stored(
    where: Target, policy: str | None, calendars: Sequence[str]
) -> Compiled | Unreadable:
    """Read and compile, what no file is named for from the database, and what was learnt of load.

    Whatever is wrong is a value that says so, the database being away included, unless files are
    named for everything: then these have to do.
    """
    with tempfile.TemporaryDirectory(prefix="gate-prescale-") as folder:
        try:
            with session(where) as connection:
                sources = _fetched(connection, Path(folder), policy, tuple(calendars))
        except (StoreUnavailable, OSError, Incomplete) as error:
            if policy is None or not calendars:
                return absent(f"policy or calendar cannot be fetched: {error}")
            sources = Sources(policy=policy, calendars=tuple(calendars))
        return read_from(sources)


def _fetched(
    connection: psycopg.Connection, folder: Path, policy: str | None, calendars: tuple[str, ...]
) -> Sources:
    holds = read_current(connection)
    if policy is None and holds.policy_sha256 is not None:
        wanted = policy_file(holds.policy_sha256)
        policy = _written(connection, folder / _POLICY, wanted)
    if calendars or holds.calendar is None:
        return Sources(policy=policy, calendars=calendars, learnt=holds.learnt)
    wanted = calendar_file(holds.calendar)
    path = _written(connection, folder / _CALENDAR, wanted)
    return Sources(
        policy=policy,
        calendars=(path,),
        calendar_sha256=wanted.sha256,
        learnt=holds.learnt,
    )


def _written(connection: psycopg.Connection, path: Path, wanted: Wanted) -> str:
    write_whole(path, wanted.pieces(connection, _nothing))
    return str(path)


def _nothing() -> None:
    """The database answers in its own time: a run waits for it."""
