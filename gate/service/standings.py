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
from gate.core.instants import from_micros
from gate.core.policy import Action
from gate.core.problems import Problem
from gate.core.timeline import compile_timeline
from gate.inputs import Compiled, Unreadable, observes, with_seen
from gate.service.clock import utc_now
from gate.service.feed import Inputs
from gate.service.load.watch import LOOK_SECONDS as WATCH_SECONDS
from gate.service.load.watch import Watch
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
    ``told_of_database`` is set once what the database said is in force, be it of an earlier day;
    ``told_of_load`` once the source of observed load was asked, where the policy names one.
    """

    def __init__(
        self,
        policy: str | None,
        calendars: Sequence[str],
        *,
        derive: Callable[[Compiled | Unreadable], Derived],
        changed: Callable[[], None] = lambda: None,
        look_seconds: float = LOOK_SECONDS,
        watch: Watch | None = None,
        watch_seconds: float = WATCH_SECONDS,
    ) -> None:
        """``policy`` and ``calendars`` are files; None or none of them: the database's.

        Without a ``watch`` observed load is left out of account.
        """
        self._policy, self._calendars = policy, tuple(calendars)
        self._sources = self._wanted = Sources(policy=policy, calendars=self._calendars)
        self._stamps: Stamps = ()
        self._told = asyncio.Event()
        self.told_of_database = asyncio.Event()
        self._busy = asyncio.Lock()
        self._derive = derive
        self._changed = changed
        self._look_seconds = look_seconds
        self._watch, self._watch_seconds = watch, watch_seconds
        self.told_of_load = asyncio.Event()
        self._booked: Compiled | Unreadable = absent("nothing was read yet")
        self.inputs: Compiled | Unreadable = self._booked
        self.current = derive(self.inputs)
        self.read_at: datetime | None = None
        self.trouble: str | None = None
        self.refused: tuple[Problem, ...] = ()

    @property
    def booked(self) -> tuple[Compiled | Unreadable, Sources]:
        """What is in force without what was observed, and where it was read from."""
        return self._booked, self._sources

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

    async def observe(self) -> None:
        """Ask the policy's source of observed load every ``watch_seconds``, for ever."""
        while True:
            booked = self._booked
            if self._watch is not None and isinstance(booked, Compiled) and observes(booked):
                # Not while busy: a source that does not answer must not hold up a lock.
                await asyncio.to_thread(self._watch.look, booked)
                async with self._busy:
                    await self._look_at_load()
            self.told_of_load.set()
            await asyncio.sleep(self._watch_seconds)

    async def _look_at_load(self) -> None:
        before = self.inputs
        inputs = await asyncio.to_thread(_watched, self._watch, self._booked, before)
        if not isinstance(inputs, Compiled) or not isinstance(before, Compiled):
            return
        self.inputs, self.current = inputs, self._derive(inputs)
        _note(before, inputs)
        if inputs.timeline is not before.timeline:
            self._changed()

    async def _read(self, sources: Sources) -> None:
        # Stamps first: a file that changes while it is read is read again.
        stamps = sources.stamps()
        same_files = (sources.policy, sources.calendars, sources.learnt) == (
            self._sources.policy,
            self._sources.calendars,
            self._sources.learnt,
        ) and stamps == self._stamps
        before = self._booked if same_files else None
        read = await asyncio.to_thread(_compiled, sources, before)
        self._sources, self._stamps = sources, stamps
        if isinstance(read, Unreadable) and isinstance(self.inputs, Compiled):
            # The last good inputs stay in force: a bad edit must not open or close the gate.
            self.refused = read.problems
            log("inputs-refused", problems=[str(problem) for problem in read.problems[:5]])
            return
        self.refused = read.problems if isinstance(read, Unreadable) else ()
        self._booked = read
        self.inputs = await asyncio.to_thread(_watched, self._watch, read, None)
        self.current = self._derive(self.inputs)
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


def _watched(
    watch: Watch | None, booked: Compiled | Unreadable, before: Compiled | Unreadable | None
) -> Compiled | Unreadable:
    """The inputs with what was seen; ``before`` is what this gave for the same ones, if it did."""
    if watch is None or not isinstance(booked, Compiled) or not observes(booked):
        return booked
    known = before if isinstance(before, Compiled) else None
    inputs = with_seen(booked, watch.seen(booked.policy), known)
    if known is None or inputs.timeline is not known.timeline:
        _warm(inputs)
    return inputs


def _note(before: Compiled, after: Compiled) -> None:
    """Say where the state of the source is another, or what was observed raises something else."""
    was, now = before.facts.observed, after.facts.observed
    if now is None or (was is not None and (was.state, was.entered) == (now.state, now.entered)):
        return
    entered = next((each for each in reversed(now.entered) if each is not None), None)
    log("observed-load", state=now.state,
        units=None if entered is None else float(entered.observation.units),
        until=None if entered is None else from_micros(entered.until))  # fmt: skip


def _warm(inputs: Compiled) -> None:
    """Decide once an action, so that no request waits for the compiling of a stretch of time."""
    at = utc_now()
    for action in Action:
        inputs.decide(Request(action=action, invoker="automation"), at)
