"""The policy, calendar and manual locks that the fallback lock is compiled from, as they change."""

import os
from collections.abc import Sequence

import msgspec
from msgspec.structs import replace

from gate.core.decision import ManualLock
from gate.core.problems import InputError, Problem
from gate.inputs import Compiled, Unreadable, read_inputs
from gate.service.feed import Inputs

_Stamps = tuple[tuple[int, int, int] | None, ...]


class Sources(msgspec.Struct, frozen=True, kw_only=True):
    """Files and locks; ``calendar_sha256`` names a calendar that was written from the database."""

    policy: str
    calendars: tuple[str, ...]
    locks: tuple[ManualLock, ...] = ()
    calendar_sha256: str | None = None


class Following:
    """Reads the files that the flags name, else those of the database, whenever they change.

    Where there is a database, nothing is read before it has told which locks there are: a lock
    compiled without them would open what they hold.
    """

    def __init__(
        self, policy: str | None, calendars: Sequence[str], *, database: bool = False
    ) -> None:
        self._policy = policy
        self._calendars = tuple(calendars)
        self._told = None if database else Inputs()
        self._read: tuple[Sources, _Stamps] | None = None
        self.trouble: str | None = "the database has not told yet" if database else None
        self.lost: str | None = None

    @property
    def wants_policy(self) -> bool:
        """Whether the database is to say where the policy lies."""
        return self._policy is None

    @property
    def wants_calendar(self) -> bool:
        """Whether the database is to say where the calendar lies."""
        return not self._calendars

    @property
    def waits(self) -> bool:
        """Whether the database has yet to tell what there is to read."""
        return self._told is None or self._sources(self._told) is None

    def take(self, told: Inputs) -> None:
        """Hear what the database says; made to be called from another thread.

        ``lost`` says why it does not answer now, while what it told last stays in force.
        """
        self.lost = told.trouble
        if told.read_at is not None:
            self._told = told

    def look(self) -> Compiled | None:
        """What there is to compile, where it is not what there was at the last call.

        None, too, where it cannot be read: ``trouble`` then says why, and what was read before
        should stay in force.
        """
        told = self._told
        if told is None:
            return None
        sources = self._sources(told)
        if sources is None:
            self.trouble = "no policy or no calendar is in force in the database"
            return None
        now = sources, _stamps(sources)
        if now == self._read:
            return None
        # Stamps first: a file that changes while it is read is read again.
        self._read = now
        found, problems = _compiled(sources)
        self.trouble = f"cannot be read: {problems[0]}" if problems else None
        return found

    def _sources(self, told: Inputs) -> Sources | None:
        policy = self._policy or told.policy_path
        written = None if self._calendars else told.calendar_path
        calendars = (written,) if written else self._calendars
        if policy is None or not calendars:
            return None
        return Sources(
            policy=policy,
            calendars=calendars,
            locks=told.locks,
            calendar_sha256=told.calendar_sha256 if written else None,
        )


def _compiled(sources: Sources) -> tuple[Compiled | None, tuple[Problem, ...]]:
    try:
        read = read_inputs(sources.policy, sources.calendars, sources.locks)
    except InputError as error:
        return None, error.problems
    if isinstance(read, Unreadable):
        return None, read.problems
    if sources.calendar_sha256 is not None:
        calendar = replace(read.facts.calendar, sha256=sources.calendar_sha256)
        read = replace(read, facts=replace(read.facts, calendar=calendar))
    return read, ()


def _stamps(sources: Sources) -> _Stamps:
    """What tells that a file was changed, through the links that a mounted ConfigMap is."""
    return tuple(map(_stamp, (sources.policy, *sources.calendars)))


def _stamp(path: str) -> tuple[int, int, int] | None:
    try:
        stat = os.stat(path)
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_size, stat.st_ino
