"""Booked demand by zone and culture, for samples and for what is learnt from them.

The same sum as `gate.core.demand`, with its parts kept apart: they add up to the demand exactly. It
is worked out for one instant at a time, which is all that a sample wants.
"""

from bisect import bisect_right
from collections.abc import Iterator
from datetime import datetime
from fractions import Fraction
from functools import cached_property

import msgspec

from gate.core.demand import DemandBuilder, Stream
from gate.core.instants import SECOND, from_micros
from gate.core.policy import LoadModel
from gate.core.zones import zone

_SATURDAY = 5


class BookedPart(msgspec.Struct, frozen=True, kw_only=True):
    """What the weddings of one zone and culture that stand at an instant come to."""

    zone: str
    culture: str
    units: Fraction
    weddings: int


class _Season:
    """Weddings of one zone, culture and list of months: runs of dates, looked up by bisection."""

    def __init__(self, months: tuple[int, ...]) -> None:
        self.months = months
        self.stream = Stream()

    @cached_property
    def runs(self) -> list[tuple[int, int, int, int]]:
        return list(self.stream.levels())

    def on(self, ordinal: int) -> tuple[int, int]:
        """Weight and number of the weddings that stand on a local date."""
        at = bisect_right(self.runs, ordinal, key=lambda run: run[0]) - 1
        if at < 0 or self.runs[at][1] <= ordinal:
            return 0, 0
        return self.runs[at][2:]


class Breakdown:
    """Weddings by zone and culture; add all of them, then ask."""

    def __init__(self, load: LoadModel) -> None:
        self._load = load
        self._builder = DemandBuilder(load)
        self._seasons: dict[tuple[str, str], dict[tuple[int, ...], _Season]] = {}
        self._units: dict[tuple[str, str | None, str | None], int] = {}
        self._hours = sorted(load.hours.items())

    def add(
        self,
        *,
        zone: str,
        country: str | None,
        latitude: float | None,
        culture: str,
        venue: str | None,
        setting: str | None,
        first: int,
        days: int | None,
        guests: int | None,
    ) -> None:
        """A wedding that is not cancelled, from the ordinal ``first`` on."""
        usual = self._load.cultures[culture]
        months = self._builder.season_months(zone, country, latitude)
        seasons = self._seasons.setdefault((zone, culture), {})
        season = seasons.get(months)
        if season is None:
            season = seasons[months] = _Season(months)
        kind = culture, venue, setting
        unit = self._units.get(kind)
        if unit is None:
            unit = self._units[kind] = self._builder.unit(*kind)
        weight = (usual.guests if guests is None else guests) * unit
        season.stream.add(first, usual.days if days is None else days, weight)

    def parts(self, instant: int) -> Iterator[BookedPart]:
        """The parts of the demand at an instant (microseconds) that have weddings, in order."""
        moment = from_micros(instant // SECOND * SECOND)
        for (key, culture), seasons in sorted(self._seasons.items()):
            local = moment.astimezone(zone(key))
            units, weddings = Fraction(0), 0
            for season in seasons.values():
                weight, number = season.on(local.toordinal())
                if number:
                    units += Fraction(weight, self._builder.unit_denominator) * self._factor(
                        local, season.months
                    )
                    weddings += number
            if weddings:
                yield BookedPart(zone=key, culture=culture, units=units, weddings=weddings)

    def _factor(self, local: datetime, months: tuple[int, ...]) -> Fraction:
        """season(D) * day(D) * hour(h)"""
        factor = self._load.season.factor if local.month in months else Fraction(1)
        if local.weekday() == _SATURDAY:
            factor *= self._load.saturday
        at = bisect_right(self._hours, local.hour, key=lambda hour: hour[0]) - 1
        return factor * self._hours[at][1]
