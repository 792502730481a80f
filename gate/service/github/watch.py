"""The worker that keeps checks as decided: at every transition, and against drift in between.

It knows what it has written, so a transition costs one write a head; every half minute it asks
GitHub, conditionally, whether heads have come or changed, and reads a part of those it knows, in
turn, to find what others have altered.
"""

import queue
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol

import msgspec

from gate.core.decision import Decision, Request
from gate.core.policy import Policy
from gate.github.calls import Caller, Limits
from gate.github.checks.heads import Head, protected_bases
from gate.github.checks.settling import Memory
from gate.github.checks.sweep import THREADS, THREADS_PUBLIC, Swept, sweep
from gate.github.checks.wanted import wanted
from gate.github.client import Connection
from gate.github.timing import Timing

SWEEP_EVERY_SECONDS = 30.0
POLL_EVERY_SECONDS = 2.0
"""How often files and locks are looked at; a lock reaches the checks that much later at most."""
LONGEST_SWEEP_SECONDS = 45.0
"""A sweep that does not get through makes room for the next, which starts with new heads' list."""
READS_A_SWEEP = 100


class Judge(Protocol):
    """Who decides, from what may change at any time."""

    @property
    def policy(self) -> Policy | None:
        """The policy in force, None where it cannot be read."""
        ...

    def refresh(self) -> None:
        """Take notice of what has changed; never raises for what is wrong with it."""
        ...

    def preview(self, request: Request, at: datetime) -> Decision:
        """The decision, which nothing rests on yet and which is not recorded."""
        ...

    def __call__(self, request: Request, at: datetime) -> Decision:
        """The decision, recorded where there is a ledger; undecided where that fails."""
        ...


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """A sweep as it has ended, and the decision that it followed."""

    swept: Swept
    decision: Decision


class Watch:
    """Follows the clock for one repository until told to stop.

    ``told`` hears of every sweep.
    """

    def __init__(
        self,
        connection: Connection,
        request: Request,
        judge: Judge,
        *,
        timing: Timing,
        told: Callable[[Report], None],
    ) -> None:
        assert request.repository is not None
        self._connection = connection
        self._request = request
        self._repository = request.repository
        self._judge = judge
        self._timing = timing
        self._told = told
        self._limits = Limits(connection.url)
        self._memory = Memory()
        self._read_in_sweep: dict[str, int] = {}
        self._sweeps = 0
        self._stands: Decision | None = None
        self._next_sweep = timing.monotonic()
        self._asked: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self.complete = False

    def run(self, stop: threading.Event) -> None:
        """Sweep and wait by turns until ``stop`` is set, which also ends the timing's waits."""
        while not stop.is_set():
            seconds = self.turn()
            if self._timing.wait(seconds):
                return

    def resync(self, sha: str | None) -> None:
        """Sweep at the next turn, from any thread; what is known of a commit that is given is not
        trusted.
        """
        self._asked.put(sha)

    def turn(self) -> float:
        """Sweep if one is due; the seconds until there may be something to do again."""
        self._judge.refresh()
        now = self._timing.now()
        decision = self._judge.preview(self._request, now)
        moved = self._stands is None or not _same(decision, self._stands)
        if moved or self._timing.monotonic() >= self._next_sweep or not self._asked.empty():
            self._sweep(decision, moved=moved)
        wait = min(POLL_EVERY_SECONDS, self._next_sweep - self._timing.monotonic())
        change = _changes_at(decision)
        if change is not None:
            wait = min(wait, (change - self._timing.now()).total_seconds())
        return max(wait, 0.0)

    def _sweep(self, previewed: Decision, *, moved: bool) -> None:
        if moved:
            decision = self._judge(self._request, previewed.at)
            # What could not be recorded is undecided, and is judged again at the next turn.
            self._stands = decision if _same(decision, previewed) else None
        else:
            assert self._stands is not None
            decision = msgspec.structs.replace(previewed, id=self._stands.id)
        policy = self._judge.policy
        self._sweeps += 1
        due = self._asked_for() | (frozenset() if moved else self._due())
        swept = sweep(
            self._caller(decision),
            wanted(decision, policy.timezone if policy else None),
            protected_bases(policy),
            self._memory,
            threads=THREADS_PUBLIC if self._limits.is_public else THREADS,
            again=lambda head: head.sha in due,
            conditional=True,
        )
        self._remember(swept, due)
        if swept.changed and not moved:
            # The decision that stands is recorded; this says that further heads follow it.
            self._judge(self._request, decision.at)
        self.complete = swept.complete
        every = SWEEP_EVERY_SECONDS
        if swept.retry_seconds is not None and not swept.complete:
            every = min(every, max(1.0, swept.retry_seconds))
        self._next_sweep = self._timing.monotonic() + every
        self._told(Report(swept=swept, decision=decision))

    def _caller(self, decision: Decision) -> Caller:
        """Requests until the sweep's time is over, or the decision is."""
        seconds = LONGEST_SWEEP_SECONDS
        change = _changes_at(decision)
        if change is not None:
            left = (change - self._timing.now()).total_seconds()
            seconds = min(seconds, max(left, 1.0))
        return Caller(
            self._connection,
            self._repository,
            timing=self._timing,
            limits=self._limits,
            seconds=seconds,
        )

    def _asked_for(self) -> frozenset[str]:
        """The commits that somebody asked about since the sweep before."""
        asked = [self._asked.get_nowait() for _ in range(self._asked.qsize())]
        return frozenset(sha for sha in asked if sha is not None)

    def _due(self) -> frozenset[str]:
        """Heads to read again: those that were not for longest."""
        known = sorted(self._memory.standing, key=lambda sha: self._read_in_sweep.get(sha, 0))
        return frozenset(known[:READS_A_SWEEP])

    def _remember(self, swept: Swept, due: frozenset[str]) -> None:
        heads: list[Head] = [outcome.head for outcome in swept.outcomes]
        known = {head.sha for head in heads} | {head.sha for head in swept.unreached}
        read = {sha: at for sha, at in self._read_in_sweep.items() if sha in known}
        read.update((head.sha, self._sweeps) for head in heads if head.sha in due)
        self._read_in_sweep = read


def _same(one: Decision, other: Decision) -> bool:
    """Whether heads stand the same under both."""
    fields = ("verdict", "effect", "locked_until", "next_change", "policy", "calendar")
    return all(getattr(one, name) == getattr(other, name) for name in fields) and (
        _override(one) == _override(other)
    )


def _override(decision: Decision) -> str | None:
    return decision.override.id if decision.override else None


def _changes_at(decision: Decision) -> datetime | None:
    """When the decision may be another one: the verdict changes, or the override ends."""
    ends = [decision.next_change, decision.override.until if decision.override else None]
    later = [end for end in ends if end is not None and end - decision.at > timedelta(0)]
    return min(later, default=None)
