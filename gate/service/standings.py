"""The inputs in force in a process, and how they are brought up to date.

A process reads policy and calendars as files, whether the flags name them or the keeper wrote them
from the database. What takes long (reading, compiling, the first decision of a stretch) happens in
a thread; then the new value is put in the old one's place, whole.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Generic, TypeVar

import msgspec

from gate.core.decision import Request
from gate.core.policy import Action
from gate.core.problems import Problem
from gate.core.timeline import compile_timeline
from gate.inputs import Compiled, Unreadable
from gate.service.clock import utc_now
from gate.service.feed import Inputs
from gate.service.logs import log
from gate.service.sources import Sources, absent, named, read_from
from gate.service.stamps import Stamps

LOOK_SECONDS = 2.0
"""How often files are looked at."""

Derived = TypeVar("Derived")


class Standings(Generic[Derived]):
    """Holds what stands, and replaces it when files or the database change.

    ``current`` is what ``derive`` makes of the inputs in force; ``changed`` is called when it was
    replaced. ``refused`` are the problems of what was read last and is not in force, or cannot be.
    ``told_of_database`` is set once what the database said is in force, be it of an earlier day.
    """

    def __init__(
        self,
        policy: str | None,
        calendars: Sequence[str],
        *,
        derive: Callable[[Compiled | Unreadable], Derived],
        changed: Callable[[], None] = lambda: None,
        look_seconds: float = LOOK_SECONDS,
    ) -> None:
        """``policy`` and ``calendars`` are files; None or none of them: the database's."""
        self._policy, self._calendars = policy, tuple(calendars)
        self._sources = self._wanted = Sources(policy=policy, calendars=self._calendars)
        self._stamps: Stamps = ()
        self._told = asyncio.Event()
        self.told_of_database = asyncio.Event()
        self._busy = asyncio.Lock()
        self._derive = derive
        self._changed = changed
        self._look_seconds = look_seconds
        self.inputs: Compiled | Unreadable = absent("nothing was read yet")
        self.current = derive(self.inputs)
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
        self._wanted = Sources.of(self._policy, self._calendars, told)
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
        """Look at the files every ``look_seconds``, for ever."""
        while True:
            await asyncio.sleep(self._look_seconds)
            async with self._busy:
                if self._sources.stamps() != self._stamps:
                    await self._read(self._sources)

    async def _read(self, sources: Sources) -> None:
        # Stamps first: a file that changes while it is read is read again.
        stamps = sources.stamps()
        same_files = (sources.policy, sources.calendars) == (
            self._sources.policy,
            self._sources.calendars,
        ) and stamps == self._stamps
        before = self.inputs if same_files else None
        read = await asyncio.to_thread(_compiled, sources, before)
        self._sources, self._stamps = sources, stamps
        if isinstance(read, Unreadable) and isinstance(self.inputs, Compiled):
            # The last good inputs stay in force: a bad edit must not open or close the gate.
            self.refused = read.problems
            log("inputs-refused", problems=[str(problem) for problem in read.problems[:5]])
            return
        self.refused = read.problems if isinstance(read, Unreadable) else ()
        self.inputs, self.current = read, self._derive(read)
        self._changed()


def _compiled(sources: Sources, before: Compiled | Unreadable | None) -> Compiled | Unreadable:
    """What the sources say; of files that did not change, only locks and overrides are new."""
    if isinstance(before, Compiled) and sources.missing is None:
        timeline = compile_timeline(before.policy, before.timeline.calendar, sources.locks)
        facts = msgspec.structs.replace(before.facts, overrides=sources.overrides)
        read: Compiled | Unreadable = named(Compiled(timeline=timeline, facts=facts), sources)
    else:
        read = read_from(sources)
    if isinstance(read, Compiled):
        _warm(read)
    return read


def _warm(inputs: Compiled) -> None:
    """Decide once an action, so that no request waits for the compiling of a stretch of time."""
    at = utc_now()
    for action in Action:
        inputs.decide(Request(action=action, invoker="automation"), at)
