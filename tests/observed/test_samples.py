"""Samples of the load in the database."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from gate.inputs import Compiled, read_inputs
from gate.service.load.sampling import Sampler
from gate.service.sources import Sources, absent
from gate.store.connect import Target, session
from gate.store.cultures import newest_profiles
from gate.store.load import SamplePart, load_parts, load_series, prune_samples, write_sample
from tests.postgres import fresh_schema

pytestmark = pytest.mark.store
NOON = datetime(2026, 2, 14, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
PART = SamplePart(zone="Europe/London", culture="greek", units=1.5, weddings=1)


@pytest.fixture(scope="module")
def shared() -> Iterator[Target]:
    with fresh_schema() as target:
        yield target


@pytest.fixture
def database(shared: Target) -> Iterator[psycopg.Connection]:
    with session(shared) as connection:
        connection.execute("TRUNCATE wedding_load_monitoring, cultural_wedding_optimizations")
        yield connection


def rows(connection: psycopg.Connection) -> list[tuple[object, ...]]:
    return connection.execute(
        "SELECT at, source, timezone, culture, demand_units, weddings"
        " FROM wedding_load_monitoring ORDER BY at, source, timezone, culture"
    ).fetchall()


class Scene:
    """A sampler over files."""

    def __init__(self, folder: Path, target: Target, observed: bool = True) -> None:
        self.load = folder / "load.csv"
        self.policy, self.calendar = folder / "policy.yaml", folder / "weddings.csv"
        self.load.write_text("timestamp,zone,culture,value\n")
        self.calendar.write_text(
            "id,date,timezone,culture\n"
            "1,2026-02-14,Europe/London,british\n2,2026-02-13,Asia/Kolkata,indian\n"
        )
        self.observed = observed
        self.write()
        self.now = NOON
        self.sampler = Sampler(target, self.booked, {}, clock=lambda: self.now)

    def write(self, more: str = "") -> None:
        observed = f"  observed: {{source: csv, file: '{self.load}'}}\n" if self.observed else ""
        self.policy.write_text(
            f"version: 1\ntimezone: Europe/London\nload:\n  saturday: 8\n{more}{observed}"
        )

    def booked(self) -> tuple[Compiled, Sources]:
        calendars = (str(self.calendar),)
        inputs = read_inputs(str(self.policy), calendars)
        assert isinstance(inputs, Compiled)
        return inputs, Sources(policy=str(self.policy), calendars=calendars)


def test_booked_and_observed_are_sampled_by_zone_and_culture(
    tmp_path: Path, shared: Target, database: psycopg.Connection
) -> None:
    scene = Scene(tmp_path, shared)
    scene.load.write_text(
        "timestamp,zone,culture,value\n"
        "2026-02-14T11:59:00Z,Europe/London,british,9\n2026-02-14T11:59:00Z,,,1\n"
    )
    scene.sampler.sample(NOON)
    assert rows(database) == [
        (NOON, "booked", "Asia/Kolkata", "indian", 12.8, 1),
        (NOON, "booked", "Europe/London", "british", 6.4, 1),
        (NOON, "observed", "*", "*", 1.0, 0),
        (NOON, "observed", "Europe/London", "british", 9.0, 0),
    ]
    scene.sampler.sample(NOON)
    assert len(rows(database)) == 4
    # An hour later what was observed is too old, and the Indian wedding's day has an evening.
    scene.sampler.sample(NOON + timedelta(hours=60))
    assert rows(database)[4:] == [(NOON + timedelta(hours=60), "booked", "*", "*", 0.0, 0)]


def test_a_source_that_fails_leaves_the_booked_samples_alone(
    tmp_path: Path, shared: Target, database: psycopg.Connection,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    scene = Scene(tmp_path, shared)
    scene.load.write_text("nonsense\n")
    scene.sampler.sample(NOON)
    scene.sampler.sample(NOON + 5 * MINUTE)
    assert [row[1] for row in rows(database)] == ["booked"] * 4
    assert capfd.readouterr().err.count("load-not-sampled") == 1


def test_nothing_is_sampled_while_nothing_is_known(
    shared: Target, database: psycopg.Connection
) -> None:
    nothing = Sources(policy=None, calendars=())
    Sampler(shared, lambda: (absent("nothing yet"), nothing), {}).sample(NOON)
    assert rows(database) == []


def test_of_several_servers_one_samples_an_instant(
    shared: Target, database: psycopg.Connection
) -> None:
    parts = [[PART, SamplePart(zone=f"zone-{n}", culture="*", units=float(n), weddings=0)]
             for n in range(8)]  # fmt: skip

    def write(number: int) -> bool:
        with session(shared) as connection:
            return write_sample(connection, NOON, "observed", parts[number])

    with ThreadPoolExecutor(8) as threads:
        written = list(threads.map(write, range(8)))
    assert written.count(True) == 1
    (winner,) = (number for number in range(8) if written[number])
    assert [row[2] for row in rows(database)] == ["Europe/London", f"zone-{winner}"]


def test_it_samples_full_intervals_until_it_is_told_to_stop(
    tmp_path: Path, shared: Target, database: psycopg.Connection
) -> None:
    scene = Scene(tmp_path, shared, observed=False)
    sampler = Sampler(shared, scene.booked, {}, every=timedelta(milliseconds=100))
    stop = threading.Event()
    worker = threading.Thread(target=sampler.run, args=[stop])
    worker.start()
    while len({row[0] for row in rows(database)}) < 3:
        stop.wait(0.01)
    stop.set()
    worker.join(20)
    assert not worker.is_alive()
    sampled = {row[0].microsecond for row in rows(database) if isinstance(row[0], datetime)}
    assert {each % 100_000 for each in sampled} == {0}


def test_samples_are_read_in_steps_and_by_their_parts(database: psycopg.Connection) -> None:
    for minutes, units in ((0, 10.0), (5, 30.0), (60, 7.0), (65, 9.0)):
        part = SamplePart(zone="Asia/Kolkata", culture="indian", units=units, weddings=2)
        write_sample(database, NOON + minutes * MINUTE, "booked", [PART, part])
    write_sample(database, NOON + 5 * MINUTE, "observed", [PART])
    steps = load_series(database, NOON, NOON + 65 * MINUTE, timedelta(hours=1))
    told = [(s.step - NOON, s.source, s.mean_units, s.peak_units, s.samples) for s in steps]
    assert told == [
        (timedelta(0), "booked", 21.5, 31.5, 2),
        (timedelta(0), "observed", 1.5, 1.5, 1),
        (timedelta(hours=1), "booked", 8.5, 8.5, 1),
    ]
    newest = load_parts(database, NOON + 66 * MINUTE, 30 * MINUTE)
    assert [(p.source, p.timezone, p.demand_units) for p in newest] == [
        ("booked", "Asia/Kolkata", 9.0), ("booked", "Europe/London", 1.5),
    ]  # fmt: skip
    assert [p.source for p in load_parts(database, NOON + 9 * MINUTE, 30 * MINUTE)] == [
        "booked", "booked", "observed",
    ]  # fmt: skip


def test_old_samples_are_pruned_in_bounds_the_oldest_first(
    tmp_path: Path, shared: Target, database: psycopg.Connection
) -> None:
    for days in range(4):
        write_sample(database, NOON + timedelta(days=days), "booked", [PART])
    assert prune_samples(database, NOON + timedelta(days=3), most=2) == 2
    assert [row[0] for row in rows(database)] == [
        NOON + timedelta(days=2), NOON + timedelta(days=3),
    ]  # fmt: skip
    Scene(tmp_path, shared).sampler.sample(NOON + timedelta(days=122, hours=12))
    assert rows(database)[0][0] == NOON + timedelta(days=3)


def test_the_series_and_the_pruning_use_the_index(database: psycopg.Connection) -> None:
    database.execute(
        "INSERT INTO wedding_load_monitoring SELECT %s::timestamptz + n * interval '5 minutes',"
        " 'booked', 'z', 'c', 1, 1 FROM generate_series(1, 20000) n", [NOON],
    )  # fmt: skip
    database.execute("ANALYZE wedding_load_monitoring")
    plan = "\n".join(
        line for (line,) in database.execute(
            "EXPLAIN SELECT at, source, sum(demand_units) FROM wedding_load_monitoring"
            " WHERE at >= %s AND at < %s GROUP BY at, source",
            [NOON, NOON + timedelta(hours=6)],
        )
    )  # fmt: skip
    assert "wedding_load_monitoring_pkey" in plan


def test_cultures_are_written_when_a_policy_is_first_loaded(
    tmp_path: Path, shared: Target, database: psycopg.Connection
) -> None:
    scene = Scene(tmp_path, shared)
    scene.sampler.sample(NOON)
    first = {profile.culture: profile for profile in newest_profiles(database, NOON)}
    assert sorted(first) == sorted(scene.booked()[0].policy.load.cultures)
    assert (float(first["indian"].factor), first["indian"].observed_factor) == (2.0, None)
    database.execute(
        "UPDATE cultural_wedding_optimizations SET observed_factor = 2.5, observed_samples = 50"
        " WHERE culture IN ('indian', 'greek')"
    )
    scene.sampler.sample(NOON + 5 * MINUTE)
    assert {p.valid_from for p in newest_profiles(database, NOON + 5 * MINUTE)} == {NOON}
    scene.write("  cultures: {greek: {factor: 1.6}}\n")
    later = NOON + 10 * MINUTE
    scene.sampler.sample(later)
    then = {profile.culture: profile for profile in newest_profiles(database, later)}
    assert {profile.valid_from for profile in then.values()} == {later}
    # What was learnt of a culture that is another now is forgotten, the others' is carried on.
    assert then["greek"].observed_factor is None
    assert (then["indian"].observed_factor, then["indian"].observed_samples) == (2.5, 50)
    assert {p.valid_from for p in newest_profiles(database, NOON)} == {NOON}
