"""`gate policy`: validate, show, schema, test."""

import json
from pathlib import Path

import yaml

from gate.core.document import read_policy
from tests.cli.conftest import Gate
from tests.cli.support import CALENDAR, POLICY

BAD = "version: 1\ntimezone: Europe/Lundon\nlead: soon\n"
TABLE = """\
policy: {policy}
calendars: [{calendar}]
cases:
  - name: a Saturday
    at: 2026-06-13T07:00:00Z
    environment: production
    expect: {{verdict: deny, phase: locked, effect: block}}
  - name: a Monday
    at: 2026-06-15T07:00:00Z
    expect: {monday}
"""


def table(folder: Path, *, monday: str = "allow") -> str:
    path = folder / "cases.yaml"
    path.write_text(TABLE.format(policy=POLICY, calendar=CALENDAR, monday=monday))
    return str(path)


def test_validate_accepts_a_policy_and_sums_it_up(gate: Gate) -> None:
    ended = gate("policy", "validate", POLICY)
    assert (ended.code, ended.err) == (0, "")
    assert "a valid policy plain: windows saturday, migration" in ended.out


def test_validate_names_every_problem_with_its_line(gate: Gate, tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(BAD)
    ended = gate("policy", "validate", str(path))
    assert (ended.code, ended.out) == (2, "")
    assert f"gate: {path}:2: timezone: " in ended.err
    assert f"gate: {path}:3: lead: " in ended.err
    ended = gate("policy", "validate", str(path), "--json")
    assert ended.code == 2
    assert ended.json["valid"] is False
    assert [problem["line"] for problem in ended.json["problems"]] == [2, 3]


def test_validate_warns_of_an_exception_that_never_happens(gate: Gate, tmp_path: Path) -> None:
    path = tmp_path / "odd.yaml"
    path.write_text(
        "version: 1\ntimezone: UTC\nwindows:\n"
        "  - {name: sat, rrule: FREQ=WEEKLY;BYDAY=SA, except: [2026-06-14]}\n"
    )
    ended = gate("policy", "validate", str(path), "--json")
    assert ended.code == 0
    assert len(ended.json["warnings"]) == 1
    assert f"gate: warning: {path}:4:" in ended.err


def test_show_fills_in_the_defaults_and_means_the_same(gate: Gate) -> None:
    shown = gate("policy", "show", POLICY)
    document = json.loads(shown.out)
    assert document["on_undecided"] == "block"
    assert document["load"]["capacity"]["ceiling"] == 50
    again = read_policy(shown.out.encode(), "shown.json")
    original = read_policy(Path(POLICY).read_bytes(), POLICY)
    assert again.windows == original.windows
    assert again.load == original.load


def test_show_writes_yaml_that_stays_text(gate: Gate) -> None:
    shown = gate("policy", "show", POLICY, "--format", "yaml").out
    assert yaml.safe_load(shown) == gate("policy", "show", POLICY, "--json").json
    original = read_policy(Path(POLICY).read_bytes(), POLICY)
    assert read_policy(shown.encode(), "shown.yaml").windows == original.windows


def test_show_of_a_bad_policy_is_bad_input(gate: Gate, tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(BAD)
    assert gate("policy", "show", str(path)).code == 2


def test_schema_is_a_json_schema(gate: Gate) -> None:
    schema = gate("policy", "schema").json
    assert schema["$schema"].startswith("https://json-schema.org/")
    assert "windows" in schema["properties"]


def test_a_table_that_holds_ends_with_zero(gate: Gate, tmp_path: Path) -> None:
    ended = gate("policy", "test", table(tmp_path))
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.splitlines()[-1] == "2 cases: 2 hold"


def test_a_case_that_does_not_hold_says_what_was_expected_and_what_came(
    gate: Gate, tmp_path: Path
) -> None:
    path = table(tmp_path, monday="{verdict: deny, level: HIGH}")
    ended = gate("policy", "test", path)
    assert ended.code == 3
    assert "FAILS line 8" in ended.out
    assert "verdict: expected deny, got allow" in ended.out
    assert "level: expected HIGH, got NORMAL" in ended.out
    assert ended.out.splitlines()[-1] == "2 cases: 1 hold, 1 do not"
    report = gate("policy", "test", path, "--json").json
    assert (report["ok"], report["passed"], report["failed"]) == (False, 1, 1)
    assert report["cases"][1]["got"]["verdict"] == "allow"
    assert report["cases"][0]["why"][0].startswith("window saturday")


def test_a_table_may_be_tried_on_another_policy(gate: Gate, tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    other.write_text("version: 1\ntimezone: UTC\nwindows: []\n")
    ended = gate("policy", "test", table(tmp_path), "--policy", str(other))
    assert ended.code == 3
    assert "verdict: expected deny, got allow" in ended.out


def test_a_table_without_calendars_is_tried_without_weddings(gate: Gate, tmp_path: Path) -> None:
    path = tmp_path / "cases.yaml"
    path.write_text("cases: [{at: '2026-06-13T07:00:00Z', expect: deny}]\n")
    assert gate("policy", "test", str(path), "--policy", POLICY).code == 0
    ended = gate("policy", "test", str(path))
    assert ended.code == 2
    assert "names no policy" in ended.err


def test_a_table_that_names_what_is_not_there_is_bad_input(gate: Gate, tmp_path: Path) -> None:
    path = tmp_path / "cases.yaml"
    path.write_text("policy: gone.yaml\ncases: [{at: '2026-06-13T07:00:00Z', expect: deny}]\n")
    ended = gate("policy", "test", str(path))
    assert ended.code == 2
    assert "'gone.yaml' is no file beside the table" in ended.err
    path.write_text("cases: [{at: yesterday, expect: deny}]\n")
    ended = gate("policy", "test", str(path), "--policy", POLICY)
    assert ended.code == 2
    assert f"{path}:1:" in ended.err
