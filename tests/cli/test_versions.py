"""Policies and calendars in a real PostgreSQL, in versions."""

from pathlib import Path

from gate.store.connect import Target
from tests.cli.conftest import Gate
from tests.cli.support import CALENDAR, POLICY


def test_a_policy_is_stored_once_and_activated(gate: Gate, store: Target, tmp_path: Path) -> None:
    first = gate("policy", "import", POLICY, "--json").json
    assert (first["version"], first["active"]) == (1, False)
    assert gate("policy", "import", POLICY, "--json").json == first
    other = tmp_path / "other.yaml"
    other.write_text("version: 1\ntimezone: UTC\n")
    second = gate("policy", "import", str(other), "--activate", "--json").json
    assert (second["version"] > 1, second["active"]) == (True, True)
    assert gate("policy", "activate", "1", "--json").json["active"] is True
    listed = gate("policy", "list", "--json").json
    assert [(each["version"], each["active"]) for each in listed] == [
        (second["version"], False),
        (1, True),
    ]
    assert "active" in gate("policy", "list").out
    assert gate("policy", "activate", "77").code == 2
    other.write_text("version: 2\n")
    assert gate("policy", "import", str(other)).code == 2
    assert len(gate("policy", "list", "--json").json) == 2


def test_a_calendar_is_imported_whole_or_not_at_all(
    gate: Gate, store: Target, tmp_path: Path
) -> None:
    done = gate("calendar", "import", CALENDAR, "--json")
    assert (done.code, done.err) == (0, "")
    assert (done.json["weddings"], done.json["cancelled"]) == (4, 1)
    assert done.json["imported_by"] == "ann"
    assert gate("calendar", "validate", CALENDAR, "--json").json["sha256"] == done.json["sha256"]
    bad = tmp_path / "bad.csv"
    bad.write_text("id,date,timezone\na,2026-06-13,Europe/London\nb,2026-06-13,Nowhere\n")
    failed = gate("calendar", "import", str(bad))
    assert (failed.code, failed.out) == (2, "")
    assert f"{bad}:3: timezone" in failed.err
    assert [each["version"] for each in gate("calendar", "list", "--json").json] == [1]
    assert "calendar 1: 4 weddings, 1 of them cancelled, by ann" in gate("calendar", "list").out
    kinds = [row["kind"] for row in gate("audit", "list", "--json").json]
    assert kinds == ["calendar"]


def test_a_calendar_without_weddings_is_imported_with_a_warning(
    gate: Gate, store: Target, tmp_path: Path
) -> None:
    path = tmp_path / "none.csv"
    path.write_text("id,date,timezone\n")
    ended = gate("calendar", "import", str(path))
    assert ended.code == 0
    assert ended.err.startswith("gate: warning: ")
    assert gate("calendar", "import", "/dev/null").code == 2
