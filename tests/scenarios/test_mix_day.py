"""Scenario 2: a mix day of 10 Indian, 15 Chinese, 8 Nigerian and 20 British weddings."""

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from pathlib import Path

import pytest

from tests.cli.run import gate
from tests.cluster.prescaling import Prescaling
from tests.controlplane.plane import ControlPlane
from tests.figures import Figures
from tests.scenarios import independent
from tests.scenarios.independent import CEILING, CULTURES, Weddings, written

SATURDAY = date(2026, 5, 16)


def weddings(number: int, culture: str, zone: str, country: str) -> Weddings:
    """So many of a culture's usual size, all on that Saturday."""
    return Weddings(number, culture, CULTURES[culture][1], SATURDAY, zone, country)


MIX = (
    weddings(10, "indian", "Asia/Kolkata", "IN"),
    weddings(15, "chinese", "Asia/Shanghai", "CN"),
    weddings(8, "nigerian", "Africa/Lagos", "NG"),
    weddings(20, "british", "Europe/London", "GB"),
)
START, END = datetime(2026, 5, 15, 12, tzinfo=UTC), datetime(2026, 5, 19, tzinfo=UTC)
RANGE = ("--from", START.isoformat(), "--to", END.isoformat())
MONDAY = datetime(2026, 5, 11, 8, tzinfo=UTC)


def peak() -> datetime:
    """The first instant of the largest demand."""
    return max(
        independent.quarters(START, END),
        key=lambda at: (independent.demand(MIX, at), -at.timestamp()),
    )


def test_the_peak_by_hand() -> None:
    # Everywhere in season (2.5) and on a Saturday (8): 10 × 2.0, 15 × 1.5, 8 × 1.8, 20 × 1.0, in
    # units of 20. At 13:00Z: Kolkata 18:30 and Shanghai 21:00 (0.8), Lagos and London 14:00 (1.0).
    by_hand = 20 * (Fraction(8, 10) * (20 + Fraction(45, 2)) + Fraction(144, 10) + 20)
    assert by_hand == 1368
    assert peak() == datetime(2026, 5, 16, 13, tzinfo=UTC)
    assert independent.demand(MIX, peak()) == by_hand
    assert independent.needed(MIX, peak()) == 46


def test_the_day_by_culture_and_in_all(tmp_path: Path, figures: Figures) -> None:
    inputs = written(tmp_path, *MIX)
    samples = gate("load", *inputs, *RANGE, "--step", "15m", "--json").json
    hours: defaultdict[str, int] = defaultdict(int)
    for sample in samples:
        at = datetime.fromisoformat(sample["at"])
        assert sample["demand"] == float(independent.demand(MIX, at))
        assert sample["needed"] == independent.needed(MIX, at)
        assert sample["level"] == independent.level(sample["needed"])
        hours[sample["level"]] += 1
    most = max(samples, key=lambda sample: sample["needed"])
    at = peak()
    for each in MIX:
        figures(
            f"{each.number:3} {each.culture:<9} {float(each.demand(at)):7.1f} units at the peak of"
            f" all, {at:%a %H:%M}Z"
        )
    figures(
        f"peak {most['demand']:.1f} units: {most['needed']} replicas needed, {most['level']},"
        f" {most['shortfall']} short; hours by level: "
        + ", ".join(f"{level} {count / 4:g}" for level, count in sorted(hours.items()))
    )
    assert most["needed"] == independent.needed(MIX, at)
    assert most["shortfall"] == max(0, most["needed"] - CEILING)


def test_the_whole_is_less_than_the_sum_of_its_peaks(tmp_path: Path, figures: Figures) -> None:
    """Four cultures in four zones do not peak at once: that is what one platform saves."""
    alone = []
    for each in MIX:
        samples = gate("load", *written(tmp_path, each), *RANGE, "--step", "15m", "--json").json
        most = max(sample["needed"] for sample in samples)
        assert most == max(independent.needed([each], at) for at in
                           independent.quarters(START, END))  # fmt: skip
        alone.append(most)
    together = independent.needed(MIX, peak())
    figures(f"peaks alone {alone}, {sum(alone)} replicas in sum; together {together}")
    assert together < sum(alone)


def test_the_plan_and_its_cost(tmp_path: Path, figures: Figures) -> None:
    inputs = written(tmp_path, *MIX)
    changes = gate("plan", *inputs, *RANGE, "--json").json
    at = [datetime.fromisoformat(change["at"]) for change in changes]
    ahead, hold = timedelta(minutes=30), timedelta(hours=1)
    hours = Fraction(0)
    for instant in independent.quarters(START, END):
        planned = [c["min"] for c, when in zip(changes, at, strict=True) if when <= instant][-1]
        assert planned == independent.floor(MIX, instant, ahead, hold), instant
        hours += Fraction(planned, 4)
    told = gate("plan", *inputs, *RANGE, "--cost", "--json").json
    by_way = {way["way"]: way for way in told["ways"]}
    assert by_way["rungs"]["replica_hours"] == float(hours)
    assert by_way["continuous"]["replica_hours"] <= float(hours)
    assert by_way["rungs"]["short_hours"] == by_way["static-maximum"]["short_hours"]
    for way in by_way.values():
        figures(
            f"{way['way']:<15} {way['replica_hours']:8.1f} replica-hours,"
            f" {way['saved_ratio'] * 100:5.1f} % saved, {way['short_hours']:5.2f} h short,"
            f" worst {way['worst_short']}"
        )


@pytest.mark.cluster
def test_the_cluster_holds_the_day(
    control_plane: ControlPlane, namespace: str, tmp_path: Path, figures: Figures
) -> None:
    stage = Prescaling(control_plane, namespace, tmp_path)
    stage.deployment(replicas=10)
    stage.hpa(low=10, high=50)
    inputs = written(tmp_path, *MIX)
    where = ("--kubeconfig", control_plane.kubeconfig(), "--namespace", namespace)
    told = gate("capacity", *inputs, *where, "--at", MONDAY.isoformat(), "--json")
    most = independent.needed(MIX, peak())
    assert told.code == (3 if most > CEILING else 0)
    assert told.json["peak"]["needed"] == most
    (target,) = told.json["targets"]
    floor = independent.rung(most)
    assert (target["peak"], target["fits"]) == (floor, True)
    deployment = f"/apis/apps/v1/namespaces/{namespace}/deployments/web"
    for at in (peak(), datetime(2026, 5, 18, 20, tzinfo=UTC)):
        wanted = independent.floor(MIX, at, timedelta(minutes=30), timedelta(hours=1))
        done = gate("prescale", *inputs, *where, "--once", "--json", "--at", at.isoformat())
        assert (done.code, done.json[0]["to"]["min"]) == (0, wanted)
        figures(f"{at:%a %H:%M}Z: {done.json[0]['level']}, floor {wanted}")
        if wanted == floor:
            control_plane.wait_for(
                "the floor is ready",
                lambda: control_plane.get(deployment)["status"].get("readyReplicas") == floor,
            )
