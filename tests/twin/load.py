"""Weddings, demand, levels and the level lock, as load.md says them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction
from functools import cache
from itertools import pairwise
from math import ceil
from typing import Any

from tests.twin import document
from tests.twin.zones import DAY, clock_changes, lies_south, local_date, readings, to_local

Stretch = tuple[datetime, datetime]
RANKS = {"NORMAL": 0, "HIGH": 1, "MAXIMUM": 2}


@dataclass(frozen=True)
class Wedding:
    """A wedding that is not cancelled."""

    zone: str
    dates: frozenset[date]
    culture: str
    guests: int
    venue: str | None
    setting: str | None
    country: str | None
    latitude: float | None


def read_weddings(rows: Iterable[Mapping[str, Any]], load: Mapping[str, Any]) -> list[Wedding]:
    """The weddings of the rows but the cancelled ones; None and empty fields are absent."""
    weddings = []
    for given in rows:
        row = {key: value for key, value in given.items() if value not in (None, "")}
        if row.get("status") == "cancelled":
            continue
        culture = row.get("culture", "other")
        usual = load["cultures"][culture]
        first = date.fromisoformat(row["date"])
        days = int(row.get("days", usual["days"]))
        weddings.append(
            Wedding(
                zone=row["timezone"],
                dates=frozenset(first + i * DAY for i in range(days)),
                culture=culture,
                guests=int(row.get("guests", usual["guests"])),
                venue=row.get("venue"),
                setting=row.get("setting"),
                country=row.get("country"),
                latitude=float(row["latitude"]) if "latitude" in row else None,
            )
        )
    return weddings


class Load:
    """Demand and levels of some weddings under one policy."""

    def __init__(self, policy: document.TwinPolicy, weddings: Sequence[Wedding]) -> None:
        self.policy = policy
        self.model = policy.load
        self.weddings = weddings
        self.at_instant = cache(self._at_instant)
        self.breakpoints = sorted(self._breakpoints())

    def standing(self, t: datetime) -> list[Wedding]:
        """The weddings with the instant inside their local dates."""
        return [w for w in self.weddings if local_date(w.zone, t) in w.dates]

    def _at_instant(self, t: datetime) -> Fraction:
        return sum((self._units(wedding, t) for wedding in self.standing(t)), Fraction(0))

    def _units(self, wedding: Wedding, t: datetime) -> Fraction:
        culture = self.model["cultures"][wedding.culture]
        local = to_local(wedding.zone, t)
        guests = Fraction(wedding.guests, culture["guests"])
        units = document.exact(culture["factor"]) * guests
        units *= document.exact(self.model["venues"].get(wedding.venue, 1))
        units *= document.exact(self.model["settings"].get(wedding.setting, 1))
        if local.month in self._season_months(wedding):
            units *= document.exact(self.model["season"]["factor"])
        if local.weekday() == 5:
            units *= document.exact(self.model["saturday"])
        since = max(hour for hour in self._hours() if hour <= local.hour)
        return units * document.exact(self._hours()[since])

    def _hours(self) -> dict[int, object]:
        return {int(hour): factor for hour, factor in self.model["hours"].items()}

    def _season_months(self, wedding: Wedding) -> Sequence[int]:
        season = self.model["season"]
        if wedding.country in season["countries"]:
            months = season["countries"][wedding.country]
        elif wedding.latitude is not None:
            months = season["south" if wedding.latitude < 0 else "north"]
        else:
            months = season["south" if lies_south(wedding.zone) else "north"]
        return list(months)

    def _breakpoints(self) -> set[datetime]:
        """Every instant at which demand may become another one; between two it stands still.

        In a wedding's zone the local date and hour change on the hours of the table, in either
        reading, and where the clock is moved.
        """
        near = (-1, 0, 1)
        days = {(w.zone, day + i * DAY) for w in self.weddings for day in w.dates for i in near}
        found: set[datetime] = set()
        for zone, day in days:
            for hour in (*self._hours(), 24):
                found.update(readings(zone, document.local(day, timedelta(hours=hour))))
            for i in near:
                found.update(clock_changes(zone, day + i * DAY))
        return found

    def needed(self, t: datetime) -> int:
        """Replicas that the demand needs, whatever the ceiling."""
        return self.needed_by(self.at_instant(t))

    def needed_by(self, demand: Fraction) -> int:
        """Replicas for so many units."""
        return ceil(demand / document.exact(self.model["capacity"]["units_per_replica"]))

    def required(self, needed: int) -> int:
        """Replicas to run: those needed, between floor and ceiling."""
        capacity = self.model["capacity"]
        return int(min(max(needed, capacity["floor"]), capacity["ceiling"]))

    def level_of(self, needed: int) -> str:
        """Which rung holds so many replicas."""
        capacity = self.model["capacity"]
        if needed <= capacity["floor"]:
            return "NORMAL"
        return "HIGH" if needed <= capacity["high"] else "MAXIMUM"

    def level(self, t: datetime) -> str:
        """The level at the instant."""
        return self.level_of(self.needed(t))

    def rung(self, level: str) -> int:
        """The replicas of a level."""
        names = {"NORMAL": "floor", "HIGH": "high", "MAXIMUM": "ceiling"}
        return int(self.model["capacity"][names[level]])

    def shortfall(self, needed: int) -> int:
        """Replicas needed above the ceiling."""
        return max(0, needed - int(self.model["capacity"]["ceiling"]))

    def lock_stretches(self) -> list[Stretch]:
        """The level lock: where the level is high enough, gaps shorter than ``join`` filled."""
        at = self.policy.lock_at
        if at == "never":
            return []
        held = [
            (start, end)
            for start, end in pairwise(self.breakpoints)
            if RANKS[self.level(start)] >= RANKS[at]
        ]
        joined: list[Stretch] = []
        for start, end in held:
            if joined and (start == joined[-1][1] or start - joined[-1][1] < self.policy.join):
                joined[-1] = (joined[-1][0], end)
            else:
                joined.append((start, end))
        return joined
