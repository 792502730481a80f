"""Load as it is booked: the calendar, asked like any other source."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from fractions import Fraction
from typing import Literal

from gate.core.breakdown import Breakdown
from gate.core.demand import Demand
from gate.core.observed import Observation
from gate.load_sources.port import Part, Reading


class Booked:
    """A `LoadSource` that never fails."""

    name: Literal["booked"] = "booked"

    def __init__(self, breakdown: Breakdown, demand: Demand) -> None:
        self._breakdown = breakdown
        self._demand = demand

    def latest(self, now: int) -> Reading:
        """What is booked for ``now``; without a wedding one part, of nothing."""
        parts = tuple(
            Part(zone=each.zone, culture=each.culture, units=each.units, weddings=each.weddings)
            for each in self._breakdown.parts(now)
        )
        return Reading(at=now, parts=parts or (Part(units=Fraction(0)),))

    def between(self, first: int, last: int) -> tuple[Observation, ...]:
        """What is booked at ``first``, and each change until ``last``."""
        return tuple(self._changes(first, last)) if first <= last else ()

    def _changes(self, first: int, last: int) -> Iterator[Observation]:
        starts, units = self._demand.starts, self._demand.units
        yield Observation(first, Fraction(units[self._demand.index(first)]))
        for at in range(bisect_right(starts, first), bisect_left(starts, last + 1)):
            yield Observation(starts[at], Fraction(units[at]))
