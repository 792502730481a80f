"""The season of every zone, and of every way to say where a wedding is."""

from datetime import date, datetime
from itertools import product as every
from typing import Any

import pytest

from tests.property.checks import agree
from tests.property.product import Product
from tests.property.strategies import Case
from tests.twin.zones import DAY, known_keys, readings

SEASON = {"factor": 3, "north": [1, 2], "south": [6, 7], "countries": {"NO": [1, 6]}}
LOAD = {"season": SEASON, "saturday": 1, "hours": {0: 1}}
JANUARY, JUNE = date(2026, 1, 7), date(2026, 6, 10)
PLACES = [
    {**({"country": country} if country else {}), **(place or {})}
    for country, place in every(
        ("", "IN", "NO", "AU"),
        (None, *({"latitude": x, "longitude": 10} for x in (-90, -0.1, 0, 0.5, 51))),
    )
]


def agree_on(rows: list[dict[str, Any]], zone: str) -> None:
    numbered = [{"id": str(i), "timezone": zone, **row} for i, row in enumerate(rows)]
    document = {"version": 1, "timezone": "UTC", "load": LOAD}
    case = Case(document, numbered, [], JANUARY)
    ours = Product(case)
    for row in rows:
        noon = readings(zone, datetime.fromisoformat(row["date"]) + DAY / 2)[0]
        span = noon, noon + DAY, DAY
        agree(case, ["load", row["date"]], ours.load(*span), case.twin.load(*span))


@pytest.mark.parametrize("zone", ["Europe/London", "Australia/ACT", "Etc/GMT+1"])
def test_every_place(zone: str) -> None:
    days = {place: i * 2 for i, place in enumerate(map(str, PLACES))}
    agree_on(
        [
            {"date": str(month.replace(day=1) + days[str(place)] * DAY), "days": 1, **place}
            for place in PLACES
            for month in (JANUARY, JUNE)
        ],
        zone,
    )


@pytest.mark.parametrize("area", sorted({key.split("/")[0] for key in known_keys()}))
def test_every_zone(area: str) -> None:
    for zone in sorted(known_keys()):
        if zone.split("/")[0] == area:
            agree_on([{"date": str(day)} for day in (JANUARY, JUNE)], zone)
