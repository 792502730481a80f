"""Local times round every change of a clock that the zone database records."""

from datetime import date, datetime, timedelta

import pytest

from tests.property.checks import agree
from tests.property.foci import FOCI, ZONES
from tests.property.product import Product, product_readings
from tests.property.strategies import Case
from tests.twin.zones import (
    DAY,
    clock_changes,
    known_keys,
    readings,
    recorded_changes,
    to_local,
)

SECOND = timedelta(seconds=1)


def walls(key: str, change: datetime) -> list[datetime]:
    """What the clock shows when it is moved, before and after, and a second round these."""
    before, after = to_local(key, change - SECOND) + SECOND, to_local(key, change)
    middle = before + (after - before) // 2 // SECOND * SECOND
    around = [wall + i * SECOND for wall in (before, after) for i in (-1, 0, 1)]
    return [*around, middle, min(before, after) - DAY, max(before, after) + DAY]


@pytest.mark.parametrize("area", sorted({key.split("/")[0] for key in known_keys()}))
def test_readings_at_every_recorded_change(area: str) -> None:
    for key in sorted(known_keys()):
        if key.split("/")[0] == area:
            for change in recorded_changes(key):
                for wall in walls(key, change):
                    assert product_readings(key, wall) == readings(key, wall), (key, wall)


@pytest.mark.parametrize("year", [2038, 2100, 2199])
def test_readings_at_the_changes_of_the_rules_for_later(year: int) -> None:
    for key in ZONES:
        days = (date(year, 1, 2) + i * DAY for i in range(363))
        for change in (change for day in days for change in clock_changes(key, day)):
            for wall in walls(key, change):
                assert product_readings(key, wall) == readings(key, wall), (key, wall)


@pytest.mark.parametrize(("zone", "day"), FOCI)
def test_windows_that_start_or_end_where_the_clock_is_moved(zone: str, day: date) -> None:
    noon = datetime(day.year, day.month, day.day, 12)  # noqa: DTZ001
    changes = [change for i in (-2, -1, 0, 1) for change in clock_changes(zone, day + i * DAY)]
    edges = [noon, *(wall for change in changes for wall in walls(zone, change))]
    lengths = (-3600 * SECOND, -SECOND, SECOND, 1800 * SECOND, DAY)
    spans = [sorted((edge, edge + length)) for edge in edges for length in lengths]
    windows = [
        {"name": f"w{i}", "zones": [zone], "start": start.isoformat(), "end": end.isoformat()}
        for i, (start, end) in enumerate(spans)
    ]
    case = Case({"version": 1, "timezone": "UTC", "windows": windows}, [], [], day)
    start, end = case.noon - 4 * DAY, case.noon + 4 * DAY
    ours = Product(case).windows({}, start, end)
    agree(case, ["windows", zone], ours, case.twin.windows({}, start, end))
