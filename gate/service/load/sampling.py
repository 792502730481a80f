"""Samples of the load for the database: booked and observed, by zone and culture."""

import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from gate.calendars.breakdown import read_breakdown
from gate.core.instants import duration_micros, from_micros, micros
from gate.core.policy import LoadModel
from gate.inputs import Compiled, Unreadable
from gate.load_sources.booked import Booked
from gate.load_sources.opening import source_of
from gate.load_sources.port import Reading, SourceFailedError
from gate.service.clock import utc_now
from gate.service.logs import log
from gate.service.sources import Sources
from gate.store.connect import Target, session
from gate.store.cultures import write_profiles
from gate.store.load import SamplePart, SampleSource, prune_samples, write_sample

EVERY = timedelta(minutes=5)
"""Time between two samples; they lie on multiples of it, so that servers sample the same ones."""
KEPT = timedelta(days=120)

BookedInputs = Callable[[], tuple[Compiled | Unreadable, Sources]]
"""What is booked, before anything observed, and the files it was read from."""


class Sampler:
    """A worker. Of several servers each instant's samples are written by one."""

    name = "load-samples"

    def __init__(
        self,
        where: Target,
        booked: BookedInputs,
        environ: Mapping[str, str],
        *,
        every: timedelta = EVERY,
        kept: timedelta = KEPT,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._where = where
        self._booked = booked
        self._environ = environ
        self._every = duration_micros(every)
        self._kept = kept
        self._clock = clock
        self._source: tuple[str | None, LoadModel, Booked] | None = None
        self._trouble: str | None = None

    def run(self, stop: threading.Event) -> None:
        """Sample every full interval, that which has begun first. Raises `StoreUnavailable`."""
        while not stop.is_set():
            due = micros(self._clock()) // self._every * self._every
            self.sample(from_micros(due))
            left = due + self._every - micros(self._clock())
            stop.wait(max(left, 0) / 1_000_000)

    def sample(self, at: datetime) -> None:
        """Write the samples of an instant that nobody has written, and prune old ones."""
        inputs, sources = self._booked()
        if not isinstance(inputs, Compiled):
            return
        readings: list[tuple[SampleSource, Reading]] = [
            ("booked", self._booked_source(inputs, sources).latest(micros(at)))
        ]
        if (observed := self._observed(inputs, at)) is not None:
            readings.append(("observed", observed))
        with session(self._where) as connection:
            write_profiles(connection, inputs.policy, at)
            for source, reading in readings:
                parts = [
                    SamplePart(
                        zone=part.zone,
                        culture=part.culture,
                        units=float(part.units),
                        weddings=part.weddings,
                    )
                    for part in reading.parts
                ]
                write_sample(connection, at, source, parts)
            prune_samples(connection, at - self._kept)

    def _booked_source(self, inputs: Compiled, sources: Sources) -> Booked:
        sha256, load = inputs.facts.calendar.sha256, inputs.policy.load
        if self._source is None or self._source[:2] != (sha256, load):
            breakdown = read_breakdown(sources.calendars, load)
            self._source = sha256, load, Booked(breakdown, inputs.timeline.calendar.demand)
        return self._source[2]

    def _observed(self, inputs: Compiled, at: datetime) -> Reading | None:
        """What the policy's source says of an instant; None where that is nothing, or too old."""
        rules = inputs.policy.load.observed
        if rules is None:
            return None
        try:
            reading = source_of(inputs.policy, self._environ).latest(micros(at))
            trouble = None
        except SourceFailedError as error:
            reading, trouble = None, str(error)
        if trouble != self._trouble and trouble is not None:
            log("load-not-sampled", error=trouble)
        self._trouble = trouble
        if reading is None or not reading.parts:
            return None
        return None if micros(at) - reading.at > duration_micros(rules.max_age) else reading
