"""The calendar as a source of load: its parts, and that they add up."""

import json
from datetime import date
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.calendars import WeddingRow, calendar_from_rows
from gate.calendars.breakdown import read_breakdown
from gate.core.breakdown import BookedPart, Breakdown
from gate.core.instants import HOUR
from gate.core.problems import InputError
from gate.load_sources.booked import Booked
from gate.load_sources.port import Part
from tests.core.build import policy
from tests.observed.build import us

LOAD = policy().load
NOON = us("2026-06-13T12:00:00Z")
ROWS = st.builds(
    WeddingRow,
    id=st.just("1"),
    date=st.dates(date(2026, 3, 25), date(2026, 4, 6)),
    timezone=st.sampled_from(["Europe/London", "Asia/Kolkata", "Pacific/Apia", "Australia/Sydney"]),
    days=st.none() | st.integers(1, 4),
    culture=st.sampled_from(sorted(LOAD.cultures)),
    guests=st.none() | st.integers(1, 900),
    venue=st.sampled_from([None, "palace", "barn"]),
    setting=st.sampled_from([None, "outdoor"]),
    country=st.sampled_from([None, "IN"]),
    latitude=st.sampled_from([None, -30.0, 30.0]),
)


def breakdown(rows: list[WeddingRow]) -> Breakdown:
    made = Breakdown(LOAD)
    for row in rows:
        made.add(
            zone=row.timezone, country=row.country, latitude=row.latitude, culture=row.culture,
            venue=row.venue, setting=row.setting, first=row.date.toordinal(), days=row.days,
            guests=row.guests,
        )  # fmt: skip
    return made


@given(
    rows=st.lists(ROWS, max_size=6),
    # Both of London's changes of offset, and one of Sydney's, lie within.
    instant=st.integers(us("2026-03-24T00:00:00Z"), us("2026-04-10T00:00:00Z")),
)
def test_the_parts_add_up_to_the_demand(rows: list[WeddingRow], instant: int) -> None:
    demand = calendar_from_rows(rows, LOAD).demand
    step = demand.index(instant)
    parts = list(breakdown(rows).parts(instant))
    assert float(sum((part.units for part in parts), Fraction(0))) == demand.units[step]
    assert sum(part.weddings for part in parts) == demand.standing[step]
    assert parts == sorted(parts, key=lambda part: (part.zone, part.culture))


def test_files_are_read_into_parts_without_what_is_cancelled(tmp_path: Path) -> None:
    path = tmp_path / "weddings.json"
    rows = [
        {"id": "1", "date": "2026-06-13", "timezone": "Europe/London", "culture": "british"},
        {"id": "2", "date": "2026-06-12", "timezone": "Asia/Kolkata", "culture": "indian",
         "guests": 300},
        {"id": "3", "date": "2026-06-13", "timezone": "Europe/London", "status": "cancelled"},
    ]  # fmt: skip
    path.write_text(json.dumps(rows))
    assert list(read_breakdown([path], LOAD).parts(NOON)) == [
        BookedPart(zone="Asia/Kolkata", culture="indian", units=Fraction(20) * 4 / 5, weddings=1),
        BookedPart(zone="Europe/London", culture="british", units=Fraction(20) * 4 / 5, weddings=1),
    ]
    path.write_text('[{"id": "1"}]')
    with pytest.raises(InputError, match="date"):
        read_breakdown([path], LOAD)


def test_it_is_a_source_like_any_other() -> None:
    row = WeddingRow(id="1", date=date(2026, 6, 16), timezone="Europe/London", culture="greek")
    source = Booked(breakdown([row]), calendar_from_rows([row], LOAD).demand)
    tuesday = us("2026-06-16T12:00:00+01:00")
    (part,) = source.latest(tuesday).parts
    assert (part.zone, part.culture, part.weddings) == ("Europe/London", "greek", 1)
    assert part.units == Fraction("1.4") * Fraction("2.5") * Fraction("0.8")
    assert source.latest(NOON).parts == (Part(units=Fraction(0)),)
    hours = source.between(tuesday, tuesday + 4 * HOUR)
    assert [((each.at - tuesday) // HOUR, float(each.units)) for each in hours] == [
        (0, 2.8), (2, 3.5), (4, 2.8),
    ]  # fmt: skip
    assert source.between(2, 1) == ()
