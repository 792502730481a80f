"""What stands: the inputs that decisions are made from, and how they are brought up to date.

A worker reads policy and calendars as files, whether the flags name them or the keeper wrote them
from the database. What takes long (reading, compiling, the first decision of a stretch) happens in
a thread; then the new value is put in the old one's place, whole.
"""

import asyncio
import os
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from gate.cluster.answers import Answers
from gate.cluster.requests import Callers
from gate.core.decision import CalendarRef, ManualLock, Override, PolicyRef, Reason, Request
from gate.core.instants import duration_micros, micros
from gate.core.plan import plan_changes
from gate.core.policy import Action
from gate.core.problems import InputError, Problem
from gate.core.timeline import compile_timeline
from gate.inputs import Compiled, Unreadable, read_inputs
from gate.service.feed import Inputs
from gate.service.logs import log
from gate.service.webhook.stencils import Stencils

_AHEAD, _HOLD = duration_micros(timedelta(minutes=30)), duration_micros(timedelta(hours=1))
_NO_FLOOR = 0
_LOOK_SECONDS = 2.0

_Stamps = tuple[tuple[int, int, int] | None, ...]


class Standing:
    """Inputs as they stand, and what follows from them: callers, answers, the plan's floor."""

    def __init__(self, inputs: Compiled | Unreadable) -> None:
        self.inputs = inputs
        self.callers = Callers(inputs.policy)
        self.answers = Answers(inputs.policy)
        self.stencils = Stencils(inputs, self.answers) if isinstance(inputs, Compiled) else None
        self._floor = (-1, _NO_FLOOR)

    def floor(self, at: datetime) -> int:
        """Replicas below which an HPA's maximum must not go: the plan's rung.

        ``capacity.floor`` where the calendar cannot be read, 0 where there is no policy either
        (nothing is decided then). Good for a second.
        """
        second = int(at.timestamp())
        if self._floor[0] != second:
            self._floor = (second, self._floor_at(at))
        return self._floor[1]

    def _floor_at(self, at: datetime) -> int:
        inputs = self.inputs
        if isinstance(inputs, Unreadable):
            return inputs.policy.load.capacity.floor if inputs.policy else _NO_FLOOR
        demand, capacity = inputs.timeline.calendar.demand, inputs.policy.load.capacity
        instant = micros(at)
        changes = plan_changes(demand, capacity, instant, instant + 1, ahead=_AHEAD, hold=_HOLD)
        return next(changes).min


class Sources(msgspec.Struct, frozen=True, kw_only=True):
    """Where the inputs come from; a policy of None is one that nobody has given yet.

    ``calendar_sha256`` names a calendar that was written from the database; else its files do.
    """

    policy: str | None
    calendars: tuple[str, ...]
    calendar_sha256: str | None = None
    locks: tuple[ManualLock, ...] = ()
    overrides: tuple[Override, ...] = ()


class Standings:
    """Holds the current `Standing`, and replaces it when files or the database change.

    ``told_of_database`` is set once what the database said is in force, be it of an earlier day.
    """

    def __init__(
        self, policy: str | None, calendars: Sequence[str], *, changed: Callable[[], None]
    ) -> None:
        self._given = Sources(policy=policy, calendars=tuple(calendars))
        self._sources = self._given
        self._stamps: _Stamps = ()
        self._wanted = self._given
        self._told = asyncio.Event()
        self.told_of_database = asyncio.Event()
        self._busy = asyncio.Lock()
        self._changed = changed
        self.current = Standing(_absent("nothing was read yet"))
        self.read_at: datetime | None = None
        self.trouble: str | None = None
        self.refused: tuple[Problem, ...] = ()

    async def load(self) -> None:
        """Read everything for the first time."""
        async with self._busy:
            await self._read(self._sources)

    def take(self, told: Inputs) -> None:
        """Take what the keeper tells; `take_turns` brings it into force."""
        self.read_at, self.trouble = told.read_at, told.trouble
        given = self._given
        written = None if given.calendars else told.calendar_path
        self._wanted = Sources(
            policy=given.policy or told.policy_path,
            calendars=(written,) if written else given.calendars,
            calendar_sha256=told.calendar_sha256 if written else None,
            locks=told.locks,
            overrides=told.overrides,
        )
        self._told.set()

    async def take_turns(self) -> None:
        """Bring into force what was told last, for ever."""
        while True:
            await self._told.wait()
            self._told.clear()
            async with self._busy:
                if self._wanted != self._sources:
                    await self._read(self._wanted)
                if self.read_at is not None:
                    self.told_of_database.set()

    async def follow(self) -> None:
        """Look at the files every two seconds, for ever."""
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            async with self._busy:
                if _stamps(self._sources) != self._stamps:
                    await self._read(self._sources)

    async def _read(self, sources: Sources) -> None:
        # Stamps first: a file that changes while it is read is read again.
        stamps = _stamps(sources)
        same_files = (sources.policy, sources.calendars) == (
            self._sources.policy,
            self._sources.calendars,
        ) and stamps == self._stamps
        before = self.current.inputs if same_files else None
        read = await asyncio.to_thread(_compiled, sources, before)
        self._sources, self._stamps = sources, stamps
        if isinstance(read, Unreadable) and isinstance(self.current.inputs, Compiled):
            # The last good inputs stay in force: a bad edit must not open or close the gate.
            self.refused = read.problems
            log("inputs-refused", problems=[str(problem) for problem in read.problems[:5]])
            return
        self.refused = read.problems if isinstance(read, Unreadable) else ()
        self.current = Standing(read)
        self._changed()


def _compiled(sources: Sources, before: Compiled | Unreadable | None) -> Compiled | Unreadable:
    if sources.policy is None:
        return _absent("no policy was given, and none is in force in the database")
    if not sources.calendars:
        return _absent("no calendar was given, and none was imported into the database")
    if isinstance(before, Compiled):
        timeline = compile_timeline(before.policy, before.timeline.calendar, sources.locks)
        facts = msgspec.structs.replace(before.facts, overrides=sources.overrides)
        read: Compiled | Unreadable = Compiled(timeline=timeline, facts=facts)
    else:
        try:
            read = read_inputs(sources.policy, sources.calendars, sources.locks, sources.overrides)
        except InputError as error:
            read = _absent(str(error.problems[0]), error.problems)
    if isinstance(read, Compiled):
        if sources.calendar_sha256:
            named = msgspec.structs.replace(read.facts.calendar, sha256=sources.calendar_sha256)
            facts = msgspec.structs.replace(read.facts, calendar=named)
            read = msgspec.structs.replace(read, facts=facts)
        _warm(read)
    return read


def _warm(inputs: Compiled) -> None:
    """Decide once an action, so that no review waits for the compiling of a stretch of time."""
    at = datetime.now(UTC)
    for action in Action:
        inputs.decide(Request(action=action, invoker="automation"), at)


def _absent(why: str, problems: tuple[Problem, ...] = ()) -> Unreadable:
    return Unreadable(
        policy=None,
        refs=(PolicyRef(name=None, sha256=None), CalendarRef(sha256=None, weddings=None)),
        reasons=(Reason(code="policy-invalid", message=why),),
        problems=problems or (Problem(message=why),),
    )


def _stamps(sources: Sources) -> _Stamps:
    """What tells that a file was changed, through the links that a mounted ConfigMap is."""
    return tuple(map(_stamp, (sources.policy, *sources.calendars)))


def _stamp(path: str | None) -> tuple[int, int, int] | None:
    try:
        stat = os.stat(path) if path else None
    except OSError:
        return None
    return None if stat is None else (stat.st_mtime_ns, stat.st_size, stat.st_ino)
