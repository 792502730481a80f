"""Make a wedding calendar that is the same for the same arguments, on every Python and machine.

    python examples/generate_calendar.py --out examples/calendar.csv

writes the checked-in calendar; a million weddings for a benchmark are

    python examples/generate_calendar.py --weddings 1000000 --zones 60 --out million.csv

Only `random.Random.random` is drawn from, whose sequence Python promises for a seed, and weights
are integers: `random.choices` and float sums may change between versions, these do not.
"""

import argparse
import sys
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from itertools import accumulate
from random import Random

from wedding_places import FURTHER_ZONES, MARKETS
from wedding_statistics import HABITS, PATTERNS, Habits, Market, Pattern

HEADER = (
    "id,date,timezone,days,culture,guests,venue,setting,country,latitude,longitude,status,"
    "x-booked-at"
)
OWN_ZONES = 12
ALL_ZONES = OWN_ZONES + len(FURTHER_ZONES)
SCALE = 1_000_000

# House numbers, per mille: cells that an export leaves empty, and bookings that are not firm.
DAYS_GIVEN = 250
GUESTS_MISSING = 80
TENTATIVE = 80
CANCELLED = 40
COORDINATES_MISSING = 60

# Australia asks for notice of 1 to 18 months (ABS, explanatory notes); used for all markets.
NOTICE_DAYS = (31, 548)

Uniform = Callable[[], float]


class Weighted:
    """Choices by integer weights, drawn with one uniform number in [0, 1)."""

    def __init__(self, weights: Sequence[int]) -> None:
        self._upto = list(accumulate(weights))
        self._total = self._upto[-1]

    def index(self, uniform: float) -> int:
        """The choice that ``uniform`` falls on."""
        return bisect_right(self._upto, int(uniform * self._total))


def month_dates(first: date) -> list[date]:
    """All dates of the month that ``first`` begins."""
    next_first = (first.replace(day=28) + timedelta(days=4)).replace(day=1)
    return [first + timedelta(days=offset) for offset in range((next_first - first).days)]


def date_weights(pattern: Pattern, dates: Sequence[date]) -> list[int]:
    """A weight for each date: its month's share, parted by weekday, and that of the fixed dates."""
    by_weekday: dict[tuple[int, int], int] = {}
    weights = []
    for day in dates:
        month = (day.year, day.month)
        if month not in by_weekday:
            days = month_dates(day.replace(day=1))
            by_weekday[month] = sum(pattern.weekdays[each.weekday()] for each in days)
        share = pattern.months[day.month - 1] * (1000 - pattern.dates_share)
        weight = share * pattern.weekdays[day.weekday()] * SCALE // (1000 * by_weekday[month])
        if (day.month, day.day) in pattern.dates:
            weight += pattern.dates_share * SCALE // len(pattern.dates)
        weights.append(0 if (day.month, day.day) in pattern.closed else weight)
    return weights


def markets(zones: int) -> list[Market]:
    """The example's markets, or with ``zones`` above twelve more of them, culture by culture."""
    cultures = sorted(HABITS)
    more = [
        Market(
            zone=zone,
            country=country,
            culture=cultures[number % len(cultures)],
            share=150,
            pattern="evenly",
            places=((latitude, longitude),),
        )
        for number, (zone, country, latitude, longitude) in enumerate(FURTHER_ZONES)
    ]
    return [*MARKETS, *more[: zones - OWN_ZONES]]


def days_cell(habits: Habits, uniform: Uniform) -> str:
    """Mostly empty (the culture's own number of days), else the usual or an unusual number."""
    given = uniform()
    if given * 1000 >= DAYS_GIVEN:
        return ""
    unusual = list(habits.long_days)
    weights = [sum(habits.long_days.values()), *habits.long_days.values()]
    return str([habits.days, *unusual][Weighted(weights).index(uniform())])


def guests_cell(habits: Habits, uniform: Uniform) -> str:
    """Half to one and a half times the usual number, peaked at the usual one, in fives."""
    if uniform() * 1000 < GUESTS_MISSING:
        return ""
    return str(max(10, int(habits.guests * (0.5 + (uniform() + uniform()) / 2)) // 5 * 5))


def status_cell(uniform: Uniform) -> str:
    """``confirmed`` or, for some, ``tentative`` and ``cancelled``."""
    draw = uniform() * 1000
    if draw < CANCELLED:
        return "cancelled"
    return "tentative" if draw < CANCELLED + TENTATIVE else "confirmed"


def place_cells(market: Market, uniform: Uniform) -> tuple[str, float]:
    """``latitude,longitude`` (sometimes empty) of a town, and the town's latitude."""
    latitude, longitude = market.places[int(uniform() * len(market.places))]
    if uniform() * 1000 < COORDINATES_MISSING:
        return ",", latitude
    return f"{latitude:.2f},{longitude:.2f}", latitude


def is_warm(month: int, latitude: float) -> bool:
    """Whether ``month`` lies in the warm half year of that latitude."""
    return (4 <= month <= 9) == (latitude >= 0)


class Maker:
    """Draws the rows of one market; tables are made once."""

    def __init__(self, market: Market, dates: Sequence[date], uniform: Uniform) -> None:
        self._market = market
        self._habits = HABITS[market.culture]
        self._dates = dates
        self._by_date = Weighted(date_weights(PATTERNS[market.pattern], dates))
        self._venues = list(self._habits.venues)
        self._by_venue = Weighted(list(self._habits.venues.values()))
        self._uniform = uniform

    def row(self) -> tuple[date, str]:
        """A date, and the row's cells from the date on."""
        uniform, market, habits = self._uniform, self._market, self._habits
        day = self._dates[self._by_date.index(uniform())]
        days, guests = days_cell(habits, uniform), guests_cell(habits, uniform)
        venue = self._venues[self._by_venue.index(uniform())]
        place, latitude = place_cells(market, uniform)
        outdoor = habits.outdoor if is_warm(day.month, latitude) else habits.outdoor // 5
        setting = "outdoor" if uniform() * 1000 < outdoor else "indoor"
        status = status_cell(uniform)
        shortest, longest = NOTICE_DAYS
        minutes = int(uniform() * 24 * 60)
        booked = day - timedelta(days=shortest + int(uniform() * (longest - shortest + 1)))
        return day, (
            f"{day},{market.zone},{days},{market.culture},{guests},{venue},{setting},"
            f"{market.country},{place},{status},{booked}T{minutes // 60:02}:{minutes % 60:02}:00Z"
        )


def calendar_rows(
    *, seed: int, weddings: int, first: date, years: int, zones: int
) -> Iterator[str]:
    """The header, then the weddings in the order of their dates, numbered in that order."""
    uniform = Random(seed).random  # noqa: S311 - a reproducible example, not a secret
    end = first.replace(year=first.year + years)
    dates = [first + timedelta(days=offset) for offset in range((end - first).days)]
    chosen = markets(zones)
    makers = [Maker(market, dates, uniform) for market in chosen]
    by_market = Weighted([market.share for market in chosen])
    rows = sorted(makers[by_market.index(uniform())].row() for _ in range(weddings))
    yield HEADER
    for number, (_, cells) in enumerate(rows, start=1):
        yield f"w{number:07},{cells}"


def arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """The command line, checked."""
    parser = argparse.ArgumentParser(description="Make a seeded wedding calendar (CSV).")
    parser.add_argument("--seed", type=int, default=20260613)
    parser.add_argument("--weddings", type=int, default=10_000, help="number of rows")
    parser.add_argument("--from", dest="first", type=date.fromisoformat, default=date(2026, 1, 1))
    parser.add_argument("--years", type=int, default=2, help="from the first date on")
    parser.add_argument(
        "--zones", type=int, default=OWN_ZONES, help=f"{OWN_ZONES} (default) to {ALL_ZONES}"
    )
    parser.add_argument("--out", default="-", help="file to write, - for standard output")
    given = parser.parse_args(argv)
    if given.weddings < 1 or given.years < 1 or not OWN_ZONES <= given.zones <= ALL_ZONES:
        parser.error(f"weddings and years from 1, zones {OWN_ZONES} to {ALL_ZONES}")
    if (given.first.month, given.first.day) == (2, 29):
        parser.error("--from: 29 February has no same day a year later; take 1 March")
    return given


def main(argv: Sequence[str] | None = None) -> None:
    """Write the calendar."""
    given = arguments(argv)
    rows = calendar_rows(
        seed=given.seed,
        weddings=given.weddings,
        first=given.first,
        years=given.years,
        zones=given.zones,
    )
    text = "\n".join(rows) + "\n"
    if given.out == "-":
        sys.stdout.write(text)
    else:
        with open(given.out, "w", encoding="utf-8", newline="\n") as out:
            out.write(text)


if __name__ == "__main__":
    main()
