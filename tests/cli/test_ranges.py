"""`gate windows`, `gate load` and `gate plan`: ranges in, JSON, text and iCalendar out."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from icalendar import Calendar

from tests.cli.conftest import Gate
from tests.cli.support import CALENDAR, INPUTS, POLICY

JUNE = ("--from", "2026-06-10T00:00:00Z", "--to", "2026-06-22T00:00:00Z")
RANGED = ["windows", "load", "plan"]


def test_windows_lists_stretches_with_their_causes(gate: Gate) -> None:
    ended = gate("windows", *INPUTS, *JUNE, "--json")
    assert (ended.code, ended.err) == (0, "")
    stretches = ended.json
    # An open window cuts Saturday the 13th in two; the load of three days runs into the 20th.
    assert [(s["start"], s["end"]) for s in stretches] == [
        ("2026-06-12T23:00:00Z", "2026-06-13T09:00:00Z"),
        ("2026-06-13T11:00:00Z", "2026-06-13T23:00:00Z"),
        ("2026-06-16T23:00:00Z", "2026-06-20T23:00:00Z"),
    ]
    assert all(set(s) == {"start", "end", "causes"} for s in stretches)
    window, level = stretches[2]["causes"]
    assert window == {
        "code": "window",
        "window": "saturday",
        "date": "2026-06-20",
        "zones": ["Europe/London"],
        "start": "2026-06-19T23:00:00Z",
        "end": "2026-06-20T23:00:00Z",
    }
    assert level == {
        "code": "level",
        "start": "2026-06-16T23:00:00Z",
        "end": "2026-06-19T23:00:00Z",
    }


def test_windows_cuts_stretches_but_not_causes(gate: Gate) -> None:
    ended = gate("windows", *INPUTS, "--from", "2026-06-20T10:00:00.5Z",
                 "--to", "2026-06-20T12:00:00Z", "--json")  # fmt: skip
    (stretch,) = ended.json
    assert (stretch["start"], stretch["end"]) == (
        "2026-06-20T10:00:00.500000Z",
        "2026-06-20T12:00:00Z",
    )
    assert stretch["causes"][0]["start"] == "2026-06-19T23:00:00Z"


def test_windows_of_what_a_scope_leaves_out_is_an_empty_array(gate: Gate) -> None:
    ended = gate("windows", *INPUTS, "--from", "2026-06-05T00:00:00Z", "--to",
                 "2026-06-08T00:00:00Z", "--environment", "staging", "--json")  # fmt: skip
    assert ended.json == []


def test_windows_text_has_the_offset_of_each_date(gate: Gate) -> None:
    ended = gate("windows", *INPUTS, "--from", "2026-10-24T00:00:00Z",
                 "--to", "2026-11-01T00:00:00Z", "--environment", "production")  # fmt: skip
    lines = ended.out.splitlines()
    assert lines[0] == (
        "Locked for deploy by automation to environment production, times of Europe/London"
    )
    assert lines[1].startswith("Sat 24 Oct 2026 01:00 +0100* to Sun 25 Oct 2026 00:00 +0100  23h")
    assert lines[2].strip() == "window saturday of 2026-10-24 in Europe/London"
    assert lines[3].startswith("Sat 31 Oct 2026 00:00 +0000 to Sun 01 Nov 2026 00:00 +0000*")
    assert "\x1b" not in ended.out


def test_windows_text_says_that_nothing_is_locked(gate: Gate) -> None:
    ended = gate("windows", *INPUTS, "--from", "2026-06-08T00:00:00Z",
                 "--to", "2026-06-09T00:00:00Z")  # fmt: skip
    assert "nothing from Mon 08 Jun 2026 01:00 +0100" in ended.out


@pytest.mark.parametrize("asked", [("--ics",), ("--format", "ics")])
def test_windows_can_be_subscribed_to(gate: Gate, asked: tuple[str, ...]) -> None:
    ended = gate("windows", *INPUTS, *JUNE, *asked)
    listed = gate("windows", *INPUTS, *JUNE, "--json").json
    events = Calendar.from_ical(ended.out.encode()).walk("VEVENT")
    assert [event.decoded("dtstart") for event in events] == [
        datetime.fromisoformat(stretch["start"]) for stretch in listed
    ]
    assert events[0].decoded("dtend") == datetime(2026, 6, 13, 9, tzinfo=UTC)
    assert "window saturday of 2026-06-13" in str(events[0]["description"])
    assert len({str(event["uid"]) for event in events}) == len(events)
    assert len(events[0].walk("VALARM")) == 2
    again = gate("windows", *INPUTS, *JUNE, *asked).out
    uids = [str(event["uid"]) for event in Calendar.from_ical(again.encode()).walk("VEVENT")]
    assert uids == [str(event["uid"]) for event in events]


def test_windows_takes_one_format(gate: Gate) -> None:
    ended = gate("windows", *INPUTS, *JUNE, "--ics", "--json")
    assert ended.code == 2
    assert "one of --json, --ics and --format" in ended.err


def test_load_gives_the_value_at_each_step(gate: Gate) -> None:
    ended = gate("load", *INPUTS, "--from", "2026-06-16T12:00:00Z",
                 "--to", "2026-06-16T15:30:00Z", "--json")  # fmt: skip
    samples = ended.json
    assert [sample["at"] for sample in samples] == [
        f"2026-06-16T{hour}:00:00Z" for hour in (12, 13, 14, 15)
    ]
    # One British church wedding of 150 guests in season, at 14:00 in London.
    assert samples[1] == {
        "at": "2026-06-16T13:00:00Z",
        "demand": 2.5,
        "needed": 1,
        "required_replicas": 10,
        "shortfall": 0,
        "level": "NORMAL",
        "weddings": 1,
    }


def test_load_text_is_a_line_a_step(gate: Gate) -> None:
    ended = gate("load", *INPUTS, "--from", "2026-06-17T00:00:00Z", "--to",
                 "2026-06-18T00:00:00Z", "--step", "6h")  # fmt: skip
    lines = ended.out.splitlines()
    assert len(lines) == 2 + 4
    assert lines[4].startswith("Wed 17 Jun 13:00 +0100")
    assert "MAXIMUM" in lines[4]


def test_plan_begins_at_from_and_covers_the_load(gate: Gate) -> None:
    ended = gate("plan", *INPUTS, "--from", "2026-06-16T22:00:00Z",
                 "--to", "2026-06-21T00:00:00Z", "--json")  # fmt: skip
    changes = ended.json
    assert set(changes[0]) == {"at", "min", "max", "level", "shortfall", "reason"}
    assert changes[0]["at"] == "2026-06-16T22:00:00Z"
    assert changes[0]["min"] == 10
    # The 17th begins in London at 23:00 UTC, and its replicas half an hour before.
    assert changes[1]["at"] == "2026-06-16T22:30:00Z"
    assert max(change["min"] for change in changes) == 50
    assert {change["min"] for change in changes} <= {10, 35, 50}


def test_plan_can_follow_the_load_replica_by_replica(gate: Gate) -> None:
    span = ("--from", "2026-06-16T22:00:00Z", "--to", "2026-06-21T00:00:00Z")
    ended = gate("plan", *INPUTS, *span, "--continuous", "--ahead", "0s", "--hold", "0s", "--json")
    assert {change["min"] for change in ended.json} - {10, 35, 50}
    both = gate("plan", *INPUTS, *span, "--continuous", "--rungs")
    assert both.code == 2
    assert "exclude each other" in both.err


def test_plan_text_is_a_table(gate: Gate) -> None:
    ended = gate("plan", *INPUTS, "--from", "2026-06-16T22:00:00Z", "--to", "2026-06-21T00:00:00Z")
    lines = ended.out.splitlines()
    assert lines[1].split()[:2] == ["from", "min"]
    assert lines[2].startswith("Tue 16 Jun 23:00 +0100  10 ")
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize("command", RANGED)
def test_an_empty_range_is_bad_usage(gate: Gate, command: str) -> None:
    at = "2026-06-10T00:00:00Z"
    for start, end in ((at, at), ("2026-06-10T00:00:01Z", at)):
        ended = gate(command, *INPUTS, "--from", start, "--to", end)
        assert (ended.code, ended.out) == (2, "")
        assert "--from must lie before --to" in ended.err


@pytest.mark.parametrize("command", RANGED)
def test_an_instant_without_an_offset_is_refused_by_name(gate: Gate, command: str) -> None:
    ended = gate(command, *INPUTS, "--from", "2026-06-10T00:00:00", "--to", "2026-06-11T00:00:00Z")
    assert ended.code == 2
    assert "'--from'" in ended.err
    assert "offset" in ended.err


@pytest.mark.parametrize("step", ["0s", "P0D", "-1h", "1", "500d"])
def test_a_step_must_be_a_positive_duration(gate: Gate, step: str) -> None:
    ended = gate("load", *INPUTS, *JUNE, f"--step={step}")
    assert (ended.code, ended.out) == (2, "")
    assert "--step" in ended.err


@pytest.mark.parametrize("command", [*RANGED, "explain"])
def test_unreadable_files_are_bad_input(gate: Gate, command: str) -> None:
    span = () if command == "explain" else JUNE
    ended = gate(command, "--policy", CALENDAR, "--calendar", CALENDAR, *span)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith(f"gate: {CALENDAR}:")
    ended = gate(command, "--policy", POLICY, "--calendar", POLICY, *span)
    assert (ended.code, ended.out) == (2, "")
    assert POLICY in ended.err
    ended = gate(command, "--policy", POLICY, "--calendar", "no-such-file.csv", *span)
    assert (ended.code, ended.out) == (2, "")
    assert "no-such-file.csv" in ended.err


def test_several_calendars_may_follow_one_option(gate: Gate, tmp_path: Path) -> None:
    other = tmp_path / "more.jsonl"
    other.write_text(
        json.dumps({"id": "z", "date": "2026-06-16", "timezone": "Europe/London"}) + "\n"
    )
    span = ("--from", "2026-06-16T13:00:00Z", "--to", "2026-06-16T14:00:00Z", "--json")
    ended = gate("load", "--policy", POLICY, "--calendar", CALENDAR, str(other), *span)
    assert ended.json[0]["weddings"] == 2
