"""The port of load sources: what each of them can be asked, and how it says that it cannot answer.

Instants are microseconds, load is in units of demand, whatever the source counts in.
"""

from collections.abc import Iterable
from fractions import Fraction
from typing import Literal, Protocol

import msgspec

from gate.core.observed import LARGEST_UNITS, Observation
from gate.core.zones import zone_keys

EVERY = "*"
"""Stands for all zones, or all cultures, where a source does not tell them apart."""


class SourceFailedError(Exception):
    """A source cannot be asked, or its answer is no load; the text says why and names no secret."""


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """The load of one zone and culture at an instant; ``weddings`` where the source knows them."""

    zone: str = EVERY
    culture: str = EVERY
    units: Fraction
    weddings: int = 0


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """What a source says of an instant; no parts: nothing."""

    at: int
    parts: tuple[Part, ...]

    @property
    def total(self) -> Observation | None:
        """All parts together; None where there is none."""
        if not self.parts:
            return None
        return Observation(self.at, sum((part.units for part in self.parts), Fraction(0)))


class LoadSource(Protocol):
    """Tells load: now by zone and culture, and of earlier instants as a whole."""

    @property
    def name(self) -> Literal["booked", "prometheus", "csv"]:
        """What kind it is."""

    def latest(self, now: int) -> Reading:
        """What it knows last as of ``now``. Raises `SourceFailedError`."""

    def between(self, first: int, last: int) -> tuple[Observation, ...]:
        """The whole load at instants in [first, last], in order. Raises `SourceFailedError`."""


def units_of(text: str, units_per_value: Fraction) -> Fraction | None:
    """The decimal that a source wrote, in units; None for NaN, which is how it says *nothing*.

    Raises `SourceFailedError` for what is no load: text, infinities, negative or absurd numbers.
    """
    if text.strip().lower() == "nan":
        return None
    try:
        # A bound on the exponent: 1e999999999 would be a number of a gigabyte.
        if not -1e300 < float(text) < 1e300 or len(text) > 64 or "_" in text:
            raise ValueError(text)
        units = Fraction(text) * units_per_value
    except ValueError:
        raise SourceFailedError(f"{text[:40]!r} is no number") from None
    if not 0 <= units <= LARGEST_UNITS:
        raise SourceFailedError(f"{text[:40]!r} is no load: it must be 0 or more, and not absurd")
    return units


def parted(
    values: Iterable[tuple[str | None, str | None, Fraction]], cultures: Iterable[str]
) -> tuple[Part, ...]:
    """Values by zone and culture; zones and cultures that nobody knows count as all of them."""
    known, sums = frozenset(cultures), dict[tuple[str, str], Fraction]()
    for zone, culture, units in values:
        key = (
            zone if zone in zone_keys() and zone else EVERY,
            culture if culture in known and culture else EVERY,
        )
        sums[key] = sums.get(key, Fraction(0)) + units
    return tuple(
        Part(zone=zone, culture=culture, units=units)
        for (zone, culture), units in sorted(sums.items())
    )
