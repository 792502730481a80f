"""What the worker goes by: the plan, its next change, and the fallback beside it in trouble."""

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gate.core.decision import Level
from gate.service.following import Following
from gate.service.load.observing import Observing
from gate.service.load.watch import Watch
from gate.service.scaling.worker.planning import Planning

POLICY = """\
version: 1
timezone: UTC
load:
  hours: {0: 1}
  saturday: 1
  season: {factor: 1}
  capacity: {units_per_replica: 30, floor: 10, high: 35, ceiling: 50, fallback: 27, emergency: 100}
"""
CALENDAR = "id,date,timezone,guests\nhigh,2026-06-10,UTC,90000\nmaximum,2026-06-11,UTC,202500\n"
AHEAD, HOLD = timedelta(minutes=30), timedelta(hours=1)


class Files:
    """A policy and a calendar that can break, and be mended."""

    def __init__(self, folder: Path) -> None:
        self.policy, self.calendar = folder / "policy.yaml", folder / "weddings.csv"
        self.policy.write_text(POLICY)
        self.calendar.write_text(CALENDAR)

    def planning(self) -> Planning:
        following = Following(str(self.policy), [str(self.calendar)])
        return Planning(following, ahead=AHEAD, hold=HOLD)

    def breaks(self, path: Path) -> None:
        path.write_text("version: [")


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def june(day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(2026, 6, day, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "level", "then"),
    [
        (june(5), Level.NORMAL, june(9, 23, 30)),
        (june(9, 23, 29), Level.NORMAL, june(9, 23, 30)),
        (june(9, 23, 30), Level.HIGH, june(10, 23, 30)),
        (june(10, 23, 30), Level.MAXIMUM, june(12, 1)),
        (june(12, 1), Level.NORMAL, june(19, 1)),
    ],
)
def test_the_next_change_is_the_plans(
    files: Files, now: datetime, level: Level, then: datetime
) -> None:
    planning = files.planning()
    assert planning.waits
    assert planning.look()
    assert not planning.waits
    assert planning.at(now).level == level
    assert planning.next_change(now) == then


def test_a_change_that_was_told_is_not_computed_again_until_it_comes(files: Files) -> None:
    planning = files.planning()
    planning.look()
    first = planning.next_change(june(9))
    assert planning.next_change(june(9, 12)) == first
    assert planning.next_change(first) == june(10, 23, 30)
    files.calendar.write_text("id,date,timezone,guests\nlater,2026-06-12,UTC,90000\n")
    assert planning.look()
    assert planning.next_change(june(9)) == june(11, 23, 30)


@pytest.mark.parametrize("which", ["policy", "calendar"])
def test_in_trouble_the_plan_goes_on_with_the_fallback_beside_it(files: Files, which: str) -> None:
    planning = files.planning()
    planning.look()
    path: Path = getattr(files, which)
    good = path.read_text()
    files.breaks(path)
    assert planning.look()
    assert not planning.look()
    judged = planning.at(june(10, 12))
    assert (judged.level, judged.fallback) == (Level.HIGH, True)
    assert judged.capacity is not None
    assert judged.capacity.fallback == 27
    assert "cannot be read" in judged.reason
    path.write_text(good)
    assert planning.look()
    assert not planning.at(june(10, 12)).fallback


@pytest.mark.parametrize(("which", "fallback"), [("policy", None), ("calendar", 27)])
def test_from_the_start_what_can_be_read_counts(
    files: Files, which: str, fallback: int | None
) -> None:
    files.breaks(getattr(files, which))
    planning = files.planning()
    assert planning.look()
    assert not planning.waits
    judged = planning.at(june(10, 12))
    assert (judged.level, judged.fallback) == (None, True)
    assert (None if judged.capacity is None else judged.capacity.fallback) == fallback


def test_a_source_of_load_that_fails_is_told_as_it_comes_and_goes(
    files: Files, tmp_path: Path
) -> None:
    load, now, stop = tmp_path / "load.csv", [june(10, 12)], threading.Event()
    observed = f"  observed: {{source: csv, file: '{load}', fails_after: 10m}}\n"
    files.policy.write_text(POLICY + observed)
    following = Following(str(files.policy), [str(files.calendar)])
    observing = Observing(following, Watch({}, clock=lambda: now[0]))
    planning = Planning(observing, ahead=AHEAD, hold=HOLD)
    observing.wait(stop)
    planning.look()
    assert not planning.at(now[0]).fallback
    now[0] = june(10, 13)
    observing.wait(stop)
    assert planning.look()
    (trouble,) = planning.troubles()
    assert "observed load is failed" in trouble
    assert str(load) in trouble
    judged = planning.at(now[0])
    assert (judged.level, judged.fallback) == (Level.HIGH, True)
    assert judged.reason == trouble
    assert not planning.look()
    load.write_text("timestamp,value\n2026-06-10T13:00:00Z,1\n")
    observing.wait(stop)
    assert planning.look()
    assert not planning.at(now[0]).fallback


def test_a_plan_that_cannot_be_computed_is_one_that_is_not_known(
    files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    def judging(read: object, at: datetime, **_: object) -> None:
        raise ZeroDivisionError(f"{at:%Y}")

    planning = files.planning()
    monkeypatch.setattr("gate.service.scaling.worker.planning.judge", judging)
    planning.look()
    judged = planning.at(june(10, 12))
    assert (judged.level, judged.fallback) == (None, True)
    assert judged.capacity is not None
    assert "ZeroDivisionError: 2026" in judged.reason


def test_a_database_that_has_not_told_yet_is_waited_for_and_then_a_trouble(files: Files) -> None:
    following = Following(None, [], database=True)
    planning = Planning(following, ahead=AHEAD, hold=HOLD)
    planning.look()
    assert planning.troubles() == ("the database has not told yet",)
    judged = planning.at(june(10))
    assert judged.fallback
    assert planning.next_change(june(10)) > june(10)
    assert files.policy.exists()
