"""What a pre-scaling run goes by where the policy observes load."""

from datetime import timedelta
from pathlib import Path

import pytest

from gate.core.instants import micros, parse_instant
from gate.core.observed import Seen
from gate.inputs import Compiled, observed_now, read_inputs, trouble_of, with_seen
from gate.service.scaling.judging import Judged, judge

AT = parse_instant("2026-02-10T12:00:00Z")


def judged(folder: Path, rows: str) -> tuple[Judged, str | None]:
    load, policy, calendar = folder / "load.csv", folder / "policy.yaml", folder / "weddings.csv"
    load.write_text(f"timestamp,value\n{rows}")
    calendar.write_text("id,date,timezone\n")
    policy.write_text(
        "version: 1\ntimezone: Europe/London\n"
        f"load: {{observed: {{source: csv, file: '{load}'}}}}\n"
    )
    inputs = observed_now(read_inputs(str(policy), [str(calendar)]), AT, {})
    assert isinstance(inputs, Compiled)
    spans = {"ahead": timedelta(minutes=30), "hold": timedelta(hours=1)}
    return judge(inputs, AT, **spans), trouble_of(inputs)


def test_what_is_observed_raises_the_level_at_once(tmp_path: Path) -> None:
    found, trouble = judged(tmp_path, "2026-02-10T11:59:00Z,1000\n")
    assert (found.level, found.fallback, trouble) == ("HIGH", False, None)
    assert found.reason == "load observed at 2026-02-10T11:59:00Z needs up to 34 replicas"


@pytest.mark.parametrize("rows", ["", "2026-02-10T11:00:00Z,1\n", "nonsense\n"])
def test_a_source_that_has_failed_leads_to_the_fallback_and_the_plan(
    tmp_path: Path, rows: str
) -> None:
    found, trouble = judged(tmp_path, rows)
    assert (found.level, found.fallback) == ("NORMAL", True)
    assert found.reason.endswith("; observed load has failed")
    assert "observed load is failed" in str(trouble)


def test_a_stale_source_is_told_and_leads_to_nothing_else(tmp_path: Path) -> None:
    found, trouble = judged(tmp_path, "2026-02-10T11:50:00Z,1\n")
    assert (found.level, found.fallback) == ("NORMAL", False)
    assert "observed load is stale" in str(trouble)


def test_nothing_is_lowered_while_a_new_worker_has_not_heard_of_its_source(tmp_path: Path) -> None:
    policy, calendar = tmp_path / "policy.yaml", tmp_path / "weddings.csv"
    calendar.write_text("id,date,timezone\n")
    policy.write_text(
        "version: 1\ntimezone: Europe/London\nload: {observed: {source: csv, file: /a}}\n"
    )
    booked = read_inputs(str(policy), [str(calendar)])
    assert isinstance(booked, Compiled)
    seen = Seen(observations=(), asked_at=micros(AT), since=micros(AT))
    inputs = with_seen(booked, seen)
    found = judge(inputs, AT, ahead=timedelta(minutes=30), hold=timedelta(hours=1))
    assert (found.level, found.fallback, found.never_lower) == ("NORMAL", False, True)
