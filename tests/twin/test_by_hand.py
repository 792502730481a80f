"""The twin against answers worked out by hand, so that it, too, can be wrong in public."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.twin.answers import Twin
from tests.twin.document import instant
from tests.twin.zones import lies_south

HOUR = timedelta(hours=1)


def policy(**parts: Any) -> dict[str, Any]:
    """A policy at home in London without the level lock, unless the parts say otherwise."""
    base = {"version": 1, "timezone": "Europe/London", "level_lock": {"at": "never"}}
    return {**base, **parts}


def wedding(day: str, zone: str = "Europe/London", **parts: Any) -> dict[str, Any]:
    return {"id": f"{day}-{zone}-{parts}", "date": day, "timezone": zone, **parts}


def stretches(twin: Twin, start: str, end: str, **request: str) -> list[tuple[str, str]]:
    found = twin.windows(request, instant(start), instant(end))
    return [(row["start"], row["end"]) for row in found]


@pytest.mark.parametrize("day", ["2026-03-29", "2026-10-25"])
def test_window_within_the_hour_of_a_clock_change_lasts_an_hour_and_forty(day: str) -> None:
    rule = "FREQ=YEARLY;BYMONTH=3,10;BYDAY=-1SU"
    window = {"name": "w", "rrule": rule, "from": "01:10", "to": "01:50", "zones": ["home"]}
    twin = Twin(policy(windows=[window]), [])
    assert stretches(twin, f"{day}T00:00:00Z", f"{day}T03:00:00Z") == [
        (f"{day}T00:10:00Z", f"{day}T01:50:00Z")
    ]


def test_the_day_that_apia_skipped() -> None:
    window = {"name": "w", "rrule": "FREQ=DAILY", "since": "2011-12-30", "zones": ["venues"]}
    rows = [wedding("2011-12-30", "Pacific/Apia")]
    twin = Twin(policy(windows=[window]), rows)
    assert stretches(twin, "2011-12-28T00:00:00Z", "2012-01-02T00:00:00Z") == [
        ("2011-12-29T10:00:00Z", "2011-12-30T10:00:00Z")
    ]
    range_ = instant("2011-12-28T00:00:00Z"), instant("2012-01-02T00:00:00Z")
    assert not any(row["weddings"] for row in twin.load(*range_, timedelta(minutes=30)))


def test_a_venue_zone_counts_on_dates_with_weddings_only() -> None:
    twin = Twin(policy(), [wedding("2026-06-13", "Asia/Kolkata")])
    early = twin.decide({}, instant("2026-06-12T18:30:00Z"))
    assert early["phase"] == "locked"
    assert early["reasons"] == [
        {
            "code": "window",
            "window": "saturday",
            "date": "2026-06-13",
            "zones": ["Asia/Kolkata"],
            "start": "2026-06-12T18:30:00Z",
            "end": "2026-06-13T18:30:00Z",
        }
    ]
    both = twin.decide({}, instant("2026-06-13T12:00:00Z"))
    assert both["reasons"][0]["zones"] == ["Asia/Kolkata", "Europe/London"]
    assert both["reasons"][0]["end"] == "2026-06-13T23:00:00Z"
    assert both["locked_from"] == "2026-06-12T18:30:00Z"
    assert twin.decide({}, instant("2026-06-19T18:30:00Z"))["phase"] == "open"


def test_a_wedding_on_the_second_date_of_a_night_brings_its_zone() -> None:
    night = {"name": "w", "rrule": "FREQ=WEEKLY;BYDAY=FR", "from": "22:00", "to": "02:00"}
    twin = Twin(policy(windows=[night]), [wedding("2026-06-13", "Asia/Kolkata")])
    assert stretches(twin, "2026-06-12T00:00:00Z", "2026-06-14T00:00:00Z") == [
        ("2026-06-12T16:30:00Z", "2026-06-12T20:30:00Z"),
        ("2026-06-12T21:00:00Z", "2026-06-13T01:00:00Z"),
    ]


@pytest.mark.parametrize(
    ("at", "phase", "change"),
    [
        ("2026-06-12T20:59:59.999999Z", "open", "2026-06-12T21:00:00Z"),
        ("2026-06-12T21:00:00Z", "lead", "2026-06-13T23:00:00Z"),
        ("2026-06-12T22:59:59.999999Z", "lead", "2026-06-13T23:00:00Z"),
        ("2026-06-12T23:00:00Z", "locked", "2026-06-13T23:00:00Z"),
        ("2026-06-13T23:00:00Z", "open", "2026-06-19T21:00:00Z"),
    ],
)
def test_lead_is_closed_where_it_begins_and_open_where_it_ends(
    at: str, phase: str, change: str
) -> None:
    answer = Twin(policy(lead="2h"), []).decide({}, instant(at))
    assert (answer["phase"], answer["next_change"]) == (phase, change)


def test_restart_is_allowed_in_the_lead_and_scale_up_never_changes() -> None:
    twin = Twin(policy(lead="2h"), [])
    lead = instant("2026-06-12T21:00:00Z")
    restart = twin.decide({"action": "restart"}, lead)
    assert (restart["verdict"], restart["next_change"]) == ("allow", "2026-06-12T23:00:00Z")
    assert restart["reasons"][0]["code"] == "lead"
    assert restart["locked_from"] == "2026-06-12T23:00:00Z"
    assert twin.decide({"action": "scale-up"}, lead)["next_change"] is None


def test_levels_are_exact_at_their_edges() -> None:
    tenth = {"factor": "0.1", "guests": 1, "days": 1}
    load = {
        "cultures": {"tenth": tenth},
        "hours": {0: 1},
        "season": {"factor": 1},
        "capacity": {"units_per_replica": "0.1", "floor": 3, "high": 4, "ceiling": 5},
    }
    twin = {
        n: Twin(
            policy(load=load),
            [wedding("2026-06-16", culture="tenth", guests=1, venue=f"v{i}") for i in range(n)],
        ).decide({}, instant("2026-06-16T12:00:00Z"))
        for n in (3, 4, 5, 7)
    }
    assert [(n, twin[n]["load"]["needed"], twin[n]["level"]) for n in twin] == [
        (3, 3, "NORMAL"),
        (4, 4, "HIGH"),
        (5, 5, "MAXIMUM"),
        (7, 7, "MAXIMUM"),
    ]
    assert twin[3]["load"]["demand"] == 0.3
    assert (twin[7]["load"]["required_replicas"], twin[7]["load"]["shortfall"]) == (5, 2)


def test_fifty_indian_weddings_on_a_saturday_in_november() -> None:
    rows = [
        wedding("2026-11-14", "Asia/Kolkata", culture="indian", country="IN", venue=f"v{i}")
        for i in range(50)
    ]
    row = Twin(policy(), rows).load(
        instant("2026-11-14T08:30:00Z"), instant("2026-11-14T08:30:01Z"), HOUR
    )
    assert row == [
        {
            "at": "2026-11-14T08:30:00Z",
            "demand": 2000.0,
            "needed": 67,
            "required_replicas": 50,
            "shortfall": 17,
            "level": "MAXIMUM",
            "weddings": 50,
        }
    ]


def test_a_local_date_that_comes_back_after_midnight() -> None:
    twin = Twin(policy(), [wedding("2010-11-06", "America/St_Johns", days=1)])
    answers = {
        at: twin.decide({}, instant(f"2010-11-07T{at}Z"))["load"]["weddings_today"]
        for at in ("02:29:59", "02:30:00", "02:30:59", "02:31:00", "03:29:59", "03:30:00")
    }
    assert list(answers.values()) == [1, 0, 0, 1, 1, 0]


def test_the_season_of_the_south() -> None:
    assert lies_south("Australia/ACT")
    assert not lies_south("Etc/GMT-10")
    january = "2026-01-05"
    at = instant("2026-01-05T04:00:00Z")
    demands = [
        Twin(policy(), [wedding(january, "Australia/Sydney", **parts)]).loads.at_instant(at)
        for parts in ({}, {"latitude": 0}, {"latitude": -0.1}, {"latitude": 5, "country": "IN"})
    ]
    assert [float(d) for d in demands] == [2.5, 1.0, 2.5, 2.5]


def level_policy(**parts: Any) -> dict[str, Any]:
    """Locked from one wedding on between 14:00 and 16:00 and from 18:00 to 20:00 UTC."""
    load = {
        "cultures": {"one": {"factor": 1, "guests": 1, "days": 1}},
        "hours": {"0": 0, "14": 1, "16": 0, "18": 1, "20": 0},
        "season": {"factor": 1},
        "capacity": {"units_per_replica": 1, "floor": 1, "high": 2, "ceiling": 3},
    }
    return {"version": 1, "timezone": "UTC", "windows": [], "load": load, **parts}


@pytest.mark.parametrize(("join", "parts"), [("2h", 2), ("7201s", 1), ("0s", 2)])
def test_a_gap_of_exactly_join_is_not_filled(join: str, parts: int) -> None:
    rows = [wedding("2026-06-16", "UTC", culture="one", guests=2)]
    twin = Twin(level_policy(level_lock={"join": join}), rows)
    assert len(stretches(twin, "2026-06-16T00:00:00Z", "2026-06-17T00:00:00Z")) == parts
    gap = twin.decide({}, instant("2026-06-16T17:00:00Z"))
    assert gap["level"] == "NORMAL"
    if parts == 1:
        assert gap["reasons"] == [
            {
                "code": "level",
                "level": "NORMAL",
                "start": "2026-06-16T14:00:00Z",
                "end": "2026-06-16T20:00:00Z",
            }
        ]


def test_the_plan_covers_both_ends() -> None:
    rows = [wedding("2026-06-16", "UTC", culture="one", guests=2)]
    twin = Twin(level_policy(), rows)
    plan = twin.plan(
        instant("2026-06-16T12:00:00Z"),
        instant("2026-06-17T00:00:00Z"),
        ahead=timedelta(minutes=30),
        hold=HOUR,
    )
    assert [(row["at"][11:16], row["min"], row["level"]) for row in plan] == [
        ("12:00", 1, "NORMAL"),
        ("13:30", 2, "HIGH"),
        ("17:00", 1, "NORMAL"),
        ("17:30", 2, "HIGH"),
        ("21:00", 1, "NORMAL"),
    ]


def test_an_open_window_needs_every_field_of_its_scope() -> None:
    night = {
        "name": "night",
        "kind": "open",
        "start": "2026-06-13T01:00:00Z",
        "end": "2026-06-13T04:00:00+01:00",
        "scope": {"environments": ["prod*"], "services": ["*"]},
    }
    saturday = {"name": "saturday", "rrule": "FREQ=WEEKLY;BYDAY=SA"}
    twin = Twin(policy(windows=[saturday, night], lead="1d"), [])
    range_ = "2026-06-13T00:00:00Z", "2026-06-13T12:00:00Z"
    split = stretches(twin, *range_, environment="prod", service="api")
    assert split == [
        ("2026-06-13T00:00:00Z", "2026-06-13T01:00:00Z"),
        ("2026-06-13T03:00:00Z", "2026-06-13T12:00:00Z"),
    ]
    assert len(stretches(twin, *range_, environment="prod")) == 1
    assert len(stretches(twin, *range_, environment="Prod", service="api")) == 1
    inside = twin.decide({"environment": "prod", "service": "a"}, instant("2026-06-13T02:00:00Z"))
    assert (inside["phase"], inside["reasons"]) == ("open", [])
    assert inside["next_change"] == "2026-06-13T03:00:00Z"


def test_a_manual_lock_stands_in_an_open_window() -> None:
    opened = {
        "name": "o",
        "kind": "open",
        "start": "2026-06-13T01:00:00Z",
        "end": "2026-06-13T09:00:00Z",
    }
    lock = {"id": "m", "start": "2026-06-13T02:00:00Z", "end": None, "actions": ["deploy"]}
    twin = Twin(policy(windows=[opened]), [], [lock])
    answer = twin.decide({}, instant("2026-06-13T03:00:00Z"))
    assert (answer["phase"], answer["locked_from"]) == ("locked", "2026-06-13T02:00:00Z")
    assert (answer["locked_until"], answer["next_change"]) == (None, None)
    assert twin.decide({"action": "config"}, instant("2026-06-13T03:00:00Z"))["phase"] == "open"


@pytest.mark.parametrize(("late", "seen"), [("00", True), ("00.000001", False)])
def test_nine_thousand_six_hundred_hours(late: str, seen: bool) -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    edge = (at + timedelta(hours=9600)).isoformat()[:17] + late + "Z"
    lock = {"name": "w", "start": "2025-12-31T00:00:00Z", "end": edge}
    locked = Twin(policy(windows=[lock]), []).decide({}, at)
    assert (locked["locked_until"] is not None, locked["next_change"] is not None) == (seen, seen)
    assert locked["reasons"][0]["end"] == edge
    back = (at - timedelta(hours=9600)).isoformat()[:17]
    start = back + "00Z" if seen else "2024-11-26T23:59:59.999999Z"
    lock = {"name": "w", "start": start, "end": "2026-01-02T00:00:00Z"}
    answer = Twin(policy(windows=[lock]), []).decide({}, at)
    assert answer["locked_from"] == (start if seen else None)


def test_count_counts_excepted_dates_and_touching_days_merge() -> None:
    window = {
        "name": "w",
        "rrule": "FREQ=DAILY;COUNT=4",
        "since": "2026-06-01",
        "except": ["2026-06-03"],
        "zones": ["UTC"],
    }
    twin = Twin(policy(windows=[window]), [])
    found = twin.windows({}, instant("2026-06-01T12:00:00Z"), instant("2026-07-01T00:00:00Z"))
    assert [(row["start"], row["end"]) for row in found] == [
        ("2026-06-01T12:00:00Z", "2026-06-03T00:00:00Z"),
        ("2026-06-04T00:00:00Z", "2026-06-05T00:00:00Z"),
    ]
    assert [cause["start"] for cause in found[0]["causes"]] == [
        "2026-06-01T00:00:00Z",
        "2026-06-02T00:00:00Z",
    ]


def test_partial_cells_and_mode_warn() -> None:
    actions = {"restart": {"locked": {"human": "allow"}}}
    twin = Twin(policy(actions=actions, mode="warn"), [])
    at = instant("2026-06-13T12:00:00Z")
    human = twin.decide({"action": "restart", "invoker": "human"}, at)
    robot = twin.decide({"action": "restart", "environment": ""}, at)
    assert (human["verdict"], human["effect"]) == ("allow", "allow")
    assert (robot["verdict"], robot["effect"]) == ("deny", "warn")
    assert robot["request"] == {"action": "restart", "invoker": "automation"}
