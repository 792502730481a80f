"""The example calendar is what its generator makes, and has the shape that its sources give."""

import csv
import subprocess
import sys
from collections import Counter
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
GENERATOR = EXAMPLES / "generate_calendar.py"

Row = dict[str, str]


def generate(*arguments: str) -> bytes:
    return subprocess.run(
        [sys.executable, str(GENERATOR), *arguments], check=True, stdout=subprocess.PIPE
    ).stdout


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    with (EXAMPLES / "calendar.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def english(rows: list[Row]) -> list[date]:
    return [
        date.fromisoformat(row["date"])
        for row in rows
        if (row["country"], row["culture"]) == ("GB", "british")
    ]


def share(count: int, total: int) -> float:
    return 100 * count / total


def test_checked_in_calendar_is_what_the_generator_makes() -> None:
    assert generate() == (EXAMPLES / "calendar.csv").read_bytes()


def test_same_seed_same_bytes_and_another_seed_other_weddings() -> None:
    small = ["--weddings", "50"]
    assert generate(*small) == generate(*small)
    assert generate(*small) != generate(*small, "--seed", "2")


def test_load_test_calendar_has_as_many_zones_as_asked_for_and_all_are_known() -> None:
    text = generate("--weddings", "20000", "--zones", "60", "--from", "2030-03-01", "--years", "1")
    made = list(csv.DictReader(text.decode().splitlines()))
    zones = {row["timezone"] for row in made}
    assert len(made) == 20_000
    assert len(zones) == 60
    assert all(ZoneInfo(zone) for zone in zones)
    assert {row["date"] for row in made} <= {
        date.fromordinal(day).isoformat()
        for day in range(date(2030, 3, 1).toordinal(), date(2031, 3, 1).toordinal())
    }


def test_ten_thousand_weddings_of_two_years_seven_cultures_twelve_zones(rows: list[Row]) -> None:
    assert len(rows) == len({row["id"] for row in rows}) == 10_000
    assert {row["date"][:4] for row in rows} == {"2026", "2027"}
    assert {row["culture"] for row in rows} == {
        *("british", "chinese", "greek", "indian", "jewish", "nigerian", "other"),
    }
    assert len({row["timezone"] for row in rows}) == 12
    assert {row["status"] for row in rows} == {"confirmed", "tentative", "cancelled"}
    assert {row["setting"] for row in rows} == {"indoor", "outdoor"}


def test_zones_lie_on_both_hemispheres_and_off_the_hour(rows: list[Row]) -> None:
    latitudes = [float(row["latitude"]) for row in rows if row["latitude"]]
    assert min(latitudes) < 0 < max(latitudes)
    zones = {row["timezone"] for row in rows}
    assert {"Asia/Kolkata", "Asia/Kathmandu", "America/St_Johns", "Australia/Adelaide"} <= zones


def test_some_cells_are_left_to_the_policy_and_all_bookings_come_before_the_day(
    rows: list[Row],
) -> None:
    for column in ("days", "guests", "latitude"):
        empty = sum(not row[column] for row in rows)
        assert 0 < empty < len(rows)
    assert all(row["x-booked-at"][:10] < row["date"] for row in rows)


@pytest.mark.parametrize(("month", "percent"), [(1, 2.6), (7, 13.1), (8, 14.3), (9, 13.0)])
def test_months_in_england_follow_the_office_for_national_statistics(
    rows: list[Row], month: int, percent: float
) -> None:
    days = english(rows)
    assert share(sum(day.month == month for day in days), len(days)) == pytest.approx(
        percent, abs=1.5
    )


def test_saturdays_in_england_follow_the_office_for_national_statistics(rows: list[Row]) -> None:
    days = english(rows)
    assert share(sum(day.weekday() == 5 for day in days), len(days)) == pytest.approx(41.9, abs=2)
    assert not [day for day in days if day.month == 12 and day.day in {25, 26}]


def test_indias_season_falls_on_eighteen_dates_most_of_them_in_the_week(rows: list[Row]) -> None:
    season = Counter(
        row["date"]
        for row in rows
        if row["country"] == "IN"
        and row["culture"] == "indian"
        and "2026-11-12" <= row["date"] <= "2026-12-16"
    )
    busiest = season.most_common(18)
    assert sum(count for _, count in busiest) > 0.9 * season.total()
    in_the_week = [day for day, _ in busiest if date.fromisoformat(day).weekday() < 5]
    assert len(in_the_week) >= 12


def test_australias_spring_follows_the_bureau_of_statistics(rows: list[Row]) -> None:
    months = Counter(int(row["date"][5:7]) for row in rows if row["country"] == "AU")
    total = months.total()
    assert share(months[10] + months[11], total) == pytest.approx(25.5, abs=4)
    assert share(months[6] + months[7], total) == pytest.approx(9.2, abs=3)


def test_no_jewish_wedding_on_the_sabbath(rows: list[Row]) -> None:
    weekdays = {
        date.fromisoformat(row["date"]).weekday() for row in rows if row["culture"] == "jewish"
    }
    assert not weekdays & {4, 5}


@pytest.mark.parametrize(
    "arguments",
    [("--weddings", "0"), ("--zones", "11"), ("--zones", "61"), ("--from", "2028-02-29")],
)
def test_generator_refuses_what_it_cannot_make(arguments: tuple[str, ...]) -> None:
    refused = subprocess.run(
        [sys.executable, str(GENERATOR), *arguments], check=False, capture_output=True, text=True
    )
    assert refused.returncode == 2
    assert "Traceback" not in refused.stderr
