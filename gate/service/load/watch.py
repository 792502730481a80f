"""What a server has seen of the source of observed load, as far back as it matters."""

from collections.abc import Callable, Mapping
from datetime import datetime

from gate.core.instants import micros
from gate.core.observed import Observation, Seen, reach
from gate.core.policy import LoadModel, Policy
from gate.inputs import Compiled
from gate.load_sources.opening import source_of
from gate.load_sources.port import LoadSource, SourceFailedError
from gate.service.clock import utc_now
from gate.service.logs import log

LOOK_SECONDS = 15.0
"""How often the source is asked: how long a rise of the load may go unnoticed."""


class Watch:
    """Asks the source that a policy names, and remembers what it said.

    A server that begins in the middle of a window asks for what was seen in it before; so does one
    that could not ask for some time.
    """

    def __init__(
        self, environ: Mapping[str, str], *, clock: Callable[[], datetime] = utc_now
    ) -> None:
        """``environ`` holds the source's token, where there is one."""
        self._environ = environ
        self._clock = clock
        self._model: LoadModel | None = None
        self._source: LoadSource | None = None
        self._observations: dict[int, Observation] = {}
        self._since = 0
        self._covered: tuple[int, int] | None = None
        self._trouble: str | None = None

    def look(self, booked: Compiled) -> None:
        """Ask the source that this policy names. Waits for it, for a bounded time."""
        now = micros(self._clock())
        self._turn_to(booked.policy, now)
        trouble: str | None = None
        try:
            if self._source is None:
                self._source = source_of(booked.policy, self._environ)
            self._ask(self._source, now, reach(booked.policy, booked.timeline.calendar, now))
        except SourceFailedError as error:
            trouble = str(error)
        if trouble != self._trouble:
            log("load-source-answers" if trouble is None else "load-source-failed", error=trouble)
        self._trouble = trouble

    def seen(self, policy: Policy) -> Seen:
        """What is known of that policy's source, as of now."""
        now = micros(self._clock())
        self._turn_to(policy, now)
        return Seen(
            observations=tuple(self._observations.values()),
            asked_at=now,
            since=self._since,
            trouble=self._trouble,
        )

    def _turn_to(self, policy: Policy, now: int) -> None:
        """Forget what another source, or another measure, has told."""
        if self._model is None or (
            (self._model.observed, self._model.cultures.keys())
            != (policy.load.observed, policy.load.cultures.keys())
        ):
            self._source, self._covered, self._trouble = None, None, None
            self._observations, self._since = {}, now
        self._model = policy.load

    def _ask(self, source: LoadSource, now: int, since: int) -> None:
        reading = source.latest(now)
        found = [] if reading.total is None else [reading.total]
        if self._covered is None:
            found += source.between(since, now)
            first = since
        else:
            first, last = self._covered
            found += source.between(last + 1, now)
            if since < first:
                found += source.between(since, first)
                first = since
        # Whoever writes a file may add what lies behind its last instant later.
        self._covered = first, max(min(reading.at, now), first)
        known = self._observations | {each.at: each for each in found}
        self._observations = {at: each for at, each in known.items() if at >= since}
