"""One way through for a server that is one process: what stands, decide, record, answer.

Policy and calendars come from files, or from the database; locks and overrides are the database's.
Each decision is in the journal, and durable, before it is returned; the keeper ships it.
"""

import asyncio
import os
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from gate.core.decide import undecided
from gate.core.decision import Decision, Reason, Request
from gate.core.policy import Policy
from gate.core.problems import InputError, Problem
from gate.inputs import Compiled, Unreadable
from gate.journal.errors import JournalUnavailable
from gate.journal.writer import CAP_BYTES, Journal
from gate.ledger.canonical import canonical
from gate.ledger.fresh_ids import Identifiers
from gate.service.clock import utc_now
from gate.service.feed import FeedClient, Inputs, Message
from gate.service.keeper.config import KeeperConfig, encode
from gate.service.keeper.spawned import Spawned
from gate.service.load.watch import Watch
from gate.service.logs import log
from gate.service.recent import Recent
from gate.service.sources import Sources
from gate.service.standings import Standings

_LOOK_SECONDS = 1.0


class DecidingSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What a `Decider` rests on.

    ``policy`` None or ``calendars`` empty: the database's. ``doors`` are those it records for, as
    the ledger names them. ``record_seconds`` is how long the journal may take to make a decision
    durable, ``informed_seconds`` how long the first answer waits for locks, overrides
    and observed load.
    """

    policy: str | None
    calendars: tuple[str, ...]
    dsn: str
    journal: Path
    state: Path
    socket: Path
    doors: tuple[str, ...]
    journal_cap_bytes: int = CAP_BYTES
    record_seconds: float = 5.0
    informed_seconds: float = 10.0
    drain_seconds: float = 20.0

    def __repr__(self) -> str:
        # Without the database's address, which may hold a password.
        return f"DecidingSettings(state={str(self.state)!r})"


class Decider:
    """Decides and records, for one event loop; `__call__` and `preview` are for other threads.

    ``failed`` is called, once, where a task that should never end has ended: a bug.
    """

    def __init__(
        self,
        settings: DecidingSettings,
        *,
        failed: Callable[[], None],
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self.recent = Recent()
        self._settings = settings
        self._failed = failed
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._journals: dict[str, Journal] = {}
        self._keeper: Spawned | None = None
        self._ids = Identifiers()
        self._standings: Standings[None] = Standings(
            settings.policy,
            settings.calendars,
            derive=lambda _: None,
            changed=self._say,
            watch=Watch(os.environ),
        )
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def inputs(self) -> Compiled | Unreadable:
        """What decisions rest on now."""
        return self._standings.inputs

    @property
    def refused(self) -> tuple[Problem, ...]:
        """What is wrong with what was read last, while the last good inputs stay in force."""
        return self._standings.refused

    @property
    def booked(self) -> tuple[Compiled | Unreadable, Sources]:
        """What decisions would rest on without observed load, and where it was read from."""
        return self._standings.booked

    @property
    def policy(self) -> Policy | None:
        """The policy in force; None where there is none that can be read."""
        return self.inputs.policy

    def usable(self) -> str | None:
        """Why nothing can be recorded now; None where it can."""
        return next((why for each in self._journals.values() if (why := each.usable())), None)

    async def open(self) -> None:
        """Begin: on return it decides by what files and database say, or by what is known of them.

        Raises OSError where the journal's folder cannot be made, `InputError` for a bad cap.
        """
        settings = self._settings
        for door in settings.doors:
            self._journals[door] = await Journal.open(
                settings.journal, door, cap_bytes=settings.journal_cap_bytes
            )
        self._keeper = Spawned(encode(_keeper_config(settings)))
        await self._standings.load()
        self._run(self._look_after_keeper())
        self._run(self._standings.follow())
        self._run(self._standings.take_turns())
        self._run(self._standings.observe())
        self._run(FeedClient().run(settings.socket, self._told))
        try:
            async with asyncio.timeout(settings.informed_seconds):
                await self._standings.told_of_database.wait()
                await self._standings.told_of_load.wait()
        except TimeoutError:
            # What is known has to do: a server that waits for ever decides nothing at all.
            log("not-informed", seconds=settings.informed_seconds)

    async def close(self) -> bool:
        """End: everything that was answered is durable, and shipped where the database takes it.

        False where answered decisions were lost with their folder.
        """
        for task in self._tasks:
            task.cancel()
        whole = True
        for journal in self._journals.values():
            try:
                await journal.close()
            except JournalUnavailable as error:
                log("journal-lost", error=str(error))
                whole = False
        if self._keeper is not None:
            await asyncio.to_thread(self._keeper.end)
        return whole

    async def decide(self, request: Request, at: datetime, *, door: str) -> Decision:
        """The decision, recorded; or *undecided* (``store-unavailable``), which is not."""
        decision = self.inputs.decide(request, at)

        def payload(identifier: str) -> bytes:
            nonlocal decision
            decision = msgspec.structs.replace(decision, id=identifier, recorded=True)
            return canonical(decision)

        try:
            # The id tells when it was recorded, which need not be the instant that was asked about.
            recording = self._journals[door].append(self._clock(), payload)
        except (JournalUnavailable, InputError) as error:
            return self._unrecorded(decision, str(error))
        await asyncio.wait({recording}, timeout=self._settings.record_seconds)
        if not recording.done():
            recording.cancel()
            return self._unrecorded(decision, "the journal did not answer in time")
        if failure := recording.exception():
            return self._unrecorded(decision, str(failure))
        self.recent.add(decision)
        return decision

    def __call__(self, request: Request, at: datetime, *, door: str | None = None) -> Decision:
        """The same for a thread that is not the loop's; by default through the first door."""
        if threading.get_ident() == self._thread:
            raise RuntimeError("the event loop must not wait for itself: await decide()")
        door = door or self._settings.doors[0]
        work = self.decide(request, at, door=door)
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def preview(self, request: Request, at: datetime) -> Decision:
        """The decision, not recorded, for a thread that is not the loop's."""

        async def look() -> Decision:
            return self.inputs.decide(request, at, id=self._ids.next())

        return asyncio.run_coroutine_threadsafe(look(), self._loop).result()

    def judge(self, door: str) -> "DoorJudge":
        """For a worker's thread: what decides and records through that door."""
        return DoorJudge(self, door)

    def _unrecorded(self, decision: Decision, why: str) -> Decision:
        # A fresh id: the journal may hold the one that could not be confirmed.
        return undecided(
            self.policy,
            (decision.policy, decision.calendar),
            decision.request,
            decision.at,
            [Reason(code="store-unavailable", message=f"the decision cannot be recorded: {why}")],
            id=self._ids.next(),
        )

    async def _look_after_keeper(self) -> None:
        # On Linux it ends with the thread that started it, so that has to be the loop's.
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            if self._keeper is not None and (code := self._keeper.ended()) is not None:
                log("keeper-died", code=code)
                self._keeper.end()
                self._keeper = Spawned(encode(_keeper_config(self._settings)))

    def _told(self, message: Message) -> None:
        if isinstance(message, Inputs):
            self._standings.take(message)

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        task.add_done_callback(self._ended)
        self._tasks.append(task)

    def _ended(self, task: asyncio.Task[None]) -> None:
        with suppress(asyncio.CancelledError):
            error = task.exception()
            log("server-failed", error=f"{type(error).__name__}: {error}")
            self._failed()

    def _say(self) -> None:
        inputs = self.inputs
        if isinstance(inputs, Compiled):
            log("inputs-in-force", policy=inputs.policy.sha256,
                calendar=inputs.facts.calendar.sha256, weddings=inputs.facts.calendar.weddings,
                locks=len(inputs.timeline.locks),
                overrides=len(inputs.facts.overrides))  # fmt: skip
        else:
            log("nothing-can-be-decided", why=str(inputs.problems[0]))


class DoorJudge:
    """A `Decider` as workers see it; everything is up to date without being asked for."""

    def __init__(self, decider: Decider, door: str) -> None:
        self._decider = decider
        self._door = door

    @property
    def policy(self) -> Policy | None:
        """The policy in force, None where it cannot be read."""
        return self._decider.policy

    def refresh(self) -> None:
        """Nothing: the decider follows files and database by itself."""

    def preview(self, request: Request, at: datetime) -> Decision:
        """The decision, which nothing rests on yet and which is not recorded."""
        return self._decider.preview(request, at)

    def __call__(self, request: Request, at: datetime) -> Decision:
        """The decision, recorded; or undecided."""
        return self._decider(request, at, door=self._door)


def _keeper_config(settings: DecidingSettings) -> KeeperConfig:
    return KeeperConfig(
        journal=str(settings.journal),
        state=str(settings.state),
        socket=str(settings.socket),
        dsn=settings.dsn,
        policy=settings.policy is None,
        calendar=not settings.calendars,
        drain_seconds=settings.drain_seconds,
    )
