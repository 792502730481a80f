"""Wedding load: from weddings to the demand at every instant, exactly.

The contract's formula

    demand(t) = sum over the weddings standing at t of
        culture.factor * guests / culture.guests * venue * setting * season(D) * day(D) * hour(h)

is a sum of rationals. All of them are kept as integers over one common denominator, so that
weddings can be summed by zone and local date beforehand, and neither their order nor a last bit
ever changes a level.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from fractions import Fraction
from itertools import pairwise
from math import lcm
from typing import NamedTuple

import msgspec

from gate.core.decision import Level
from gate.core.instants import SECOND
from gate.core.policy import Capacity, LoadModel
from gate.core.steps import NUMBER_BITS, NUMBER_MASK, steps
from gate.core.zones import is_southern

_HOUR = 3600
_SATURDAY = 5
_DAYS_BITS = 6
_DAYS_MASK = (1 << _DAYS_BITS) - 1
BEFORE_ALL = -(1 << 62)
"""The instant (microseconds) of the first step: before every wedding, with no demand."""


class Demand(msgspec.Struct, frozen=True):
    """Demand as a step function: step ``i`` holds from ``starts[i]`` (microseconds) to the next.

    ``units[i]`` is the demand as the nearest double, ``needed[i]`` the replicas it needs, exactly,
    ``standing[i]`` the weddings whose local dates hold the instant. Step 0 starts before all time.
    """

    starts: list[int]
    units: list[float]
    needed: list[int]
    standing: list[int]

    def index(self, instant: int) -> int:
        """The step that holds an instant (microseconds since the epoch)."""
        return bisect_right(self.starts, instant) - 1


class Calendar(msgspec.Struct, frozen=True, kw_only=True):
    """The weddings of all calendar files, compiled under one load model.

    ``weddings`` counts those not cancelled. ``presence`` gives, for each zone with a wedding, the
    local dates on which one stands there, as sorted, disjoint runs ``[first, after)`` of proleptic
    ordinals.
    """

    weddings: int
    demand: Demand
    presence: dict[str, tuple[tuple[int, int], ...]]


class Stream:
    """Weddings of one zone and season, summed by first date and number of days.

    A tally is one integer, the sum of weights shifted left over the number of weddings, so that a
    wedding costs a single addition.
    """

    __slots__ = ("_tallies",)

    def __init__(self) -> None:
        self._tallies: defaultdict[int, int] = defaultdict(int)

    def add(self, first: int, days: int, weight: int) -> None:
        """A wedding from the proleptic ordinal ``first`` on, for 1 to 63 ``days``.

        ``weight`` is a number of guests times a `DemandBuilder.unit`.
        """
        self._tallies[first << _DAYS_BITS | days] += weight + 1

    def weddings(self) -> int:
        """How many were added."""
        return sum(tally & NUMBER_MASK for tally in self._tallies.values())

    def levels(self) -> Iterator[tuple[int, int, int, int]]:
        """Runs of dates ``[first, after)`` of the same weight and number of weddings, if any."""
        changes: defaultdict[int, int] = defaultdict(int)
        for dates, tally in self._tallies.items():
            first, days = dates >> _DAYS_BITS, dates & _DAYS_MASK
            changes[first] += tally
            changes[first + days] -= tally
        standing = 0
        for first, after in pairwise(sorted(changes)):
            standing += changes[first]
            if standing:
                yield first, after, standing >> NUMBER_BITS, standing & NUMBER_MASK


class _Key(NamedTuple):
    zone: str
    season: tuple[int, ...]


class DemandBuilder:
    """Sums weddings under a load model; `build` compiles them.

    For speed over a million rows, a reader asks `stream` and `unit` once for each combination and
    calls ``stream.add(first, days, guests * unit)`` for each wedding that is not cancelled.
    ``unit_denominator`` is what makes a weight a demand, before season, day and hour.
    """

    def __init__(self, load: LoadModel) -> None:
        self._load = load
        self._streams: dict[_Key, Stream] = {}
        per_guest = [culture.factor / culture.guests for culture in load.cultures.values()]
        self.unit_denominator = (
            _common_denominator(per_guest)
            * _common_denominator(load.venues.values())
            * _common_denominator(load.settings.values())
        )
        self._season_denominator = load.season.factor.denominator
        self._saturday_denominator = load.saturday.denominator
        self._hour_denominator = _common_denominator(load.hours.values())

    def unit(self, culture: str, venue: str | None, setting: str | None) -> int:
        """The weight of one guest, for `Stream.add`: a multiple of ``2**NUMBER_BITS``.

        A venue or setting that the model does not know counts 1.
        """
        known = self._load.cultures[culture]
        weight = (
            known.factor
            / known.guests
            * self._load.venues.get(venue or "", Fraction(1))
            * self._load.settings.get(setting or "", Fraction(1))
            * self.unit_denominator
        )
        assert weight.denominator == 1
        return weight.numerator << NUMBER_BITS

    def stream(self, zone: str, country: str | None, latitude: float | None) -> Stream:
        """Where a wedding of this zone and place is added."""
        key = _Key(zone, self.season_months(zone, country, latitude))
        found = self._streams.get(key)
        if found is None:
            found = self._streams[key] = Stream()
        return found

    def season_months(
        self, zone: str, country: str | None, latitude: float | None
    ) -> tuple[int, ...]:
        """The months of the season at a place."""
        season = self._load.season
        if country is not None and country in season.countries:
            return season.countries[country]
        southern = latitude < 0 if latitude is not None else is_southern(zone)
        return season.south if southern else season.north

    def build(self) -> Calendar:
        """Everything added so far, compiled."""
        zones = self._days_by_zone()
        return Calendar(
            weddings=sum(stream.weddings() for stream in self._streams.values()),
            demand=self._demand(zones),
            presence={zone: _runs(days) for zone, days in sorted(zones.items())},
        )

    def _days_by_zone(self) -> dict[str, dict[int, int]]:
        """For each zone with a wedding, tallies by local date, before the hour's factor."""
        zones: dict[str, dict[int, int]] = {}
        factors = {key.season: self._day_factors(key.season) for key in self._streams}
        for key, stream in self._streams.items():
            factor_of = factors[key.season]
            for first, after, weight, number in stream.levels():
                days = zones.setdefault(key.zone, {})
                for day in range(first, after):
                    tally = (weight * factor_of[day] << NUMBER_BITS) + number
                    days[day] = days.get(day, 0) + tally
        return zones

    def _day_factors(self, months: tuple[int, ...]) -> "_DayFactors":
        season = self._load.season.factor * self._season_denominator
        saturday = self._load.saturday * self._saturday_denominator
        return _DayFactors(
            months,
            in_season=season.numerator,
            off_season=self._season_denominator,
            saturday=saturday.numerator,
            weekday=self._saturday_denominator,
        )

    def _demand(self, zones: Mapping[str, Mapping[int, int]]) -> Demand:
        denominator = (
            self.unit_denominator
            * self._season_denominator
            * self._saturday_denominator
            * self._hour_denominator
        )
        hours = [
            (hour * _HOUR, (factor * self._hour_denominator).numerator)
            for hour, factor in sorted(self._load.hours.items())
        ]
        per_replica = denominator * self._load.capacity.units_per_replica
        numerator, divisor = per_replica.denominator, per_replica.numerator
        demand = Demand([BEFORE_ALL], [0.0], [0], [0])
        for instant, weight, number in steps(zones, hours):
            demand.starts.append(instant * SECOND)
            # int / int is the correctly rounded quotient.
            demand.units.append(weight / denominator)
            demand.needed.append(-(-weight * numerator // divisor))
            demand.standing.append(number)
        return demand


class _DayFactors(dict[int, int]):
    """season(D) * day(D) by the ordinal of D, over both denominators; filled as it is asked."""

    def __init__(
        self,
        months: tuple[int, ...],
        *,
        in_season: int,
        off_season: int,
        saturday: int,
        weekday: int,
    ) -> None:
        super().__init__()
        self._months = months
        self._season = (off_season, in_season)
        self._day = (weekday, saturday)

    def __missing__(self, ordinal: int) -> int:
        season = self._season[date.fromordinal(ordinal).month in self._months]
        factor = self[ordinal] = season * self._day[(ordinal - 1) % 7 == _SATURDAY]
        return factor


def level_of(needed: int, capacity: Capacity) -> Level:
    """The protection level that a number of replicas needed stands for."""
    if needed <= capacity.floor:
        return Level.NORMAL
    return Level.HIGH if needed <= capacity.high else Level.MAXIMUM


def rung_of(needed: int, capacity: Capacity) -> int:
    """The rung of the replica ladder (floor, high, ceiling) that covers a number needed."""
    return {
        Level.NORMAL: capacity.floor,
        Level.HIGH: capacity.high,
        Level.MAXIMUM: capacity.ceiling,
    }[level_of(needed, capacity)]


def required_replicas(needed: int, capacity: Capacity) -> int:
    """The number needed, held between floor and ceiling."""
    return min(max(needed, capacity.floor), capacity.ceiling)


def shortfall(needed: int, capacity: Capacity) -> int:
    """Replicas needed beyond the ceiling."""
    return max(0, needed - capacity.ceiling)


def _common_denominator(numbers: Iterable[Fraction]) -> int:
    return lcm(*(number.denominator for number in numbers))


def _runs(days: Iterable[int]) -> tuple[tuple[int, int], ...]:
    runs: list[tuple[int, int]] = []
    for day in sorted(days):
        if runs and runs[-1][1] == day:
            runs[-1] = (runs[-1][0], day + 1)
        else:
            runs.append((day, day + 1))
    return tuple(runs)
