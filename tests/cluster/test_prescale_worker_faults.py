"""Faults while floors move: no original is lost, the worker converges, and each fault is said."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gate.store.connect import Target
from tests.cluster.conftest import Start
from tests.cluster.faulty import DROP, DROP_AFTER, Call, Proxy, faulty
from tests.cluster.prescale_working import HIGH, MAXIMUM, OWN, Site, events, failures
from tests.cluster.prescaling import HPAS
from tests.controlplane.processes import free_port, wait_for

SAVED = {"min": OWN[0], "max": OWN[1]}
START = "import sys; from gate.cli.main import main; sys.exit(main())"


def original(site: Site, name: str = "web") -> dict[str, int]:
    saved = site.notes(name)["original"]
    return {key: saved[key] for key in SAVED}


def ranges(site: Site) -> dict[str, tuple[int, int]]:
    items = site.plane.get(HPAS.format(site.namespace))["items"]
    return {
        each["metadata"]["name"]: (each["spec"]["minReplicas"], each["spec"]["maxReplicas"])
        for each in items
    }


def all_at(site: Site, wanted: tuple[int, int]) -> Callable[[], bool]:
    return lambda: set(ranges(site).values()) == {wanted}


@contextmanager
def process(site: Site, proxy: Proxy, *more: str) -> Iterator[subprocess.Popen[str]]:
    """``gate prescale --watch`` as a process, in front of a proxy."""
    with subprocess.Popen(
        [
            *(sys.executable, "-c", START, "prescale", "--watch"),
            *("--policy", str(site.policy), "--calendar", str(site.calendar)),
            *("--kubeconfig", str(proxy.kubeconfig()), "--namespace", site.namespace, *more),
        ],
        env={**os.environ, "POD_NAMESPACE": site.namespace},
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as started:
        try:
            yield started
        finally:
            if started.poll() is None:
                started.kill()
            started.communicate()


# --- the API server ------------------------------------------------------------------------------


def test_a_conflict_is_judged_anew(site: Site, proxy: Proxy) -> None:
    site.hpa()
    met: list[Call] = []

    def meanwhile(call: Call) -> None:
        if call.method == "PATCH" and not met:
            met.append(call)
            site.change(maxReplicas=60)

    proxy.fault = meanwhile
    site.plan("HIGH")
    with site.working(proxy=proxy) as worker:
        site.until((35, 60))
        assert met
        assert original(site) == {"min": 10, "max": 60}
        assert failures(worker) == {}


def test_nothing_is_lost_in_a_storm_of_refusals(site: Site, proxy: Proxy) -> None:
    for number in range(30):
        site.hpa(f"web-{number}")
    dice, refused = random.Random(7), list[Call]()

    def storm(call: Call) -> int | None:
        if "leases" in call.path or dice.random() > 0.5:
            return None
        refused.append(call)
        return 429

    proxy.fault = storm
    site.plan("HIGH")
    with site.working(proxy=proxy):
        wait_for("all are raised", all_at(site, HIGH), seconds=120.0)
        assert all(original(site, f"web-{number}") == SAVED for number in range(30))
        site.plan("NORMAL")
        wait_for("all are given back", all_at(site, OWN), seconds=120.0)
    assert len([call for call in refused if call.method == "PATCH"]) > 20


@pytest.mark.parametrize("fault", [500, DROP, DROP_AFTER])
def test_answers_that_fail_or_are_lost_change_nothing_twice(
    site: Site, proxy: Proxy, fault: int
) -> None:
    for number in range(10):
        site.hpa(f"web-{number}")
    failed: set[str] = set()

    def once(call: Call) -> int | None:
        if call.method != "PATCH" or call.path in failed:
            return None
        failed.add(call.path)
        return fault

    proxy.fault = once
    site.plan("HIGH")
    with site.working(proxy=proxy) as worker:
        wait_for("all are raised", all_at(site, HIGH), seconds=30.0)
        assert len(failed) == 10
        assert {site.notes(f"web-{number}")["raised"]["again"] for number in range(10)} == {0}
        assert all(original(site, f"web-{number}") == SAVED for number in range(10))
        wait_for("it is over", lambda: not failures(worker))


def test_an_api_server_that_goes_in_the_middle_of_a_run_is_waited_for(
    own_control_plane: Start, tmp_path: Path
) -> None:
    """A real one, killed after the first patches."""
    with own_control_plane() as running_plane:
        plane = running_plane.plane
        site = Site(plane, plane.fresh_namespace(), tmp_path)
        for number in range(60):
            site.hpa(f"web-{number}")
        with faulty(plane, tmp_path / "proxy") as proxy:
            patched = threading.Event()
            seen: list[Call] = []

            def watched(call: Call) -> None:
                if call.method == "PATCH":
                    seen.append(call)
                    if len(seen) > 20:
                        patched.set()

            proxy.fault = watched
            site.plan("HIGH")
            with site.working(proxy=proxy) as worker:
                assert patched.wait(30.0)
                running_plane.api_servers[0].kill()
                wait_for("it is said", lambda: "api-server" in failures(worker), seconds=30.0)
                running_plane.api_servers[0].start()
                running_plane.wait_ready()
                wait_for("all are raised", all_at(site, HIGH), seconds=60.0)
                assert all(original(site, f"web-{number}") == SAVED for number in range(60))
                wait_for("it is over", lambda: not failures(worker), seconds=60.0)


# --- processes -----------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [DROP, DROP_AFTER])
def test_who_is_killed_at_a_patch_has_lost_no_original(
    site: Site, proxy: Proxy, where: Target, monkeypatch: pytest.MonkeyPatch, fault: int
) -> None:
    """SIGKILL between what was planned and its patch, and right after the patch."""
    monkeypatch.setenv("GATE_DSN", where.dsn)
    monkeypatch.setenv("GATE_SCHEMA", where.schema)
    site.hpa()
    site.plan("HIGH")
    killed = threading.Event()
    with process(site, proxy) as worker:

        def kill(call: Call) -> int | None:
            if call.method != "PATCH":
                return None
            if fault == DROP:
                worker.send_signal(signal.SIGKILL)
            killed.set()
            return fault

        proxy.fault = kill
        assert killed.wait(30.0)
        if fault == DROP_AFTER:
            site.until(HIGH)
            worker.send_signal(signal.SIGKILL)
        assert worker.wait(20.0) == -signal.SIGKILL
    planned = events(where, "id, planned_at, applied_at")
    assert [row[2] for row in planned] == [None]
    proxy.fault = lambda _: None
    with site.working(where=where):
        site.until(HIGH)
        assert original(site) == SAVED
        wait_for("it is recorded", lambda: any(at for (at,) in events(where, "applied_at")))
        site.plan("NORMAL")
        site.until(OWN)
    rows = events(where, "to_min, applied_at, restored_at")
    raised = [row for row in rows if row[0] == 35 and row[1] is not None]
    assert len(raised) == 1
    assert raised[0][2] is not None
    assert len(rows) == (3 if fault == DROP else 2)


def test_the_command_ends_as_it_is_told_and_gives_the_lease_back(site: Site, proxy: Proxy) -> None:
    site.hpa()
    site.plan("HIGH")
    with process(site, proxy) as worker:
        site.until(HIGH)
        worker.send_signal(signal.SIGTERM)
        said = worker.communicate(timeout=20.0)[1]
    assert worker.returncode == 0
    events_said = [json.loads(line)["event"] for line in said.splitlines()]
    # A list that was under way may still be heard of in between.
    assert "lease-released" in events_said
    assert events_said[-1] == "prescale-ended"
    path = f"/apis/coordination.k8s.io/v1/namespaces/{site.namespace}/leases"
    (lease,) = site.plane.get(path)["items"]
    assert lease["spec"]["holderIdentity"] == ""


def test_a_worker_ends_in_the_middle_of_a_storm(site: Site, proxy: Proxy) -> None:
    site.hpa()
    site.plan("HIGH")
    proxy.retry_after = "30"
    proxy.fault = lambda call: 429 if call.method == "PATCH" else None
    with process(site, proxy) as worker:
        wait_for("it is refused", lambda: proxy.counts()["PATCH", "horizontalpodautoscalers"])
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(15.0) == 0
    assert site.range() == OWN


def test_of_two_workers_one_writes_and_the_other_takes_over(
    site: Site, proxy: Proxy, tmp_path: Path
) -> None:
    site.hpa()
    with faulty(site.plane, tmp_path / "other") as other, site.working(proxy=other):
        wait_for("it holds the Lease", lambda: other.counts()["PUT", "leases"])
        with site.working(proxy=proxy):
            wait_for("the second asks for it", lambda: proxy.counts()["GET", "leases"] > 1)
            site.plan("HIGH")
            site.until(HIGH)
            assert other.counts()["PATCH", "horizontalpodautoscalers"] == 1
            other.fault = lambda _: DROP
            site.plan("MAXIMUM")
            site.until(MAXIMUM)
            assert proxy.counts()["PATCH", "horizontalpodautoscalers"] == 1


def test_a_lost_lease_stops_writing_at_once(site: Site, proxy: Proxy) -> None:
    site.hpa()
    with site.working(proxy=proxy) as worker:
        wait_for("it has begun", lambda: worker.rounds > 1 and proxy.counts()["PUT", "leases"])
        proxy.fault = lambda call: 500 if "leases" in call.path else None
        wait_for("it is lost", lambda: not worker.holds, seconds=10.0)
        site.plan("HIGH")
        rounds = worker.rounds
        wait_for("rounds go by", lambda: worker.rounds > rounds + 2, seconds=30.0)
        assert site.range() == OWN
        assert proxy.counts()["PATCH", "horizontalpodautoscalers"] == 0
        wait_for("it is said", lambda: "500" in failures(worker).get("api-server", ""))
        proxy.fault = lambda _: None
        site.until(HIGH)


def test_a_lease_that_is_lost_between_two_patches_ends_the_run(site: Site, proxy: Proxy) -> None:
    """The rest of what was planned is not written."""
    for number in range(30):
        site.hpa(f"web-{number}")
    holder = f"/apis/coordination.k8s.io/v1/namespaces/{site.namespace}/leases"
    with site.working(proxy=proxy) as worker:
        wait_for("it holds it", lambda: worker.holds)
        lost = threading.Event()

        def stall(call: Call) -> int | None:
            if "leases" in call.path:
                return 500 if lost.is_set() else None
            if call.method == "PATCH" and not lost.is_set():
                lost.set()
            if call.method == "PATCH":
                wait_for("the Lease runs out", lambda: not worker.holds, seconds=20.0)
            return None

        proxy.fault = stall
        site.plan("HIGH")
        assert lost.wait(20.0)
        wait_for("it is lost", lambda: not worker.holds, seconds=20.0)
        sent = proxy.counts()["PATCH", "horizontalpodautoscalers"]
        rounds = worker.rounds
        wait_for("rounds go by", lambda: worker.rounds > rounds + 1, seconds=30.0)
        assert proxy.counts()["PATCH", "horizontalpodautoscalers"] == sent < 30
        proxy.fault = lambda _: None
        wait_for("all are raised", all_at(site, HIGH), seconds=30.0)
        assert site.plane.get(holder)["items"]


# --- the database --------------------------------------------------------------------------------


def test_a_database_that_is_away_holds_nothing_up_and_gets_everything_later(
    site: Site, where: Target
) -> None:
    site.hpa()
    away = msgspec.structs.replace(
        where,
        dsn=f"host=127.0.0.1 port={free_port()} dbname=postgres user=postgres",
        connect_timeout_seconds=2,
    )
    with site.working(where=away) as worker:
        site.plan("HIGH")
        site.until(HIGH)
        wait_for("it is said", lambda: "database" in failures(worker))
        worker.outbox.where = where
        wait_for("it is written", lambda: any(at for (at,) in events(where, "applied_at")))
        wait_for("it is over", lambda: "database" not in failures(worker))
        site.plan("NORMAL")
        site.until(OWN)
    raised, restored = events(where, "to_min, planned_at <= applied_at, restored_at IS NOT NULL")
    assert (raised, restored) == ((35, True, True), (10, True, False))


# --- the fallback --------------------------------------------------------------------------------


def test_what_cannot_be_read_brings_the_fallback_until_it_can(site: Site) -> None:
    site.hpa()
    site.hpa("large", low=25, high=60)
    policy = site.policy.read_text()
    with site.working() as worker:
        wait_for("it has begun", lambda: worker.holds)
        site.put(site.policy, "version: [")
        site.until((20, 30))
        assert site.range("large") == (25, 60)
        assert "the fallback holds" in failures(worker)["inputs"]
        site.put(site.policy, policy)
        site.until(OWN)
        wait_for("it is over", lambda: "inputs" not in failures(worker))


def test_a_floor_in_force_stays_while_the_plan_is_not_known(site: Site) -> None:
    site.hpa()
    site.plan("HIGH")
    with site.working() as worker:
        site.until(HIGH)
        site.put(site.calendar, "id,date\n")
        wait_for("it is said", lambda: "inputs" in failures(worker))
        rounds = worker.rounds
        wait_for("rounds go by", lambda: worker.rounds > rounds, seconds=30.0)
        assert site.range() == HIGH
        site.plan("NORMAL")
        site.until(OWN)


def test_the_fallback_is_the_policys_where_only_the_calendar_cannot_be_read(site: Site) -> None:
    site.hpa()
    site.put(site.policy, site.policy.read_text().replace("{hours", "{capacity: "
             "{units_per_replica: 30, floor: 10, high: 35, ceiling: 50, fallback: 27,"
             " emergency: 100}, hours"))  # fmt: skip
    site.put(site.calendar, "no calendar\n")
    with site.working():
        site.until((27, 30))


def test_metrics_that_fail_bring_the_fallback(site: Site, tmp_path: Path) -> None:
    site.hpa()
    load = tmp_path / "load.csv"
    source = f"observed: {{source: csv, file: '{load}', max_age: 1s, fails_after: 1s}}"
    site.put(site.policy, site.policy.read_text().replace("{hours", f"{{{source}, hours"))
    with site.working() as worker:
        wait_for("it has begun", lambda: worker.holds)
        site.until((20, 30))
        wait_for("it is told", lambda: "inputs" in failures(worker))
        assert str(load) in failures(worker)["inputs"]
        began = datetime.now(UTC)
        rows = (f"{began + timedelta(seconds=each):%FT%TZ},1\n" for each in range(120))
        site.put(load, f"timestamp,value\n{''.join(rows)}")
        site.until(OWN)


def test_a_plan_that_breaks_in_the_computing_is_a_fault_and_no_end(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.hpa()
    with site.working() as worker:
        wait_for("it has begun", lambda: worker.holds)

        def judging(*_: Any, **__: Any) -> Any:
            raise ZeroDivisionError

        monkeypatch.setattr("gate.service.scaling.worker.planning.judge", judging)
        site.until((20, 30), seconds=30.0)


def test_a_worker_that_can_read_nothing_from_the_start_uses_twenty(site: Site) -> None:
    site.hpa()
    site.policy.write_text("version: [")
    with site.working(recheck=timedelta(seconds=1)):
        site.until((20, 30))
