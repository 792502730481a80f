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
from collections.abc import Iterable, Iterator
from datetime import date
from fractions import Fraction
from itertools import pairwise
from math import lcm
from typing import NamedTuple

import msgspec

from gate.core.decision import Level
from gate.core.instants import EPOCH_ORDINAL, SECOND
from gate.core.policy import Capacity, LoadModel
from gate.core.zones import is_southern, offsets

_DAY = 86_400
_HOUR = 3600
_SATURDAY = 5
_NUMBER_BITS = 40
_NUMBER_MASK = (1 << _NUMBER_BITS) - 1
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


EMPTY_DEMAND = Demand([BEFORE_ALL], [0.0], [0], [0])


class Stream:
    """Weddings of one zone and season: changes of weight and number by local date.

    A change is one integer, the weight shifted left over the number, so that a wedding costs two
    additions. Numbers stay far below ``2**_NUMBER_BITS``, and a negative change borrows cleanly.
    """

    __slots__ = ("_changes", "weddings")

    def __init__(self) -> None:
        self.weddings = 0
        self._changes: defaultdict[int, int] = defaultdict(int)

    def add(self, first: int, days: int, weight: int) -> None:
        """A wedding from the proleptic ordinal ``first`` on, for ``days`` local dates."""
        change = (weight << _NUMBER_BITS) + 1
        self.weddings += 1
        self._changes[first] += change
        self._changes[first + days] -= change

    def levels(self) -> Iterator[tuple[int, int, int, int]]:
        """Runs of dates ``[first, after)`` of the same weight and number of weddings, if any."""
        standing = 0
        for first, after in pairwise(sorted(self._changes)):
            standing += self._changes[first]
            if standing:
                yield first, after, standing >> _NUMBER_BITS, standing & _NUMBER_MASK


class _Key(NamedTuple):
    zone: str
    season: tuple[int, ...]


class DemandBuilder:
    """Sums weddings under a load model; `build` compiles them.

    For speed over a million rows, a reader asks `stream` and `unit` once for each combination and
    calls ``stream.add(first, days, guests * unit)`` for each wedding that is not cancelled.
    """

    def __init__(self, load: LoadModel) -> None:
        self._load = load
        self._streams: dict[_Key, Stream] = {}
        per_guest = [culture.factor / culture.guests for culture in load.cultures.values()]
        self._unit_denominator = (
            _common_denominator(per_guest)
            * _common_denominator(load.venues.values())
            * _common_denominator(load.settings.values())
        )
        season, saturday = load.season.factor, load.saturday
        self._day_denominator = season.denominator * saturday.denominator
        self._hour_denominator = _common_denominator(load.hours.values())

    def unit(self, culture: str, venue: str | None, setting: str | None) -> int:
        """The weight of one guest; a venue or setting that the model does not know counts 1."""
        known = self._load.cultures[culture]
        weight = (
            known.factor
            / known.guests
            * self._load.venues.get(venue or "", Fraction(1))
            * self._load.settings.get(setting or "", Fraction(1))
            * self._unit_denominator
        )
        assert weight.denominator == 1
        return weight.numerator

    def stream(self, zone: str, country: str | None, latitude: float | None) -> Stream:
        """Where a wedding of this zone and place is added."""
        key = _Key(zone, self._season_months(zone, country, latitude))
        found = self._streams.get(key)
        if found is None:
            found = self._streams[key] = Stream()
        return found

    def _season_months(
        self, zone: str, country: str | None, latitude: float | None
    ) -> tuple[int, ...]:
        season = self._load.season
        if country is not None and country in season.countries:
            return season.countries[country]
        southern = latitude < 0 if latitude is not None else is_southern(zone)
        return season.south if southern else season.north

    def build(self) -> Calendar:
        """Everything added so far, compiled."""
        weights: defaultdict[int, int] = defaultdict(int)
        counts: defaultdict[int, int] = defaultdict(int)
        presence: dict[str, tuple[tuple[int, int], ...]] = {}
        hours = self._hour_changes()
        for zone, days in sorted(self._days_by_zone().items()):
            presence[zone] = _runs(days)
            _add_zone(zone, days, hours, weights, counts)
        denominator = self._unit_denominator * self._day_denominator * self._hour_denominator
        return Calendar(
            weddings=sum(stream.weddings for stream in self._streams.values()),
            demand=_accumulate(weights, counts, denominator, self._load.capacity),
            presence=presence,
        )

    def _days_by_zone(self) -> dict[str, dict[int, tuple[int, int]]]:
        """For each zone and local date: weight (before the hour's factor) and weddings standing."""
        zones: defaultdict[str, dict[int, tuple[int, int]]] = defaultdict(dict)
        held = ((key, stream) for key, stream in self._streams.items() if stream.weddings)
        for key, stream in held:
            in_season, off_season = self._day_factors(True), self._day_factors(False)
            days = zones[key.zone]
            for first, after, weight, count in stream.levels():
                for day in range(first, after):
                    date_ = date.fromordinal(day)
                    factors = in_season if date_.month in key.season else off_season
                    factor = factors[(day - 1) % 7 == _SATURDAY]
                    before = days.get(day, (0, 0))
                    days[day] = (before[0] + weight * factor, before[1] + count)
        return zones

    def _day_factors(self, in_season: bool) -> tuple[int, int]:
        """season(D) * day(D) on weekdays and on Saturdays, over the day denominator."""
        season = self._load.season.factor if in_season else Fraction(1)
        plain = season * self._day_denominator
        saturday = plain * self._load.saturday
        return plain.numerator, saturday.numerator

    def _hour_changes(self) -> list[tuple[int, int]]:
        """(second of the local day, hour factor from it on), over the hour denominator."""
        hours = sorted(self._load.hours.items())
        return [
            (hour * _HOUR, (factor * self._hour_denominator).numerator) for hour, factor in hours
        ]


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


def _add_zone(
    zone: str,
    days: dict[int, tuple[int, int]],
    hours: list[tuple[int, int]],
    weights: defaultdict[int, int],
    counts: defaultdict[int, int],
) -> None:
    """Add one zone's changes of weight and count, by instant in seconds.

    Within a piece of constant offset the wall clock runs on evenly; a local day that a change of
    offset cuts is added in two parts, and an hour that the clock repeats counts twice.
    """
    ordinals = sorted(days)
    years = date.fromordinal(ordinals[0]).year, date.fromordinal(ordinals[-1]).year
    pieces = offsets(zone, *years)
    for piece, offset in enumerate(pieces.offsets):
        begin = pieces.starts[piece] + offset
        last = piece + 1 == len(pieces.offsets)
        end = (ordinals[-1] + 2) * _DAY if last else pieces.starts[piece + 1] + offset
        low = bisect_right(ordinals, begin // _DAY + EPOCH_ORDINAL - 1)
        high = bisect_right(ordinals, (end - 1) // _DAY + EPOCH_ORDINAL)
        for ordinal in ordinals[low:high]:
            weight, count = days[ordinal]
            midnight = (ordinal - EPOCH_ORDINAL) * _DAY
            first, after = max(midnight, begin), min(midnight + _DAY, end)
            counts[first - offset] += count
            counts[after - offset] -= count
            held = 0
            for second, factor in hours:
                at = midnight + second
                if at >= after:
                    break
                value = weight * factor
                weights[max(at, first) - offset] += value - held
                held = value
            weights[after - offset] -= held


def _accumulate(
    weights: dict[int, int], counts: dict[int, int], denominator: int, capacity: Capacity
) -> Demand:
    per_replica = denominator * capacity.units_per_replica
    numerator, divisor = per_replica.denominator, per_replica.numerator
    demand = Demand([BEFORE_ALL], [0.0], [0], [0])
    weight = count = 0
    for instant in sorted(weights.keys() | counts.keys()):
        change, number = weights.get(instant, 0), counts.get(instant, 0)
        if not change and not number:
            continue
        weight += change
        count += number
        demand.starts.append(instant * SECOND)
        # int / int is the correctly rounded quotient.
        demand.units.append(weight / denominator)
        demand.needed.append(-(-weight * numerator // divisor))
        demand.standing.append(count)
    return demand
