"""`gate scale` over a real control plane, with and without a database."""

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gate.core.instants import format_instant
from gate.store.connect import Target, connect
from tests.cli.run import gate
from tests.cluster.by_hand import NOWHERE, REASON, Hand, stored
from tests.cluster.faulty import DROP, DROP_AFTER, faulty
from tests.cluster.prescaling import SCALED, Prescaling, with_keda
from tests.controlplane.plane import ControlPlane


@pytest.fixture
def hand(control_plane: ControlPlane, namespace: str, tmp_path: Path) -> Hand:
    return Hand(Prescaling(control_plane, namespace, tmp_path))


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[Target]:
    with stored(monkeypatch) as target:
        yield target


def test_a_floor_stands_at_once_and_goes_with_its_release(hand: Hand, store: Target) -> None:
    uid = hand.stage.hpa(low=2, high=20)["metadata"]["uid"]
    made = hand.set(60)
    assert made.code == 0, made
    event = made.json
    assert (event["from"], event["to"]) == ({"min": 2, "max": 20}, {"min": 60, "max": 60})
    assert (event["status"], event["applied"]) == ("applied", True)
    assert hand.stage.range() == (60, 60)
    assert hand.stage.notes()["original"] == {"min": 2, "max": 20, "uid": uid}
    (hold,) = hand.held()
    assert set(hold) <= {"cause", "min", "max", "until", "by", "reason", "id"}
    assert (hold["id"], hold["cause"], hold["by"]) == (event["id"], "manual", "ann")
    assert gate("scale", "list", "--json").json == [event]
    written = hand.stage.notes()["raised"], hand.held()
    assert hand.set(60, "--until", event["until"]).json["id"] == event["id"], "the same again"
    assert (hand.stage.notes()["raised"], hand.held()) == written
    released = hand.release(*hand.plan)
    assert released.code == 0, released
    done = released.json
    assert (done["applied"], done["min"], done["max"]) == (True, 2, 20)
    assert (hand.stage.range(), hand.held(), hand.stage.notes()) == ((2, 20), [], {})
    with connect(store) as connection:
        row = connection.execute(
            "SELECT kind, from_min, to_max, applied_at <= restored_at"
            " FROM infrastructure_scaling_events WHERE cause = 'manual'"
        ).fetchone()
    assert row == ("HorizontalPodAutoscaler", 2, 60, True)


def test_the_largest_floor_counts_and_a_release_leaves_the_plan(hand: Hand, store: Target) -> None:
    hand.load_today(90_000)
    hand.stage.hpa(low=10, high=40)
    assert hand.set(34, *hand.plan).code == 2
    assert hand.set(40, *hand.plan).code == 0
    assert hand.set(45, "--max", "70", *hand.plan).code == 0
    assert (hand.stage.range(), len(hand.held())) == ((45, 70), 2)
    assert hand.release(*hand.plan).json["min"] == 35, "the plan's HIGH rung"
    assert (hand.stage.range(), hand.held()) == ((35, 40), [])


def test_without_the_plan_a_release_lowers_nothing(hand: Hand, store: Target) -> None:
    hand.stage.hpa(low=2, high=20)
    hand.set(60)
    done = hand.release().json
    assert "lowered by the next pre-scaling" in done["note"]
    assert (hand.stage.range(), hand.held()) == ((60, 60), [])
    at = format_instant(datetime.now(UTC))
    assert hand.stage.entry(at)["to"] == {"min": 2, "max": 20}


@pytest.mark.parametrize("annotation", [None, "5,12,14"])
def test_the_floor_in_force_is_the_target_s_own_rung(
    hand: Hand, store: Target, annotation: str | None
) -> None:
    hand.load_today(90_000)
    notes = {"saturday-gate.io/rungs": annotation} if annotation else {}
    hand.stage.hpa(low=2, high=40, annotations=notes)
    floor = 12 if annotation else 35
    refused = hand.set(floor - 1, *hand.plan)
    assert refused.code == 2
    assert f"below the floor in force, {floor} (the plan, level HIGH)" in refused.err
    assert (hand.stage.range(), hand.held()) == ((2, 40), [])
    assert hand.set(floor, *hand.plan).code == 0
    hand.release(*hand.plan)
    hand.load_today(1)
    assert hand.set(1, *hand.plan).code == 2, "at NORMAL it is the target's own"
    assert hand.set(2, *hand.plan).code == 0


def test_a_target_that_is_none_is_told_how_to_become_one(hand: Hand, store: Target) -> None:
    with_keda(hand.stage.plane)
    absent = hand.set(60)
    assert (absent.code, "there is no autoscaler" in absent.err) == (2, True)
    hand.stage.hpa("plain", labels={})
    plain = hand.set(60, name="plain")
    assert (plain.code, "does not carry the label" in plain.err) == (2, True)
    assert f"kubectl -n {hand.stage.namespace} label" in plain.err
    owner = hand.stage.scaled_object("queue", labels={})
    reference: dict[str, Any] = {"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject"}
    reference |= {"name": "queue", "uid": owner["metadata"]["uid"], "controller": True}
    hand.stage.hpa("keda-hpa-queue", labels={}, ownerReferences=[reference])
    made = hand.set(60, name="keda-hpa-queue")
    assert (made.code, "is made by ScaledObject/queue" in made.err) == (2, True)
    assert gate("scale", "list", "--json").json == []
    missing = hand.release(name="gone")
    assert (missing.code, "there is no autoscaler" in missing.err) == (2, True)


def test_a_target_that_must_be_left_alone_is_said_and_kept_for_later(
    hand: Hand, store: Target
) -> None:
    hand.stage.hpa(low=2, high=20, annotations={"saturday-gate.io/rungs": "many"})
    made = hand.set(60)
    assert (made.code, made.json["applied"]) == (4, False)
    assert "rungs" in made.json["error"]
    assert (hand.stage.range(), hand.held()) == ((2, 20), [])
    released = hand.release(*hand.plan)
    assert (released.code, len(released.json["released"])) == (4, 1)
    assert "rungs" in released.err


def test_what_somebody_else_raised_meanwhile_is_left_at_the_release(
    hand: Hand, store: Target
) -> None:
    hand.stage.hpa(low=2, high=20)
    hand.set(60)
    hand.stage.change(minReplicas=65, maxReplicas=90)
    done = hand.release(*hand.plan).json
    assert "kept: changed by tester" in done["note"]
    assert (hand.stage.range(), hand.held()) == ((65, 90), [])


def test_a_scaled_object_is_held_too(hand: Hand, store: Target) -> None:
    with_keda(hand.stage.plane)
    hand.stage.scaled_object("queue", minReplicaCount=0, maxReplicaCount=20)
    assert hand.set(30, name="queue").code == 0
    spec = hand.stage.read("queue", SCALED)["spec"]
    assert (spec["minReplicaCount"], spec["maxReplicaCount"]) == (30, 30)
    with connect(store) as connection:
        (row,) = connection.execute("SELECT kind FROM infrastructure_scaling_events").fetchall()
    assert row == ("ScaledObject",)


def test_with_the_database_away_the_target_alone_knows(hand: Hand) -> None:
    hand.stage.hpa(low=2, high=20)
    made = hand.set(60, "--dsn", NOWHERE)
    assert (made.code, made.json["applied"], made.json["recorded"]) == (4, True, False)
    assert "stands on its target alone" in made.err
    assert hand.stage.range() == (60, 60)
    again = hand.set(60, "--until", made.json["until"], "--dsn", NOWHERE)
    assert (again.json["id"], len(hand.held())) == (made.json["id"], 1)
    listed = gate("scale", "list", *hand.cluster, "--json")
    (mine,) = [each for each in listed.json if each["id"] == made.json["id"]]
    assert (listed.code, mine["recorded"]) == (0, False)
    released = hand.release(*hand.plan, "--dsn", NOWHERE)
    assert (released.code, "comes back" in released.err) == (4, True)
    assert [each["id"] for each in released.json["released"]] == [made.json["id"]]
    assert (hand.stage.range(), hand.held()) == ((2, 20), [])


def test_who_names_no_database_needs_none(hand: Hand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GATE_DSN", raising=False)
    hand.stage.hpa(low=2, high=20)
    made = hand.set(60)
    assert (made.code, made.json["recorded"], hand.stage.range()) == (0, False, (60, 60))
    assert "no database is named" in made.err
    assert hand.stage.entry(format_instant(datetime.now(UTC)))["cause"] == "manual"
    assert hand.release(*hand.plan).code == 0
    assert (hand.stage.range(), hand.held()) == ((2, 20), [])


def test_what_was_set_without_the_cluster_is_applied_by_the_next_run(
    hand: Hand, store: Target
) -> None:
    hand.stage.hpa(low=2, high=20)
    target = f"{hand.stage.namespace}/web"
    asked = ("scale", "set", target, "--min", "60", "--for", "2h", *REASON, "--json")
    assert gate(*asked).json["applied"] is False
    assert hand.stage.range() == (2, 20)
    converge(hand)
    assert hand.stage.range() == (60, 60)
    assert len(hand.held()) == 1
    gate("scale", "release", target)
    converge(hand)
    assert hand.held() == []


@pytest.mark.parametrize(("fault", "stands"), [(DROP, (2, 20)), (DROP_AFTER, (60, 60))])
def test_a_command_killed_around_its_patch_is_made_good_by_running_it_again(
    hand: Hand, store: Target, tmp_path: Path, fault: int, stands: tuple[int, int]
) -> None:
    hand.stage.hpa(low=2, high=20)
    target, end = f"{hand.stage.namespace}/web", "2099-01-01T00:00:00Z"
    asked = ("scale", "set", target, "--min", "60", "--until", end, *REASON)
    with faulty(hand.stage.plane, tmp_path) as server:
        server.fault = lambda call: fault if call.method == "PATCH" else None
        process = subprocess.Popen(
            [sys.executable, "-m", "gate", *asked, "--kubeconfig", str(server.kubeconfig())],
            stdout=subprocess.DEVNULL,
        )
        try:
            hand.stage.plane.wait_for(
                "the patch", lambda: any(call.method == "PATCH" for call in server.calls)
            )
            hand.stage.plane.wait_for("its effect", lambda: hand.stage.range() == stands)
        finally:
            process.kill()
            process.wait(10)
    (event,) = gate("scale", "list", "--json").json
    assert event["applied"] is False
    again = hand.set(60, "--until", end)
    assert (again.code, again.json["id"], again.json["applied"]) == (0, event["id"], True)
    assert (hand.stage.range(), len(hand.held())) == ((60, 60), 1)
    assert hand.stage.notes()["original"]["min"] == 2


def converge(hand: Hand) -> None:
    """What the pre-scaler does with the database's holds."""
    done = hand.stage.run(format_instant(datetime.now(UTC)), "--dsn", os.environ["GATE_DSN"])
    assert done.code == 0, done


def test_people_who_set_and_release_at_once_lose_nothing(hand: Hand, store: Target) -> None:
    hand.stage.hpa(low=2, high=20)
    with ThreadPoolExecutor(6) as pool:
        made = list(pool.map(lambda n: command(hand, "set", "--min", 50 + n), range(6)))
    assert [each.returncode for each in made] == [0] * 6, made
    assert (hand.stage.range(), len(hand.held())) == ((55, 55), 6)
    with ThreadPoolExecutor(2) as pool:
        released = pool.submit(command, hand, "release", *hand.plan)
        another = pool.submit(command, hand, "set", "--min", 70)
        codes = released.result().returncode, another.result().returncode
    assert codes == (0, 0)
    standing = {each["id"] for each in gate("scale", "list", "--json").json}
    converge(hand)
    assert {hold["id"] for hold in hand.held()} == standing
    assert hand.stage.range()[0] == (70 if standing else 2)


def command(hand: Hand, verb: str, *more: object) -> subprocess.CompletedProcess[str]:
    """A command in a process of its own."""
    target = f"{hand.stage.namespace}/web"
    options = ("--for", "2h", *REASON) if verb == "set" else ()
    words = ("scale", verb, target, *options, *hand.cluster, *more)
    return subprocess.run(
        [sys.executable, "-m", "gate", *map(str, words)],
        text=True,
        capture_output=True,
        check=False,
    )
