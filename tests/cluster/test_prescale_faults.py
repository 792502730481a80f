"""`gate prescale --once` where policy, calendar, API server or other writers are in the way."""

import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

import pytest

from gate.core.instants import parse_instant
from gate.inputs import read_inputs
from gate.service.scaling.calls import Patience
from gate.service.scaling.cluster import Scalers
from gate.service.scaling.judging import judge
from gate.service.scaling.run import Run, run_once
from tests.cli.run import gate
from tests.cluster.faulty import BUSY, DROP, DROP_AFTER, Call, Fault, faulty, none
from tests.cluster.prescaling import (
    HIGH,
    HPAS,
    MAXIMUM,
    MERGE,
    NORMAL,
    Prescaling,
    moved,
    with_keda,
)
from tests.controlplane.plane import PERSON, ControlPlane
from tests.controlplane.running import Running


class Start(Protocol):
    def __call__(self, **options: object) -> AbstractContextManager[Running]: ...


@pytest.fixture
def stage(control_plane: ControlPlane, namespace: str, tmp_path: Path) -> Prescaling:
    return Prescaling(control_plane, namespace, tmp_path)


@pytest.mark.parametrize(("broken", "floor"), [("calendar", 25), ("policy", 20)])
def test_without_a_plan_floors_are_the_fallback_s_and_nothing_is_lowered(
    stage: Prescaling, broken: str, floor: int
) -> None:
    stage.policy.write_text(stage.policy.read_text().replace("}}", "}, capacity: {fallback: 25}}"))
    stage.hpa("small", low=2, high=4)
    stage.hpa("large", low=60, high=70)
    file = stage.policy if broken == "policy" else stage.calendar
    good = file.read_text()
    file.write_text("nonsense: [\n")
    done = stage.run(HIGH)
    assert done.code == 4
    large, small = done.json
    assert (moved(small), small["cause"], small["level"]) == (
        (2, 4, floor, floor), "fallback", None,
    )  # fmt: skip
    assert large["changed"] is False
    assert stage.run(HIGH).json[1]["changed"] is False
    file.write_text(good)
    assert stage.run(MAXIMUM).code == 0
    file.write_text("nonsense: [\n")
    assert not any(entry["changed"] for entry in stage.run(NORMAL).json)
    assert stage.range("small") == (50, 50)
    file.write_text(good)
    assert stage.run(NORMAL).code == 0
    assert stage.range("small") == (2, 4)


def test_the_plan_is_applied_once_over_a_change_of_the_clocks(stage: Prescaling) -> None:
    """British clocks go forward at 01:00 UTC on 29 March 2026, in the middle of the load."""
    stage.policy.write_text(
        "version: 1\ntimezone: Europe/London\n"
        "load: {hours: {0: 1, 3: 0}, saturday: 1, season: {factor: 1}}\n"
    )
    stage.calendar.write_text("id,date,timezone,guests\na,2026-03-29,Europe/London,90000\n")
    stage.hpa()
    start = datetime(2026, 3, 28, 22, tzinfo=UTC)
    quarters = [start + timedelta(minutes=15 * number) for number in range(24)]
    changes = []
    for instant in quarters:
        entry = stage.entry(instant.isoformat(), "--ahead", "30m", "--hold", "1h")
        if entry["changed"]:
            changes.append((f"{instant:%H:%M}", entry["level"], moved(entry)))
    # Loaded from local midnight to 03:00, which are two hours: until 02:00 UTC.
    assert changes == [
        ("23:30", "HIGH", (10, 30, 35, 35)),
        ("03:00", "NORMAL", (35, 35, 10, 30)),
    ]


def test_late_doubled_and_missed_runs_converge(stage: Prescaling) -> None:
    names = [f"web-{number:02}" for number in range(12)]
    for name in names:
        stage.hpa(name)
    stage.run(HIGH)
    # The run of the step to MAXIMUM never came; two came at once for the release, and one late.
    command = ["--policy", stage.policy, "--calendar", stage.calendar, "--once", "--at", NORMAL]
    where = ["--kubeconfig", stage.plane.kubeconfig(), "--namespace", stage.namespace]
    both = [
        subprocess.Popen(
            [sys.executable, "-m", "gate", "prescale", *map(str, [*command, *where])],
            stdout=subprocess.DEVNULL,
        )
        for _ in "ab"
    ]
    assert [process.wait(60) for process in both] == [0, 0]
    assert all(stage.range(name) == (10, 30) and not stage.notes(name) for name in names)
    assert not any(entry["changed"] for entry in stage.run(NORMAL).json)


def test_others_who_write_at_the_same_time_delay_nothing(stage: Prescaling) -> None:
    names = [f"web-{number}" for number in range(6)]
    for name in names:
        stage.hpa(name)
    stop = threading.Event()

    def annotate(name: str) -> None:
        number = 0
        while not stop.is_set():
            number += 1
            body = {"metadata": {"annotations": {"tick": str(number)}}}
            path = f"{HPAS.format(stage.namespace)}/{name}"
            stage.plane.request("PATCH", path, body, content_type=MERGE).ok()
            stop.wait(0.05)

    with ThreadPoolExecutor(len(names)) as pool:
        for name in names:
            pool.submit(annotate, name)
        try:
            done = stage.run(HIGH)
        finally:
            stop.set()
    assert done.code == 0, done
    assert all(stage.range(name) == (35, 35) for name in names)


def test_nothing_is_lost_where_the_server_is_busy_and_loses_answers(
    stage: Prescaling, tmp_path: Path
) -> None:
    names = [f"web-{number:02}" for number in range(20)]
    for name in names:
        stage.hpa(name)
    lost: set[str] = set()

    losing = threading.Lock()

    def fault(call: Call) -> int | None:
        if call.before in {0, 5, 6, 7, 8}:
            return BUSY
        with losing:
            if call.method == "PATCH" and len(lost) < 3 and call.path not in lost:
                lost.add(call.path)
                return DROP if len(lost) == 1 else DROP_AFTER
        return None

    for instant in (HIGH, NORMAL):
        lost.clear()
        with faulty(stage.plane, tmp_path) as front:
            front.fault, front.retry_after = fault, "1"
            done = stage.run(instant, "--kubeconfig", str(front.kubeconfig()))
        assert done.code == 0, done
        # Each entry tells what this run did, also where its answer was lost.
        assert all(entry["changed"] for entry in done.json)
        assert len(front.calls) < 60
    assert all(stage.range(name) == (10, 30) for name in names)


def test_a_server_that_goes_in_the_middle_of_a_run_costs_nothing_but_time(
    stage: Prescaling, tmp_path: Path
) -> None:
    names = [f"web-{number:02}" for number in range(40)]
    for name in names:
        stage.hpa(name)
    patience = Patience(unreachable=0.5)
    inputs = read_inputs(str(stage.policy), (str(stage.calendar),))

    def run(fault: Fault, instant: str) -> Run:
        at = parse_instant(instant)
        judged = judge(inputs, at, ahead=timedelta(minutes=30), hold=timedelta(hours=1))
        with faulty(stage.plane, tmp_path) as front:
            front.fault = fault
            scalers = Scalers.connect(str(front.kubeconfig()), {}, patience)
            return run_once(scalers, judged, namespace=stage.namespace)

    def goes(call: Call) -> int | None:
        return None if call.before < 20 else DROP_AFTER if call.before < 25 else DROP

    began = time.monotonic()
    broken = run(goes, MAXIMUM)
    assert time.monotonic() - began < 15
    assert not broken.as_planned
    done = [outcome.applied_at is not None for outcome in broken.outcomes]
    assert all(
        known == (step.error is None) for known, step in zip(done, broken.steps, strict=True)
    )
    assert 0 < sum(done) < len(names)
    whole = run(none, MAXIMUM)
    assert whole.as_planned
    # Those five whose answers were lost stood as planned already, and were not told as moved.
    moved_by_both = sum(done) + sum(step.changed for step in whole.steps)
    assert len(names) - 5 <= moved_by_both <= len(names)
    assert all(stage.range(name) == (50, 50) for name in names)
    assert run(none, NORMAL).as_planned
    assert all(stage.range(name) == (10, 30) for name in names)


def test_a_target_that_goes_while_it_is_written_is_said(stage: Prescaling, tmp_path: Path) -> None:
    for name in ("early", "late", "stays"):
        stage.hpa(name)

    def meddle(call: Call) -> None:
        if call.method == "PATCH" and call.path.endswith("/late"):
            body = {"metadata": {"annotations": {"tick": "1"}}}
            stage.plane.request("PATCH", call.path, body, content_type=MERGE).ok()
        if (call.method, call.path.rpartition("/")[2]) in {("PATCH", "early"), ("GET", "late")}:
            stage.plane.request("DELETE", call.path).ok()

    with faulty(stage.plane, tmp_path) as front:
        front.fault = meddle
        done = stage.run(HIGH, "--kubeconfig", str(front.kubeconfig()))
    assert done.code == 0, done
    early, late, stays = done.json
    for gone in (early, late):
        assert (gone["changed"], gone["note"]) == (False, "was deleted meanwhile")
    assert stays["changed"] is True


def test_who_interrupts_a_run_need_not_wait_for_the_server(
    stage: Prescaling, tmp_path: Path
) -> None:
    for number in range(40):
        stage.hpa(f"web-{number:02}")

    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    judged = judge(
        read_inputs(str(stage.policy), (str(stage.calendar),)),
        parse_instant(HIGH), ahead=timedelta(0), hold=timedelta(0),
    )  # fmt: skip
    began = time.monotonic()
    with faulty(stage.plane, tmp_path) as front:
        front.fault, front.retry_after = lambda call: BUSY if call.before > 6 else None, "1"
        scalers = Scalers.connect(str(front.kubeconfig()), {})
        with pytest.raises(KeyboardInterrupt):
            run_once(scalers, judged, namespace=stage.namespace, advance=interrupt)
    assert time.monotonic() - began < 10


def test_without_the_right_to_see_keda_s_objects_the_others_are_done(stage: Prescaling) -> None:
    with_keda(stage.plane)
    stage.hpa()
    done = stage.run(HIGH, "--kubeconfig", str(stage.plane.kubeconfig(PERSON)))
    assert (done.code, moved(done.json[0])) == (4, (10, 30, 35, 35))
    assert "scaledobjects" in done.err
    assert "forbidden" in done.err


def test_a_cluster_without_keda_and_one_that_is_gone(
    own_control_plane: Start, tmp_path: Path
) -> None:
    with own_control_plane() as running:
        stage = Prescaling(running.plane, running.plane.fresh_namespace(), tmp_path)
        stage.hpa("one")
        stage.hpa("two")
        assert moved(stage.run(HIGH).json[0]) == (10, 30, 35, 35)
        assert stage.run(HIGH).err == ""
        running.api_servers[0].kill()
        began = time.monotonic()
        done = stage.run(NORMAL)
        assert (done.code, time.monotonic() - began < 20) == (4, True)
        assert "cannot list" in done.err
        assert "Traceback" not in done.err


def test_rights_for_one_namespace_are_enough_for_it(stage: Prescaling) -> None:
    """And where there are none, that is said."""
    stage.hpa()
    where = ("--kubeconfig", stage.plane.kubeconfig("nobody", ["guests"]))
    inputs = ("--policy", stage.policy, "--calendar", stage.calendar)
    done = gate("prescale", *inputs, *where, "--once", "--namespace", stage.namespace)
    assert done.code == 4
    assert "forbidden" in done.err
