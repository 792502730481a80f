"""`gate scale` and `gate emergency` over a real control plane, with and without a database."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import pytest

from gate.core.instants import format_instant
from gate.service.scaling.at_hand import without_the_plan
from gate.service.scaling.reach import Chosen
from gate.service.scaling.run import run_once
from gate.service.scaling.standing import StandingHolds
from gate.store.connect import Target, connect
from tests.cli.run import Outcome, gate
from tests.cluster.prescaling import HPAS, SCALED, Prescaling, with_keda
from tests.cluster.unruly import Fate, unruly
from tests.controlplane.plane import ControlPlane
from tests.controlplane.running import Running
from tests.postgres import fresh_schema

HELD = "saturday-gate.io/held"
NOWHERE = "host=/nonexistent user=gate dbname=gate"
REASON = ("--reason", "a flash sale")


class Start(Protocol):
    def __call__(self, **options: object) -> AbstractContextManager[Running]: ...


class Hand:
    """A person with a terminal: the commands with the cluster that they reach."""

    def __init__(self, stage: Prescaling) -> None:
        self.stage = stage
        self.cluster = ("--kubeconfig", str(stage.plane.kubeconfig()))
        self.plan = ("--policy", str(stage.policy), "--calendar", str(stage.calendar))

    def set(self, minimum: int, *more: str, name: str = "web") -> Outcome:
        target = f"{self.stage.namespace}/{name}"
        asked = ("scale", "set", target, "--min", minimum, *REASON, *self.cluster, "--json")
        length = () if "--until" in more else ("--for", "2h")
        return gate(*asked, *length, *more)

    def release(self, *more: str, name: str = "web") -> Outcome:
        target = f"{self.stage.namespace}/{name}"
        return gate("scale", "release", target, *self.cluster, "--json", *more)

    def emergency(self, verb: str, *more: str) -> Outcome:
        reason = ("--reason", "photos drown") if verb == "activate" else ()
        return gate("emergency", verb, *reason, *self.cluster, "--json", *more)

    def held(self, name: str = "web") -> list[dict[str, Any]]:
        annotations = self.stage.read(name)["metadata"].get("annotations", {})
        found: list[dict[str, Any]] = json.loads(annotations.get(HELD, "[]"))
        return found

    def load_today(self, guests: int) -> None:
        """Let the plan ask for these guests from yesterday to tomorrow."""
        yesterday = datetime.now(UTC).date() - timedelta(days=1)
        self.stage.calendar.write_text(
            f"id,date,timezone,days,guests\nnow,{yesterday},UTC,3,{guests}\n"
        )


@pytest.fixture
def hand(control_plane: ControlPlane, namespace: str, tmp_path: Path) -> Hand:
    return Hand(Prescaling(control_plane, namespace, tmp_path))


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[Target]:
    """A database, named by the environment."""
    with fresh_schema() as target:
        monkeypatch.setenv("GATE_DSN", target.dsn)
        monkeypatch.setenv("GATE_SCHEMA", target.schema)
        monkeypatch.setenv("GATE_ACTOR", "ann")
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
    version = hand.stage.read()["metadata"]["resourceVersion"]
    assert hand.set(60, "--until", event["until"]).json["id"] == event["id"], "the same again"
    assert hand.stage.read()["metadata"]["resourceVersion"] == version
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
    assert "unrecorded" in made.err
    assert hand.stage.range() == (60, 60)
    again = hand.set(60, "--until", made.json["until"], "--dsn", NOWHERE)
    assert (again.json["id"], len(hand.held())) == (made.json["id"], 1)
    listed = gate("scale", "list", *hand.cluster, "--json")
    (mine,) = [each for each in listed.json if each["id"] == made.json["id"]]
    assert (listed.code, mine["recorded"]) == (4, False)
    released = hand.release(*hand.plan, "--dsn", NOWHERE)
    assert (released.code, "release it again" in released.err) == (4, True)
    assert [each["id"] for each in released.json["released"]] == [made.json["id"]]
    assert (hand.stage.range(), hand.held()) == ((2, 20), [])


def test_what_was_set_without_the_cluster_is_applied_by_the_next_run(
    hand: Hand, store: Target
) -> None:
    hand.stage.hpa(low=2, high=20)
    target = f"{hand.stage.namespace}/web"
    asked = ("scale", "set", target, "--min", "60", "--for", "2h", *REASON, "--json")
    assert gate(*asked).json["applied"] is False
    assert hand.stage.range() == (2, 20)
    converge(hand, store)
    assert hand.stage.range() == (60, 60)
    assert len(hand.held()) == 1
    gate("scale", "release", target)
    converge(hand, store)
    assert hand.held() == []


@pytest.mark.parametrize(("fate", "stands"), [("unheard", (2, 20)), ("lost", (60, 60))])
def test_a_command_killed_around_its_patch_is_made_good_by_running_it_again(
    hand: Hand, store: Target, tmp_path: Path, fate: Fate, stands: tuple[int, int]
) -> None:
    hand.stage.hpa(low=2, high=20)
    target, end = f"{hand.stage.namespace}/web", "2099-01-01T00:00:00Z"
    asked = ("scale", "set", target, "--min", "60", "--until", end, *REASON)
    with unruly(
        hand.stage.plane, tmp_path, lambda method, *_: fate if method == "PATCH" else "answered"
    ) as server:
        process = subprocess.Popen(
            [sys.executable, "-m", "gate", *asked, "--kubeconfig", str(server.kubeconfig)],
            stdout=subprocess.DEVNULL,
        )
        try:
            hand.stage.plane.wait_for(
                "the patch", lambda: any(call[0] == "PATCH" for call in server.calls)
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


def converge(hand: Hand, store: Target) -> None:
    """What the pre-scaler does with the database's holds."""
    run_once(
        Chosen.named(hand.cluster[1], {}),
        without_the_plan(datetime.now(UTC)),
        namespace=hand.stage.namespace,
        holds_of=StandingHolds(store).read(),
    )


@pytest.fixture
def own(own_control_plane: Start, tmp_path: Path) -> Iterator[Hand]:
    """A cluster that the emergency may have for itself: it is about every target there is."""
    with own_control_plane() as running:
        namespace = running.plane.fresh_namespace("crowd")
        yield Hand(Prescaling(running.plane, namespace, tmp_path))


def test_an_emergency_raises_all_and_ends_as_it_began(own: Hand, store: Target) -> None:
    for name in ("web", "photos", "large"):
        own.stage.hpa(name, low=200 if name == "large" else 5, high=220)
    own.stage.hpa("plain", labels={})
    own.set(20, name="photos")
    begun = own.emergency("activate")
    assert begun.code == 0, begun
    told = begun.json
    assert told["targets"] == {"labelled": 3, "done": 3}
    ranges = {name: own.stage.range(name) for name in ("web", "photos", "large", "plain")}
    assert ranges == {
        "web": (100, 220),
        "photos": (100, 220),
        "large": (200, 220),
        "plain": (10, 30),
    }
    assert [hold["id"] for hold in own.held()] == [told["id"]]
    versions = versions_of(own)
    assert own.emergency("activate").json == told | {"change": "unchanged"}
    assert versions_of(own) == versions, "a second time changes nothing"
    assert own.emergency("status").json["targets"] == {"labelled": 3, "done": 3}
    longer = own.emergency("activate", "--for", "9h").json
    assert (longer["id"], longer["change"]) == (told["id"], "extended")
    assert [hold["until"] for hold in own.held()] == [longer["until"]]
    over = own.emergency("deactivate", *own.plan)
    assert (over.code, over.json["id"], over.json["active"]) == (0, told["id"], False)
    assert own.stage.range("web") == (5, 220)
    assert own.stage.range("photos") == (20, 220), "what somebody else holds stays"
    assert own.stage.range("large") == (200, 220)
    assert [len(own.held(name)) for name in ("web", "photos", "large")] == [0, 1, 0]
    assert own.emergency("deactivate").json == {"active": False}


def test_without_the_plan_an_emergency_ends_and_targets_wait_for_the_pre_scaler(
    own: Hand, store: Target
) -> None:
    own.stage.hpa(low=5, high=20)
    own.emergency("activate")
    over = own.emergency("deactivate")
    assert (over.code, over.json["targets"]) == (0, {"labelled": 1, "done": 1, "waiting": 1})
    assert (own.stage.range(), own.held()) == ((100, 100), [])
    at = format_instant(datetime.now(UTC))
    assert own.stage.entry(at)["to"] == {"min": 5, "max": 20}


def versions_of(own: Hand) -> list[str]:
    listed = own.stage.plane.get(HPAS.format(own.stage.namespace))["items"]
    return [each["metadata"]["resourceVersion"] for each in listed]


def test_an_emergency_does_not_wait_for_the_database(own: Hand, store: Target) -> None:
    own.stage.hpa(low=5, high=20)
    begun = own.emergency("activate", "--dsn", NOWHERE)
    assert (begun.code, begun.json["lock_id"], begun.json["recorded"]) == (4, None, False)
    assert "DEPLOYS ARE NOT LOCKED" in begun.err
    assert own.stage.range() == (100, 100)
    again = own.emergency("activate", "--dsn", NOWHERE).json
    assert (again["id"], again["change"]) == (begun.json["id"], "unchanged")
    seen = own.emergency("status", "--dsn", NOWHERE)
    assert (seen.code, seen.json["id"]) == (4, begun.json["id"])
    # The database is back, and the command run again.
    made = own.emergency("activate", "--until", begun.json["until"])
    assert (made.code, made.json["locked"], made.json["recorded"]) == (0, True, True)
    assert [hold["id"] for hold in own.held()] == [made.json["id"]]
    assert own.stage.range() == (100, 100)
    half = own.emergency("deactivate", *own.plan, "--dsn", NOWHERE)
    assert (half.code, "IT STILL STANDS" in half.err) == (4, True)
    assert own.emergency("deactivate", *own.plan).code == 0
    assert (own.stage.range(), own.held()) == ((5, 20), [])
    assert gate("lock", "list", "--json").json == []
