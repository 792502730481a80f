"""Load sections and calendars, small enough to sum by hand and close to the edges of the levels."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from tests.property.foci import ZONES

FACTORS = [Decimal(text) for text in ("0", "0.1", "0.3", "1", "1.5", "2.0", "2.5", "8.0", "1e1")]
# No zero: the demand then has edges worth standing at.
WEIGHTS = [Decimal(text) for text in ("0.1", "0.2", "0.3", "1", "1.10", "2.5", "8")]
CULTURES = ("indian", "nigerian", "chinese", "greek", "jewish", "british", "other")
OWN_CULTURE = "maori"
HOURS = (0, 1, 2, 8, 12, 14, 16, 22, 23)


def _months() -> st.SearchStrategy[list[int]]:
    return st.lists(st.integers(1, 12), min_size=1, max_size=6, unique=True)


@st.composite
def _capacities(draw: st.DrawFn) -> dict[str, Any]:
    floor = draw(st.integers(1, 4))
    more = st.sampled_from([0, 1, 3, 10, 30])
    high = floor + draw(more)
    ceiling = high + draw(more)
    units = ["0.1", "0.1", "0.3", "0.7", "1", "2.0", "8", "30"]
    return {
        "units_per_replica": Decimal(draw(st.sampled_from(units))),
        "floor": floor,
        "high": high,
        "ceiling": ceiling,
        "fallback": 1,
        "emergency": ceiling + draw(st.integers(0, 1)),
    }


@st.composite
def loads(draw: st.DrawFn) -> dict[str, Any]:
    """A ``load`` section; whatever is left out keeps its default."""
    load: dict[str, Any] = {"capacity": draw(_capacities())}
    if draw(st.booleans()):
        own = {
            "factor": draw(st.sampled_from(FACTORS)),
            "guests": draw(st.sampled_from([1, 7, 150])),
            "days": draw(st.sampled_from([1, 2, 5])),
        }
        british = draw(st.fixed_dictionaries({}, optional={"factor": st.sampled_from(WEIGHTS)}))
        load["cultures"] = {OWN_CULTURE: own} | ({"british": british} if british else {})
    if draw(st.booleans()):
        hours = draw(st.sets(st.sampled_from(HOURS), max_size=4)) | {0}
        load["hours"] = {hour: draw(st.sampled_from(FACTORS)) for hour in sorted(hours)}
    if draw(st.booleans()):
        optional: dict[str, st.SearchStrategy[Any]] = {
            "factor": st.sampled_from(FACTORS),
            "north": _months(),
            "south": _months(),
            "countries": st.dictionaries(
                st.sampled_from(["IN", "NO", "AU"]), _months(), min_size=1, max_size=2
            ),
        }
        if season := draw(st.fixed_dictionaries({}, optional=optional)):
            load["season"] = season
    if draw(st.booleans()):
        load["saturday"] = draw(st.sampled_from(WEIGHTS))
    if draw(st.booleans()):
        load["venues"] = {"barn": draw(st.sampled_from(FACTORS))}
    if draw(st.booleans()):
        load["settings"] = {"outdoor": draw(st.sampled_from(WEIGHTS))}
    return load


@st.composite
def weddings(draw: st.DrawFn, zone: str, day: date, cultures: tuple[str, ...]) -> dict[str, Any]:
    """A row of a calendar (its id is given later), mostly within days of the date."""
    away = draw(st.sampled_from([0, 0, 0, -1, 1, 2, -3, 7, -7, 14, 120, -300]))
    row: dict[str, Any] = {
        "date": (day + timedelta(days=away)).isoformat(),
        "timezone": draw(st.sampled_from([zone, zone, *ZONES])),
    }
    optional: dict[str, st.SearchStrategy[Any]] = {
        "days": st.sampled_from([1, 1, 2, 3, 31]),
        "culture": st.sampled_from(cultures),
        "guests": st.sampled_from([1, 7, 75, 150, 151, 600]),
        "venue": st.sampled_from(["palace", "hotel", "church", "barn", "beach"]),
        "setting": st.sampled_from(["indoor", "outdoor"]),
        "country": st.sampled_from(["IN", "NO", "AU", "GB"]),
        "status": st.sampled_from(["confirmed", "confirmed", "tentative", "cancelled"]),
        "x-note": st.just("with cake, and a band"),
    }
    row |= draw(st.fixed_dictionaries({}, optional=optional))
    if draw(st.integers(0, 3)) == 0:
        row["latitude"] = Decimal(draw(st.sampled_from(["-33.9", "0.5", "51.5", "-0.1"])))
        row["longitude"] = Decimal(draw(st.sampled_from(["151.2", "-0.1", "-180"])))
    return row


@st.composite
def calendars(
    draw: st.DrawFn, zone: str, day: date, load: dict[str, Any], most: int = 6
) -> list[dict[str, Any]]:
    """The rows of a calendar that fits the policy's load section."""
    own = OWN_CULTURE in load.get("cultures", {})
    cultures = (*CULTURES, OWN_CULTURE) if own else CULTURES
    least = draw(st.sampled_from([0, 1, 3]))
    rows = draw(st.lists(weddings(zone, day, cultures), min_size=min(least, most), max_size=most))
    return [{"id": f"w{number}", **row} for number, row in enumerate(rows)]
