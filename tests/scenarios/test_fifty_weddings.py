"""Scenario 1: fifty concurrent Indian weddings of 600 guests on one Saturday."""

import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from tests.cli.run import gate
from tests.cluster.prescaling import HPAS, Prescaling
from tests.controlplane.plane import ControlPlane
from tests.figures import Figures
from tests.scenarios import independent
from tests.scenarios.independent import CEILING, Weddings, written

FIFTY = Weddings(50, "indian", 600, date(2026, 12, 5), "Asia/Kolkata", "IN")
START, END = datetime(2026, 12, 4, tzinfo=UTC), datetime(2026, 12, 8, tzinfo=UTC)
PEAK = datetime(2026, 12, 5, 8, 30, tzinfo=UTC)
"""14:00 on Saturday in Kolkata."""
MONDAY = datetime(2026, 11, 30, 8, tzinfo=UTC)
RANGE = ("--from", START.isoformat(), "--to", END.isoformat())
MOST_SECONDS = 20.0


def test_the_peak_by_hand() -> None:
    # 50 weddings of 2.0, in India's season (2.5), on a Saturday (8), at the peak hour (1.0).
    assert independent.demand([FIFTY], PEAK) == 50 * 2 * 2.5 * 8
    assert independent.needed([FIFTY], PEAK) == 67
    assert CEILING - 67 == -17


def test_the_load_is_maximum_and_fifty_replicas(tmp_path: Path, figures: Figures) -> None:
    samples = gate("load", *written(tmp_path, FIFTY), *RANGE, "--step", "15m", "--json").json
    for sample in samples:
        at = datetime.fromisoformat(sample["at"])
        assert sample["demand"] == float(independent.demand([FIFTY], at))
        assert sample["needed"] == independent.needed([FIFTY], at)
        assert sample["level"] == independent.level(sample["needed"])
    most = max(samples, key=lambda sample: sample["needed"])
    assert (most["level"], most["required_replicas"], most["shortfall"]) == ("MAXIMUM", 50, 17)
    assert most["weddings"] == 50
    short = sum(sample["shortfall"] > 0 for sample in samples) / 4
    figures(
        f"peak {most['demand']:.0f} units: {most['needed']} replicas needed, {most['level']},"
        f" {most['required_replicas']} of {CEILING}, {most['shortfall']} short; {short:g} h short"
    )
    # From noon to 23:00 in Kolkata.
    assert short == 11


def test_the_plan_stands_before_the_guests(tmp_path: Path, figures: Figures) -> None:
    changes = gate("plan", *written(tmp_path, FIFTY), *RANGE, "--json").json
    ahead, hold = timedelta(minutes=30), timedelta(hours=1)
    at = [datetime.fromisoformat(change["at"]) for change in changes]
    for instant in independent.quarters(START, END):
        planned = [c["min"] for c, when in zip(changes, at, strict=True) if when <= instant][-1]
        assert planned == independent.floor([FIFTY], instant, ahead, hold), instant
    up = next(when for c, when in zip(changes, at, strict=True) if c["min"] == CEILING)
    # 08:00 in Kolkata is where more than 35 are needed.
    assert up == datetime(2026, 12, 5, 2, 0, tzinfo=UTC)
    assert max(change["shortfall"] for change in changes) == 17
    figures(f"the floor is {CEILING} from {up:%a %H:%M}Z, 30 min ahead of the load")


def test_the_cost_of_that_weekend(tmp_path: Path, figures: Figures) -> None:
    told = gate("plan", *written(tmp_path, FIFTY), *RANGE, "--cost", "--json").json
    ahead, hold = timedelta(minutes=30), timedelta(hours=1)
    by_way = {way["way"]: way for way in told["ways"]}
    quarters = list(independent.quarters(START, END))
    rungs = sum(independent.floor([FIFTY], at, ahead, hold) for at in quarters) / 4
    assert by_way["rungs"]["replica_hours"] == rungs
    assert by_way["static-maximum"]["replica_hours"] == 96 * CEILING
    for way in by_way.values():
        assert way["short_hours"] >= 11
        figures(
            f"{way['way']:<15} {way['replica_hours']:8.1f} replica-hours,"
            f" {way['saved_ratio'] * 100:5.1f} % saved, {way['short_hours']:5.2f} h short,"
            f" worst {way['worst_short']}"
        )
    assert by_way["reactive-hpa"]["short_hours"] > by_way["rungs"]["short_hours"] == 11


@pytest.mark.cluster
def test_told_in_advance_and_scaled_on_a_cluster(
    control_plane: ControlPlane, namespace: str, tmp_path: Path, figures: Figures
) -> None:
    stage = Prescaling(control_plane, namespace, tmp_path)
    stage.deployment(replicas=10)
    stage.hpa(low=10, high=20)
    inputs = written(tmp_path, FIFTY)
    where = ("--kubeconfig", control_plane.kubeconfig(), "--namespace", namespace)
    told = gate("capacity", *inputs, *where, "--at", MONDAY.isoformat(), "--json")
    assert told.code == 3
    assert [each["code"] for each in told.json["findings"]] == ["ceiling"]
    assert told.json["peak"]["needed"] == 67
    assert told.json["peak"]["shortfall"] == 17
    (beyond,) = told.json["peak"]["beyond"]
    begins = datetime.fromisoformat(beyond["from"])
    # Noon in Kolkata.
    assert begins == datetime(2026, 12, 5, 6, 30, tzinfo=UTC)
    (target,) = told.json["targets"]
    assert (target["peak"], target["fits"]) == (CEILING, True)

    begun = time.monotonic()
    done = gate("prescale", *inputs, *where, "--once", "--json", "--at", PEAK.isoformat())
    patched = time.monotonic()
    assert (done.code, done.json[0]["to"]) == (0, {"min": 50, "max": 50})
    assert done.json[0]["level"] == "MAXIMUM"
    hpa = f"{HPAS.format(namespace)}/web"
    deployment = f"/apis/apps/v1/namespaces/{namespace}/deployments/web"
    control_plane.wait_for(
        "the autoscaler wants fifty",
        lambda: control_plane.get(hpa)["status"].get("desiredReplicas") == CEILING,
    )
    desired = time.monotonic()
    control_plane.wait_for(
        "fifty are ready",
        lambda: control_plane.get(deployment)["status"].get("readyReplicas") == CEILING,
    )
    ready = time.monotonic()
    figures(f"told {(begins - MONDAY).days} days ahead: 17 replicas short from {begins:%a %H:%M}Z")
    figures(
        f"10 to 50: prescale {patched - begun:.1f} s, patch to desired {desired - patched:.1f} s,"
        f" desired to ready {ready - desired:.1f} s"
    )
    assert ready - patched < MOST_SECONDS
