"""`gate observed`: what the source says, what was sampled, what that teaches."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from gate.core.document import read_policy
from gate.core.learnt import factors_of
from gate.core.policy import Policy
from gate.service.feed import Inputs
from gate.service.snapshots import Snapshots
from gate.store.connect import Target, session
from gate.store.cultures import learnt_rows, newest_profiles, unchanged_since, write_profiles
from gate.store.load import SamplePart, write_sample
from tests.cli.run import Outcome, gate
from tests.postgres import fresh_schema
from tests.webhook.gate_webhook import until

pytestmark = pytest.mark.store
HOUR = timedelta(hours=1)


@pytest.fixture
def target() -> Iterator[Target]:
    with fresh_schema() as made:
        yield made


@pytest.fixture
def database(target: Target) -> Iterator[psycopg.Connection]:
    with session(target) as connection:
        yield connection


class Scene:
    """A policy that learns, and a database."""

    def __init__(self, folder: Path, target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("GATE_DSN", target.dsn)
        monkeypatch.setenv("GATE_SCHEMA", target.schema)
        self.load = folder / "load.csv"
        self.path = folder / "policy.yaml"
        self.write("use: true, at_least_samples: 20")
        self.now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)

    def write(self, learned: str, more: str = "") -> None:
        self.path.write_text(
            "version: 1\ntimezone: Europe/London\nload:\n"
            f"  observed: {{source: csv, file: '{self.load}', learned: {{{learned}}}}}\n{more}"
        )

    def policy(self) -> Policy:
        return read_policy(self.path.read_bytes(), "policy.yaml")

    def gate(self, *words: str) -> Outcome:
        return gate("observed", *words)

    def learn(self, *more: str) -> Outcome:
        return self.gate("learn", "--policy", str(self.path), "--by", "ann", "--json", *more)

    def sampled(self, connection: psycopg.Connection, hours: int, indian: float) -> None:
        """Hours of Indian and British weddings; what was observed of the Indian ones is more."""
        write_profiles(connection, self.policy(), self.now - hours * HOUR - HOUR)
        for number in range(hours):
            booked = {"indian": 10.0 + number % 7, "british": 5.0 + number % 5}
            whole = booked["indian"] * indian + booked["british"]
            for minutes in (0, 30):
                at = self.now - number * HOUR + timedelta(minutes=minutes) - HOUR
                parts = [SamplePart(zone="Asia/Kolkata", culture=name, units=units, weddings=1)
                         for name, units in booked.items()]  # fmt: skip
                write_sample(connection, at, "booked", parts)
                write_sample(connection, at, "observed", [
                    SamplePart(zone="*", culture="*", units=whole, weddings=0),
                ])  # fmt: skip


@pytest.fixture
def scene(tmp_path: Path, target: Target, monkeypatch: pytest.MonkeyPatch) -> Scene:
    return Scene(tmp_path, target, monkeypatch)


def test_what_is_learnt_is_shown_then_written_then_in_force(
    scene: Scene, database: psycopg.Connection
) -> None:
    scene.sampled(database, 60, indian=1.5)
    shown = scene.learn("--dry-run")
    assert (shown.code, shown.err) == (0, "")
    lines = {line["culture"]: line for line in shown.json}
    assert lines.keys() == {"indian", "british"}
    assert (lines["indian"]["own_factor"], lines["indian"]["samples"]) == (2.0, 60)
    # Both vary little: the policy's own factors are a good part of the answer.
    assert 2.6 < lines["indian"]["learnt_factor"] < 3.0
    assert 1.0 < lines["british"]["learnt_factor"] < 1.4
    assert not any(line["written"] for line in shown.json)
    before = datetime.now(UTC)

    assert all(line["written"] for line in scene.learn().json)
    now = datetime.now(UTC)
    learnt = {each.culture: each for each in newest_profiles(database, now)}
    assert learnt["indian"].observed_factor == lines["indian"]["learnt_factor"]
    assert (learnt["indian"].observed_samples, learnt["greek"].observed_factor) == (60, None)
    assert {p.observed_factor for p in newest_profiles(database, before)} == {None}
    (event,) = [
        event for (event,) in database.execute(
            "SELECT convert_from(payload, 'utf8')::jsonb FROM saturday_protection_audit"
        )
    ]  # fmt: skip
    found = factors_of(learnt_rows(database), scene.policy())
    factors = {each.culture: each.factor for each in found}
    assert float(factors["indian"]) == lines["indian"]["learnt_factor"]
    assert (event["kind"], event["action"], event["actor"]) == ("policy", "learn", "ann")
    assert event["details"]["samples"] == {"indian": 60, "british": 60}
    # The same once more is no news.
    assert not any(line["written"] for line in scene.learn().json)


def test_too_few_hours_teach_nothing(scene: Scene, database: psycopg.Connection) -> None:
    scene.sampled(database, 19, indian=1.5)
    outcome = scene.learn()
    assert (outcome.code, outcome.json) == (0, [])
    assert "no culture has 20 hours with booked and observed load" in outcome.err


def test_hours_before_the_cultures_were_changed_teach_nothing(
    scene: Scene, database: psycopg.Connection
) -> None:
    scene.sampled(database, 60, indian=1.5)
    scene.write("at_least_samples: 20", "  cultures: {greek: {factor: 1.7}}\n")
    assert scene.learn().json == []
    write_profiles(database, scene.policy(), scene.now - 30 * HOUR)
    (line, _) = scene.learn().json
    assert line["samples"] == 30
    assert "load.observed.learned.use is false" in scene.learn().err


def test_profiles_say_since_when_the_cultures_are_what_they_are(
    scene: Scene, database: psycopg.Connection
) -> None:
    def since(policy: Policy) -> datetime | None:
        return unchanged_since(newest_profiles(database, scene.now + 9 * HOUR), policy)

    first, other = scene.policy(), None
    assert since(first) is None
    write_profiles(database, first, scene.now)
    assert since(first) == scene.now
    scene.write("use: false", "  cultures: {greek: {days: 2}}\n")
    other = scene.policy()
    assert since(other) is None
    assert write_profiles(database, other, scene.now + HOUR)
    assert not write_profiles(database, other, scene.now + 2 * HOUR)
    assert (since(first), since(other)) == (None, scene.now + HOUR)
    assert factors_of(learnt_rows(database), other) == ()


def test_the_active_policy_is_the_one_that_learns(scene: Scene) -> None:
    missing = scene.gate("learn")
    assert missing.code == 2
    assert "no policy is active in the database" in missing.err
    gate("policy", "import", str(scene.path), "--activate", "--by", "ann")
    assert scene.gate("learn", "--dry-run").code == 0
    scene.path.write_text("version: 1\ntimezone: Europe/London\n")
    bad = scene.learn()
    assert bad.code == 2
    assert "load.observed: the policy names no source of observed load" in bad.err


def test_samples_are_printed(scene: Scene, database: psycopg.Connection) -> None:
    scene.sampled(database, 2, indian=1.0)
    words = ("samples", "--from", f"{scene.now - 2 * HOUR:%Y-%m-%dT%H:00:00Z}",
             "--to", f"{scene.now:%Y-%m-%dT%H:00:00Z}")  # fmt: skip
    told = scene.gate(*words, "--json").json
    assert [(s["source"], s["mean_units"], s["samples"]) for s in told] == [
        ("booked", 17.0, 2), ("observed", 17.0, 2), ("booked", 15.0, 2), ("observed", 15.0, 2),
    ]  # fmt: skip
    assert "observed  mean       15.0  peak       15.0  2 samples" in scene.gate(*words).out
    assert scene.gate(*words, "--step", "0s").code == 2


def test_a_source_is_asked_once(scene: Scene) -> None:
    now = ("now", "--policy", str(scene.path), "--at", "2026-02-14T12:00:00Z")
    missing = scene.gate(*now)
    assert (missing.code, missing.out) == (4, "")
    assert "cannot be read" in missing.err
    scene.load.write_text("timestamp,zone,value\n")
    assert "the source says nothing" in scene.gate(*now).err
    assert scene.gate(*now, "--json").json["demand"] is None
    scene.load.write_text("timestamp,zone,value\n2026-02-14T11:00:00Z,Asia/Kolkata,3\n")
    assert scene.gate(*now, "--json").json == {
        "source": "csv", "at": "2026-02-14T11:00:00Z", "demand": 3.0,
        "parts": [{"zone": "Asia/Kolkata", "culture": "*", "demand": 3.0}],
    }  # fmt: skip
    assert "Asia/Kolkata" in scene.gate(*now).out


def test_servers_are_told_of_what_was_learnt(
    scene: Scene, database: psycopg.Connection, target: Target, tmp_path: Path
) -> None:
    scene.sampled(database, 60, indian=1.5)
    told: list[Inputs] = []
    stop = threading.Event()
    state = tmp_path / "state"
    state.mkdir()
    snapshots = Snapshots(target, state, told.append, policy=False, calendar=False)
    thread = threading.Thread(target=snapshots.run, args=[stop])
    thread.start()
    try:
        until(lambda: any(each.read_at and not each.restored for each in told))
        assert {row.learnt for row in told[-1].learnt} == {None}
        assert scene.learn().code == 0
        until(lambda: any(row.learnt for row in told[-1].learnt), seconds=5.0)
    finally:
        stop.set()
        thread.join(20)
    factors = factors_of(told[-1].learnt, scene.policy())
    assert [each.culture for each in factors if each.factor > 2] == ["indian"]
