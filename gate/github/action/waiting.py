"""Waiting until a change may go out: judged again when the answer is due to turn.

Where decisions are recorded by a server or in a database, people may release a lock early or grant
an override, so the answer is looked at now and then, too. With files alone nothing but the clock
can change it: where that comes too late, waiting would only cost minutes of a runner.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol

import msgspec

from gate.core.decision import Decision, Effect, Verdict
from gate.core.wording import lasting

_SLICE = timedelta(seconds=60)
"""The longest single sleep: a machine that was suspended looks at its clock when it is back."""
_PAUSE = timedelta(milliseconds=500)
"""The shortest: a server whose clock lags must not be asked in a loop."""
_HEARTBEAT = timedelta(minutes=5)


class Clock(Protocol):
    """Time as the wait sees it."""

    def now(self) -> datetime:
        """The present instant (aware)."""

    def sleep(self, seconds: float) -> None:
        """Let time pass; an interruption ends the program, not the sleep alone."""


class Door(Protocol):
    """Whoever judges."""

    def answer(self) -> Decision:
        """The decision now, recorded wherever decisions are."""

    def peek(self) -> Decision:
        """The decision now, to see whether it has changed; not an answer."""


class Patience(msgspec.Struct, frozen=True, kw_only=True):
    """``timeout``: the longest wait. ``look_every`` None: nothing but the clock changes answers."""

    timeout: timedelta
    look_every: timedelta | None


def is_refused(decision: Decision) -> bool:
    """Whether waiting may help: denied and blocked. Undecided ends a wait."""
    return decision.effect is Effect.BLOCK and decision.verdict is Verdict.DENY


def wait(
    first: Decision,
    door: Door,
    patience: Patience,
    clock: Clock,
    say: Callable[[str], None],
    shown: Callable[[datetime], str],
) -> Decision:
    """The last decision: one that no longer refuses, or that at the end of the patience.

    ``say`` takes lines for the log, ``shown`` writes an instant for its readers.
    """
    waiting = _Waiting(door, patience, clock, say, shown)
    last = first
    while is_refused(last):
        turned = waiting.step(last)
        if turned is None:
            return last
        last = turned
    return last


class _Waiting:
    def __init__(
        self,
        door: Door,
        patience: Patience,
        clock: Clock,
        say: Callable[[str], None],
        shown: Callable[[datetime], str],
    ) -> None:
        self._door = door
        self._patience = patience
        self._clock = clock
        self._say = say
        self._shown = shown
        self._deadline = clock.now() + patience.timeout

    def step(self, last: Decision) -> Decision | None:
        """The next answer; None where the patience is at its end."""
        received = self._clock.now()
        if received >= self._deadline:
            self._say(f"still refused after {lasting(self._patience.timeout)}: not waiting longer")
            return None
        opens = self._opens(last, received)
        if self._patience.look_every is None and (opens is None or opens > self._deadline):
            self._say(
                f"{self._expected(last)}: that is not within {lasting(self._patience.timeout)},"
                " and nothing else can open it, so this does not wait"
            )
            return None
        self._say(f"waiting, at most until {self._shown(self._deadline)}: {self._expected(last)}")
        due = self._deadline if opens is None else min(opens, self._deadline)
        return self._until(due, last)

    def _opens(self, last: Decision, received: datetime) -> datetime | None:
        """By our clock: a server's may differ."""
        if last.next_change is None:
            return None
        return received + max(last.next_change - last.at, _PAUSE)

    def _until(self, due: datetime, last: Decision) -> Decision:
        beat = self._clock.now() + _HEARTBEAT
        every = self._patience.look_every
        look = None if every is None else self._clock.now() + every
        while (now := self._clock.now()) < due:
            if look is not None and now >= look and every is not None:
                if _differs(self._door.peek(), last):
                    break
                look = self._clock.now() + every
            elif now >= beat:
                self._say(f"still waiting, {lasting(due - now)} to go: {self._expected(last)}")
                beat = now + _HEARTBEAT
            else:
                ends = (due, beat, now + _SLICE, look or due)
                self._clock.sleep((min(ends) - now).total_seconds())
        return self._door.answer()

    def _expected(self, last: Decision) -> str:
        if last.next_change is None:
            return "nobody knows when it opens"
        return f"it opens at {self._shown(last.next_change)}"


def _differs(seen: Decision, last: Decision) -> bool:
    return not is_refused(seen) or seen.next_change != last.next_change
