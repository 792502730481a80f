"""The commands, where the policy observes load: in a file, and at a Prometheus."""

from pathlib import Path

import pytest

from gate.core.document import read_policy
from gate.inputs import compiled_cache
from tests.cli.run import Outcome, gate
from tests.observed.conftest import NOON_SECOND

_CALENDAR = "id,date,timezone\n1,2026-02-10,Europe/London\n"
_AT = "2026-02-10T12:00:00Z"
_RANGE = ("--from", "2026-02-10T11:00:00Z", "--to", "2026-02-10T14:00:00Z")


class Files:
    """A policy that observes, and a calendar of one small wedding."""

    def __init__(self, folder: Path, observed: str, windows: str = "windows: []\n") -> None:
        self.policy, self.calendar = folder / "policy.yaml", folder / "weddings.csv"
        self.policy.write_text(
            f"version: 1\ntimezone: Europe/London\n{windows}load:\n  observed: {{{observed}}}\n"
        )
        self.calendar.write_text(_CALENDAR)

    def gate(self, command: str, *more: str) -> Outcome:
        inputs = ("--policy", self.policy, "--calendar", self.calendar)
        return gate(command, *inputs, *more)


@pytest.fixture
def files(tmp_path: Path) -> Files:
    path = tmp_path / "load.csv"
    path.write_text("timestamp,value\n2026-02-10T11:30:00Z,1200\n2026-02-10T11:58:00Z,0.5\n")
    return Files(tmp_path, f"source: csv, file: '{path}'")


def test_check_decides_by_what_was_observed_and_names_it(files: Files) -> None:
    outcome = files.gate("check", "--at", _AT, "--json")
    assert (outcome.code, outcome.err) == (3, "")
    decision = outcome.json
    assert (decision["level"], decision["next_change"]) == ("MAXIMUM", "2026-02-10T12:30:00Z")
    assert decision["load"] == {
        "demand": 1200.0, "needed": 40, "required_replicas": 40, "shortfall": 0,
        "weddings_today": 1,
        "observed": {"source": "csv", "state": "fresh", "at": "2026-02-10T11:30:00Z",
                     "demand": 1200.0, "until": "2026-02-10T12:30:00Z"},
    }  # fmt: skip
    said = files.gate("check", "--at", _AT).out
    assert "demand 1200, 40 replicas needed (observed 2026-02-10T11:30:00Z)" in said


def test_check_says_where_the_source_is_no_good_and_the_bookings_stand(files: Files) -> None:
    stale = files.gate("check", "--at", "2026-02-10T12:40:00Z", "--json")
    assert (stale.code, stale.json["level"]) == (0, "NORMAL")
    assert stale.json["load"]["observed"] == {
        "source": "csv", "state": "failed", "at": "2026-02-10T11:58:00Z", "demand": 0.5,
        "until": None,
    }  # fmt: skip
    assert "gate: observed load is failed: there is no observation" in stale.err
    files.gate("check", "--at", _AT)
    Path(files.policy.parent / "load.csv").write_text("timestamp,value\n2026,1\n")
    broken = files.gate("check", "--at", _AT, "--json")
    assert (broken.code, broken.json["load"]["observed"]["state"]) == (0, "failed")
    assert "load.csv:2: '2026' is not an instant" in broken.err


def test_explain_shows_what_was_observed(files: Files) -> None:
    told = files.gate("explain", "--at", _AT, "--json").json
    assert told["decision"]["level"] == "MAXIMUM"


def test_load_and_plan_count_it_where_they_are_told_to(files: Files) -> None:
    booked = files.gate("load", *_RANGE, "--json").json
    both = files.gate("load", *_RANGE, "--step", "15m", "--observed", "--json").json
    assert {entry["needed"] for entry in booked} == {1}
    assert [entry["needed"] for entry in both] == [1, 1, *[40] * 4, *[1] * 6]
    assert "Load, booked or observed" in files.gate("load", *_RANGE, "--observed").out
    assert "Booked load" in files.gate("load", *_RANGE).out
    assert [(e["min"], e["reason"]) for e in files.gate("plan", *_RANGE, "--json").json] == [
        (10, "booked load fits the floor"),
    ]  # fmt: skip
    assert [
        (e["at"], e["min"], e["reason"])
        for e in files.gate("plan", *_RANGE, "--observed", "--json").json
    ] == [
        ("2026-02-10T11:00:00Z", 50,
         "load observed at 2026-02-10T11:30:00Z needs up to 40 replicas"),
        ("2026-02-10T13:30:00Z", 10, "booked load fits the floor"),
    ]  # fmt: skip


@pytest.mark.prometheus
def test_check_asks_prometheus_for_the_whole_window(prometheus: str, tmp_path: Path) -> None:
    assert NOON_SECOND == 1_771_070_400
    files = Files(tmp_path, f"source: prometheus, url: '{prometheus}', query: guests", "")
    decision = files.gate("check", "--at", "2026-02-14T12:00:00Z", "--json").json
    assert [reason["code"] for reason in decision["reasons"]] == ["window", "level"]
    assert decision["load"]["observed"] == {
        "source": "prometheus", "state": "fresh", "at": "2026-02-14T10:00:00Z",
        "demand": 1300.0, "until": "2026-02-15T00:00:00Z",
    }  # fmt: skip
    assert (decision["level"], decision["load"]["needed"]) == ("MAXIMUM", 44)


def test_a_compiled_policy_is_kept_with_its_source(
    files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GATE_CACHE_DIR", str(tmp_path / "cache"))
    first = files.gate("check", "--at", _AT, "--json").json
    (entry,) = (tmp_path / "cache").iterdir()
    kept = compiled_cache.load(entry.stem)
    assert kept is not None
    assert kept.policy == read_policy(files.policy.read_bytes(), "policy.yaml")
    second = files.gate("check", "--at", _AT, "--json").json
    assert first | {"id": ""} == second | {"id": ""}
