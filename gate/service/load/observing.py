"""Policy and calendar as someone follows them, with observed load where the policy wants it."""

import threading
from typing import Protocol

from gate.inputs import Compiled, Unreadable, observes, with_seen
from gate.service.load.watch import LOOK_SECONDS, Watch


class Followed(Protocol):
    """Policy and calendar as they change; `gate.service.following.Following` is one."""

    @property
    def trouble(self) -> str | None:
        """Why they cannot be read now."""

    @property
    def lost(self) -> str | None:
        """Why the database does not answer, while what it told last stays in force."""

    @property
    def unreadable(self) -> Unreadable | None:
        """What could be read all the same, where something cannot."""

    def look(self) -> Compiled | None:
        """What there is to go by, where it is not what there was at the last call."""

    def wait(self, stop: threading.Event) -> None:
        """Until it is known what there is, within seconds."""


class Observing:
    """Adds what a source has seen to what ``inputs`` follows; itself something `Followed`.

    The source is asked in a thread, `run`: one that does not answer must not keep a changed policy
    from its effect. Only the first time it is waited for: a worker that begins in the middle of a
    window must not lower what was raised in it before.
    """

    def __init__(
        self, inputs: Followed, watch: Watch, *, every_seconds: float = LOOK_SECONDS
    ) -> None:
        self._inputs = inputs
        self._watch = watch
        self._every_seconds = every_seconds
        self._booked: Compiled | None = None
        self._known: Compiled | None = None
        self._asked = self._seen = 0
        self._is_new = False
        self._wake = threading.Event()

    @property
    def trouble(self) -> str | None:
        """Why policy or calendar cannot be read now."""
        return self._inputs.trouble

    @property
    def lost(self) -> str | None:
        """Why the database does not answer."""
        return self._inputs.lost

    @property
    def unreadable(self) -> Unreadable | None:
        """What could be read all the same."""
        return self._inputs.unreadable

    def run(self, stop: threading.Event) -> None:
        """Ask the source of the policy in force, every so often, until told to stop."""
        while not stop.is_set():
            self._wake.clear()
            self._ask()
            self._wake.wait(self._every_seconds)

    def end(self) -> None:
        """Have `run` see that it is to stop."""
        self._wake.set()

    def look(self) -> Compiled | None:
        """What there is to go by, where bookings or observations are not those of the last call."""
        if self._read():
            self._wake.set()
        booked, asked = self._booked, self._asked
        if booked is None or (not self._is_new and asked == self._seen):
            return None
        self._is_new, self._seen = False, asked
        before, self._known = self._known, booked
        if observes(booked):
            self._known = with_seen(booked, self._watch.seen(booked.policy), before)
        return self._known

    def wait(self, stop: threading.Event) -> None:
        """Until it is known what there is to read, and what was seen so far."""
        self._inputs.wait(stop)
        self._read()
        self._ask()

    def _ask(self) -> None:
        booked = self._booked
        if booked is not None and observes(booked):
            self._watch.look(booked)
            self._asked += 1

    def _read(self) -> bool:
        """Read policy and calendar where they changed; whether they did."""
        fresh = self._inputs.look()
        if fresh is None:
            return False
        self._booked, self._known, self._is_new = fresh, None, True
        return True
