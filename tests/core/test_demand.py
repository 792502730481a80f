"""The compiled demand against the contract's formula, wedding by wedding, in fractions."""

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from math import ceil
from typing import NamedTuple

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gate.core.decision import Level
from gate.core.demand import (
    Calendar,
    DemandBuilder,
    level_of,
    required_replicas,
    rung_of,
    shortfall,
)
from gate.core.document import read_policy
from gate.core.instants import SECOND, from_micros, micros
from gate.core.policy import Capacity, LoadModel
from gate.core.zones import is_southern, zone

ODD_ZONES = (
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "America/Sao_Paulo",
    "America/Havana",
    "Africa/Casablanca",
    "America/St_Johns",
    "Asia/Kolkata",
    "Pacific/Kiritimati",
    "Antarctica/Troll",
    "Europe/London",
    "America/Caracas",
    "Asia/Kathmandu",
)
# Dates around which those zones change their clocks, some at or just after midnight.
ODD_DATES = (
    date(2011, 12, 30),
    date(2006, 4, 2),
    date(2006, 10, 29),
    date(2018, 11, 4),
    date(2018, 2, 18),
    date(2026, 3, 8),
    date(2026, 11, 1),
    date(2026, 4, 5),
    date(2026, 10, 4),
    date(2026, 2, 15),
    date(2026, 3, 22),
    date(2026, 3, 29),
    date(2016, 5, 1),
    date(1986, 1, 1),
)


class Wedding(NamedTuple):
    zone: str
    first: date
    days: int
    culture: str
    guests: int
    venue: str | None
    setting: str | None
    country: str | None
    latitude: float | None


def model(load: str = "") -> LoadModel:
    return read_policy(f"version: 1\ntimezone: UTC\n{load}".encode(), "p.yaml").load


DEFAULT = model()
STRANGE = model(
    """
load:
  cultures: {other: {factor: 0.7, guests: 13}, elvish: {factor: 3.3333, guests: 7, days: 9}}
  venues: {barn: 0.123456789}
  season: {factor: 0.37, north: [2, 3], south: [], countries: {BR: [11]}}
  saturday: 0.0
  hours: {0: 0.01, 1: 0.0, 2: 3.7, 23: 0.4}
  capacity: {units_per_replica: 0.3, floor: 1, high: 2, ceiling: 3, fallback: 1, emergency: 3}
"""
)


@st.composite
def weddings(draw: st.DrawFn) -> Wedding:
    near = draw(st.sampled_from(ODD_DATES))
    return Wedding(
        zone=draw(st.sampled_from(ODD_ZONES)),
        first=near + timedelta(days=draw(st.integers(-4, 3))),
        days=draw(st.integers(1, 5)),
        culture=draw(st.sampled_from(("indian", "other", "greek"))),
        guests=draw(st.integers(1, 900)),
        venue=draw(st.sampled_from((None, "palace", "barn", "yurt"))),
        setting=draw(st.sampled_from((None, "outdoor"))),
        country=draw(st.sampled_from((None, "IN", "BR"))),
        latitude=draw(st.sampled_from((None, -33.0, 0.0, 51.0))),
    )


def compiled(load: LoadModel, these: list[Wedding]) -> Calendar:
    builder = DemandBuilder(load)
    for wedding in these:
        unit = builder.unit(wedding.culture, wedding.venue, wedding.setting)
        stream = builder.stream(wedding.zone, wedding.country, wedding.latitude)
        stream.add(wedding.first.toordinal(), wedding.days, wedding.guests * unit)
    return builder.build()


def stands(wedding: Wedding, local: datetime) -> bool:
    return wedding.first <= local.date() < wedding.first + timedelta(days=wedding.days)


def demand_of(load: LoadModel, wedding: Wedding, local: datetime) -> Fraction:
    """The contract's formula for one wedding that stands at this local time."""
    culture = load.cultures[wedding.culture]
    months = load.season.north
    if wedding.country in load.season.countries:
        months = load.season.countries[wedding.country]
    elif wedding.latitude is not None:
        months = load.season.south if wedding.latitude < 0 else load.season.north
    elif is_southern(wedding.zone):
        months = load.season.south
    return (
        culture.factor
        * wedding.guests
        / culture.guests
        * load.venues.get(str(wedding.venue), Fraction(1))
        * load.settings.get(str(wedding.setting), Fraction(1))
        * (load.season.factor if local.month in months else 1)
        * (load.saturday if local.isoweekday() == 6 else 1)
        * load.hours[max(hour for hour in load.hours if hour <= local.hour)]
    )


def assert_agrees(load: LoadModel, these: list[Wedding], calendar: Calendar, at: int) -> None:
    """The step that holds an instant (microseconds) is what the formula says."""
    standing, total = 0, Fraction(0)
    for wedding in these:
        local = from_micros(at).astimezone(zone(wedding.zone))
        if stands(wedding, local):
            standing += 1
            total += demand_of(load, wedding, local)
    step = calendar.demand.index(at)
    assert calendar.demand.standing[step] == standing
    assert calendar.demand.units[step] == float(total)
    assert calendar.demand.needed[step] == ceil(total / load.capacity.units_per_replica)


@settings(max_examples=60)
@given(
    load=st.sampled_from((DEFAULT, STRANGE)),
    these=st.lists(weddings(), max_size=6),
    data=st.data(),
)
def test_demand_is_the_formula(load: LoadModel, these: list[Wedding], data: st.DataObject) -> None:
    calendar = compiled(load, these)
    assert calendar.weddings == len(these)
    boundaries = calendar.demand.starts[1:]
    for start in data.draw(
        st.lists(st.sampled_from(boundaries), max_size=12) if boundaries else st.just([])
    ):
        assert_agrees(load, these, calendar, start - 1)
        assert_agrees(load, these, calendar, start)
    for wedding in these:
        noon = datetime.combine(wedding.first, datetime.min.time(), UTC) + timedelta(hours=12)
        seconds = data.draw(st.integers(-2 * 86_400, (wedding.days + 2) * 86_400))
        assert_agrees(load, these, calendar, micros(noon + timedelta(seconds=seconds)))


@pytest.mark.parametrize("key", ODD_ZONES)
@pytest.mark.parametrize("first", ODD_DATES)
def test_every_half_hour_around_a_change_of_clocks(key: str, first: date) -> None:
    these = [Wedding(key, first, 1, "other", 150, None, None, None, None)]
    calendar = compiled(DEFAULT, these)
    start = datetime.combine(first, datetime.min.time(), UTC) - timedelta(hours=15)
    for step in range(54 * 2):
        at = micros(start + timedelta(minutes=30 * step))
        for second in (-1, 0, 60):
            assert_agrees(DEFAULT, these, calendar, at + second * SECOND)


def test_every_step_changes_something() -> None:
    these = [
        Wedding(key, date(2026, 3, 28), 3, "other", 150, None, None, None, None)
        for key in ODD_ZONES
    ]
    demand = compiled(DEFAULT, these).demand
    steps = list(zip(demand.units, demand.needed, demand.standing, strict=True))
    assert all(before != after for before, after in pairwise(steps))
    assert demand.starts == sorted(set(demand.starts))
    assert steps[0] == steps[-1] == (0.0, 0, 0)


@given(these=st.lists(weddings(), min_size=2, max_size=8), data=st.data())
@settings(max_examples=40)
def test_order_changes_nothing(these: list[Wedding], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(these))
    assert compiled(DEFAULT, these) == compiled(DEFAULT, shuffled)


@given(these=st.lists(weddings(), max_size=6), more=weddings(), at=st.data())
@settings(max_examples=40)
def test_one_more_wedding_never_lowers_the_demand(
    these: list[Wedding], more: Wedding, at: st.DataObject
) -> None:
    fewer, all_ = compiled(DEFAULT, these).demand, compiled(DEFAULT, [*these, more]).demand
    for start in {*fewer.starts, *all_.starts}:
        assert all_.needed[all_.index(start)] >= fewer.needed[fewer.index(start)]
        assert all_.units[all_.index(start)] >= fewer.units[fewer.index(start)]


@given(these=st.lists(weddings(), max_size=8))
@settings(max_examples=40)
@example(these=[])
def test_presence_is_the_local_dates_of_each_zone(these: list[Wedding]) -> None:
    presence = compiled(DEFAULT, these).presence
    expected: dict[str, set[int]] = {}
    for wedding in these:
        first = wedding.first.toordinal()
        expected.setdefault(wedding.zone, set()).update(range(first, first + wedding.days))
    assert {
        key: {day for run in runs for day in range(*run)} for key, runs in presence.items()
    } == (expected)
    for runs in presence.values():
        assert all(first < after < next_first for (first, after), (next_first, _) in pairwise(runs))


def test_a_skipped_local_date_has_no_demand() -> None:
    these = [Wedding("Pacific/Apia", date(2011, 12, 30), 1, "other", 150, None, None, None, None)]
    calendar = compiled(DEFAULT, these)
    assert calendar.weddings == 1
    assert calendar.presence == {
        "Pacific/Apia": ((date(2011, 12, 30).toordinal(), date(2011, 12, 31).toordinal()),)
    }
    assert set(calendar.demand.needed) == {0}
    assert set(calendar.demand.standing) == {0}


def test_a_stream_without_weddings_leaves_no_trace() -> None:
    builder = DemandBuilder(DEFAULT)
    builder.stream("Europe/London", None, None)
    calendar = builder.build()
    assert (calendar.weddings, calendar.presence) == (0, {})
    assert len(calendar.demand.starts) == 1


def test_huge_weights_stay_exact() -> None:
    """A double could not tell these from one another: the last guest decides."""
    load = model(
        "load:\n  hours: {0: 1}\n  saturday: 1\n  season: {factor: 1}\n"
        "  cultures: {other: {factor: 1.0, guests: 1}}\n  capacity: {units_per_replica: 1.0}\n"
    )
    guests = 10**18
    tuesday = date(2026, 1, 13)
    calendar = compiled(
        load,
        [
            Wedding("UTC", tuesday, 1, "other", guests, None, None, None, None),
            Wedding("UTC", tuesday, 1, "other", 1, None, None, None, None),
        ],
    )
    assert calendar.demand.needed[1] == guests + 1


def test_years_far_apart() -> None:
    these = [
        Wedding("Europe/London", date(1970, 1, 1), 31, "other", 150, None, None, None, None),
        Wedding("Europe/London", date(2199, 12, 31), 31, "other", 150, None, None, None, None),
    ]
    calendar = compiled(DEFAULT, these)
    for start in calendar.demand.starts[1:]:
        assert_agrees(DEFAULT, these, calendar, start)
        assert_agrees(DEFAULT, these, calendar, start - 1)


CAPACITY = Capacity(
    units_per_replica=Fraction(30), floor=10, high=35, ceiling=50, fallback=20, emergency=100
)


@pytest.mark.parametrize(
    ("needed", "level", "rung", "required", "short"),
    [
        (0, Level.NORMAL, 10, 10, 0),
        (10, Level.NORMAL, 10, 10, 0),
        (11, Level.HIGH, 35, 11, 0),
        (35, Level.HIGH, 35, 35, 0),
        (36, Level.MAXIMUM, 50, 36, 0),
        (50, Level.MAXIMUM, 50, 50, 0),
        (52, Level.MAXIMUM, 50, 50, 2),
    ],
)
def test_levels_and_rungs(needed: int, level: Level, rung: int, required: int, short: int) -> None:
    assert level_of(needed, CAPACITY) is level
    assert rung_of(needed, CAPACITY) == rung
    assert required_replicas(needed, CAPACITY) == required
    assert shortfall(needed, CAPACITY) == short
