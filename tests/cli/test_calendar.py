"""`gate calendar validate`."""

from pathlib import Path

from tests.cli.conftest import Gate
from tests.cli.support import CALENDAR, POLICY

GOOD = "id,date,timezone\na,2026-06-13,Europe/London\nb,2026-06-15,Asia/Kolkata\n"


def test_a_valid_calendar_is_summed_up(gate: Gate) -> None:
    ended = gate("calendar", "validate", CALENDAR)
    assert (ended.code, ended.err) == (0, "")
    assert "a valid calendar of 3 weddings in 2 time zones, 2026-06-13 to 2026-06-19" in ended.out
    found = gate("calendar", "validate", CALENDAR, "--json").json
    assert found["valid"] is True
    assert (found["weddings"], found["zones"]) == (3, 2)
    assert (found["first_date"], found["last_date"]) == ("2026-06-13", "2026-06-19")
    assert len(found["sha256"]) == 64


def test_every_bad_row_is_named_with_file_line_and_field(gate: Gate, tmp_path: Path) -> None:
    first, second = tmp_path / "a.csv", tmp_path / "b.csv"
    first.write_text(GOOD + "c,2026-02-30,Europe/London\nd,2026-06-13,Europe/Lundon\n")
    second.write_text(GOOD)
    ended = gate("calendar", "validate", str(first), str(second))
    assert (ended.code, ended.out) == (2, "")
    lines = ended.err.splitlines()
    assert any(line.startswith(f"gate: {first}:4: date: ") for line in lines)
    assert any(line.startswith(f"gate: {first}:5: timezone: ") for line in lines)
    assert any(line.startswith(f"gate: {second}:2: id: ") for line in lines)
    found = gate("calendar", "validate", str(first), str(second), "--json")
    assert found.code == 2
    assert found.json["valid"] is False
    assert {problem["line"] for problem in found.json["problems"]} >= {4, 5}


def test_cultures_are_judged_by_the_policy(gate: Gate, tmp_path: Path) -> None:
    policy, calendar = tmp_path / "p.yaml", tmp_path / "c.csv"
    calendar.write_text("id,date,timezone,culture\na,2026-06-13,Europe/London,martian\n")
    policy.write_text(
        "version: 1\ntimezone: UTC\nload: {cultures: {martian: {factor: 3, guests: 20, days: 2}}}\n"
    )
    assert gate("calendar", "validate", str(calendar)).code == 2
    assert gate("calendar", "validate", str(calendar), "--policy", POLICY).code == 2
    assert gate("calendar", "validate", str(calendar), "--policy", str(policy)).code == 0


def test_no_wedding_is_valid_and_warned_of(gate: Gate, tmp_path: Path) -> None:
    path = tmp_path / "none.csv"
    path.write_text("id,date,timezone\n")
    ended = gate("calendar", "validate", str(path))
    assert ended.code == 0
    assert "without weddings" in ended.out
    assert ended.err.startswith("gate: warning: ")


def test_files_must_be_named_and_be_there(gate: Gate, tmp_path: Path) -> None:
    assert gate("calendar", "validate").code == 2
    assert gate("calendar", "validate", str(tmp_path / "none.csv")).code == 2
    assert gate("calendar", "validate", str(tmp_path)).code == 2
    assert gate("calendar", "validate", CALENDAR, "--policy", CALENDAR).code == 2
