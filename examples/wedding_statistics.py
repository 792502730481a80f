"""The published statistics, and the assumptions between them, that shape `calendar.csv`.

Every number is either *sourced* (SOURCES.md names publisher, publication and year) or a *house*
number: an assumption of this example that nobody measured. The comments say which. All weights are
integers and relative, so that the generator never adds floating-point numbers.
"""

from dataclasses import dataclass

MonthDay = tuple[int, int]

EVEN_MONTHS = (83, 83, 83, 83, 84, 84, 84, 84, 83, 83, 83, 83)


@dataclass(frozen=True, kw_only=True)
class Pattern:
    """When a community marries.

    ``months``: per mille of a year, January first. ``weekdays``: relative weights, Monday first.
    ``dates``: a per-mille share of the year that falls evenly on a few (month, day) dates instead.
    ``closed``: dates without weddings.
    """

    months: tuple[int, ...]
    weekdays: tuple[int, ...]
    dates: tuple[MonthDay, ...] = ()
    dates_share: int = 0
    closed: tuple[MonthDay, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Market:
    """Weddings of one culture in one zone; ``share`` is relative to the other markets (house)."""

    zone: str
    country: str
    culture: str
    share: int
    pattern: str
    places: tuple[tuple[float, float], ...]


@dataclass(frozen=True, kw_only=True)
class Habits:
    """What a culture's weddings look like; all house numbers but ``guests`` and ``days``.

    ``guests`` and ``days`` are the default policy's. ``venues`` and ``long_days`` (festivities that
    last other than usual) are relative weights, ``outdoor`` is per mille in the warm half year.
    """

    guests: int
    days: int
    venues: dict[str, int]
    outdoor: int
    long_days: dict[int, int]


# Sourced: January and August (ONS 2023), July and September (ONS 1995-2013), Saturday 419 per mille
# (ONS 2023), the other weekdays in their 1995-2013 proportions (17 : 5 : 4.4 : 4 : 4 : 3.3) scaled
# to the rest, no weddings on Christmas Day and Boxing Day (one each in 2023). House: other months.
ENGLAND_WALES = Pattern(
    months=(26, 42, 43, 70, 102, 116, 131, 143, 130, 89, 49, 59),
    weekdays=(62, 51, 62, 77, 262, 419, 67),
    closed=((12, 25), (12, 26)),
)

# Sourced: the eighteen dates of the 2024 season (CAIT), the rest from mid-January. House: that
# these dates stand for other years too (they do not: the almanac is lunar), their share, the rest.
INDIA = Pattern(
    months=(110, 240, 110, 140, 200, 60, 20, 0, 0, 0, 60, 60),
    weekdays=(120, 110, 130, 140, 150, 170, 180),
    dates=(
        *((11, day) for day in (12, 13, 17, 18, 22, 23, 25, 26, 28, 29)),
        *((12, day) for day in (4, 5, 9, 10, 11, 14, 15, 16)),
    ),
    dates_share=550,
)

# Sourced: June, October, November (ABS 2011), July (ABS 2009), March (ABS 2008), and that Saturday
# leads, then Sunday and Friday (ABS 2008). House: the other months, the weekdays' weights.
AUSTRALIA = Pattern(
    months=(75, 86, 119, 98, 61, 48, 44, 52, 88, 126, 129, 74),
    weekdays=(40, 40, 45, 75, 150, 480, 170),
)

# House numbers throughout, for want of a table; the shapes are said in SOURCES.md.
GREECE = Pattern(
    months=(30, 30, 15, 35, 80, 150, 170, 130, 190, 90, 40, 40),
    weekdays=(30, 20, 30, 50, 120, 560, 190),
)
NIGERIA = Pattern(
    months=(70, 65, 60, 85, 70, 70, 70, 85, 80, 90, 105, 150),
    weekdays=(10, 10, 20, 130, 80, 730, 20),
)
CHINA = Pattern(
    months=(90, 60, 70, 80, 130, 70, 50, 60, 80, 140, 90, 80),
    weekdays=(90, 80, 90, 90, 150, 280, 220),
    dates=((5, 20), (10, 1), (10, 2), (10, 3)),
    dates_share=120,
)
NORTH_AMERICA = Pattern(
    months=(20, 30, 45, 60, 110, 130, 105, 115, 140, 145, 60, 40),
    weekdays=(20, 20, 25, 50, 180, 560, 145),
)
# The Sabbath has none: Friday evening to Saturday nightfall (load.md). Weights are house numbers.
JEWISH = Pattern(
    months=(60, 75, 85, 40, 85, 140, 75, 135, 90, 95, 80, 40),
    weekdays=(120, 190, 120, 220, 0, 0, 350),
)
EVENLY = Pattern(months=EVEN_MONTHS, weekdays=(60, 60, 60, 80, 150, 420, 170))

PATTERNS = {
    "england-wales": ENGLAND_WALES,
    "india": INDIA,
    "australia": AUSTRALIA,
    "greece": GREECE,
    "nigeria": NIGERIA,
    "china": CHINA,
    "north-america": NORTH_AMERICA,
    "jewish": JEWISH,
    "evenly": EVENLY,
}

HABITS = {
    "british": Habits(
        guests=150,
        days=1,
        venues={"church": 34, "hotel": 31, "barn": 18, "registry-office": 14, "palace": 3},
        outdoor=300,
        long_days={2: 1},
    ),
    "indian": Habits(
        guests=600,
        days=3,
        venues={"hotel": 48, "palace": 14, "banquet-hall": 30, "beach": 8},
        outdoor=450,
        long_days={2: 5, 4: 3, 5: 1},
    ),
    "nigerian": Habits(
        guests=400,
        days=2,
        venues={"church": 38, "hotel": 30, "banquet-hall": 32},
        outdoor=250,
        long_days={1: 2, 3: 2},
    ),
    "chinese": Habits(
        guests=350, days=2, venues={"hotel": 62, "banquet-hall": 38}, outdoor=100, long_days={1: 4}
    ),
    "greek": Habits(
        guests=300,
        days=1,
        venues={"church": 60, "hotel": 20, "beach": 20},
        outdoor=500,
        long_days={2: 3},
    ),
    "jewish": Habits(
        guests=250,
        days=1,
        venues={"synagogue": 40, "hotel": 35, "banquet-hall": 25},
        outdoor=350,
        long_days={1: 1},
    ),
    "other": Habits(
        guests=150,
        days=1,
        venues={"church": 22, "hotel": 30, "barn": 20, "registry-office": 13, "beach": 15},
        outdoor=420,
        long_days={2: 1},
    ),
}
