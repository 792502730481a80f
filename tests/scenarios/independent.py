"""The load of a day of weddings by the specification's formula, written out and summed slowly.

Nothing here is the product's: the tables are typed off the specification, sums are `Fraction`.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from math import ceil
from pathlib import Path
from zoneinfo import ZoneInfo

CULTURES = {  # factor, usual guests, usual days
    "indian": (Fraction(2), 600, 3),
    "nigerian": (Fraction(18, 10), 400, 2),
    "chinese": (Fraction(15, 10), 350, 2),
    "british": (Fraction(1), 150, 1),
}
SEASON = Fraction(25, 10)
NORTH = (5, 6, 7, 8, 9, 10)
INDIA = (11, 12, 1, 2, 4, 5)
SATURDAY = Fraction(8)
HOURS = ((0, 2), (8, 6), (12, 8), (14, 10), (16, 8), (23, 4))  # from that hour on, in tenths
UNITS_PER_REPLICA = 30
FLOOR, HIGH, CEILING = 10, 35, 50


@dataclass(frozen=True)
class Weddings:
    """So many alike, with their culture's usual days."""

    number: int
    culture: str
    guests: int
    day: date
    zone: str
    country: str

    def rows(self) -> Iterator[str]:
        """As lines of a calendar file."""
        for number in range(self.number):
            name = f"{self.culture}-{number}"
            yield f"{name},{self.day},{self.zone},{self.culture},{self.guests},{self.country}"

    def demand(self, at: datetime) -> Fraction:
        """Units at an instant."""
        local = at.astimezone(ZoneInfo(self.zone))
        factor, usual, days = CULTURES[self.culture]
        if not 0 <= (local.date() - self.day).days < days:
            return Fraction(0)
        months = INDIA if self.country == "IN" else NORTH
        season = SEASON if local.month in months else 1
        day = SATURDAY if local.weekday() == 5 else 1
        hour = Fraction([tenths for start, tenths in HOURS if start <= local.hour][-1], 10)
        return self.number * factor * Fraction(self.guests, usual) * season * day * hour


def demand(weddings: Iterable[Weddings], at: datetime) -> Fraction:
    """Units of all of them at an instant."""
    return sum((each.demand(at) for each in weddings), Fraction(0))


def needed(weddings: Iterable[Weddings], at: datetime) -> int:
    """Replicas that the load needs."""
    return ceil(demand(weddings, at) / UNITS_PER_REPLICA)


def level(replicas: int) -> str:
    """The level of a number needed."""
    if replicas <= FLOOR:
        return "NORMAL"
    return "HIGH" if replicas <= HIGH else "MAXIMUM"


def rung(replicas: int) -> int:
    """The rung that covers it."""
    return {"NORMAL": FLOOR, "HIGH": HIGH, "MAXIMUM": CEILING}[level(replicas)]


def quarters(start: datetime, end: datetime) -> Iterator[datetime]:
    """Every quarter of an hour: the load of these zones changes at no other time."""
    at = start
    while at < end:
        yield at
        at += timedelta(minutes=15)


def floor(weddings: Iterable[Weddings], at: datetime, ahead: timedelta, hold: timedelta) -> int:
    """The floor of the plan: the largest rung of all instants from ``hold`` ago to ``ahead``."""
    weddings = list(weddings)
    first = datetime.fromtimestamp((at - hold).timestamp() // 900 * 900, UTC)
    within = [t for t in quarters(first, at + ahead + timedelta(minutes=15)) if t <= at + ahead]
    return max(rung(needed(weddings, t)) for t in within)


def written(folder: Path, *weddings: Weddings) -> tuple[str, ...]:
    """Policy (every default) and calendar as files: the options that name them."""
    policy, calendar = folder / "policy.yaml", folder / "weddings.csv"
    policy.write_text("version: 1\ntimezone: Europe/London\n")
    lines = ["id,date,timezone,culture,guests,country", *(r for w in weddings for r in w.rows())]
    calendar.write_text("\n".join(lines) + "\n")
    return "--policy", str(policy), "--calendar", str(calendar)
