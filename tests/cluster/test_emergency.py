"""`gate emergency` over a control plane of its own, with and without a database."""

import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec.structs import replace

from gate.core.instants import format_instant
from gate.service.scaling.by_hand import emergency
from gate.service.scaling.by_hand.at_hand import Hands
from gate.service.scaling.by_hand.in_force import PlanFiles
from gate.store.connect import Target
from tests.cli.run import gate
from tests.cluster.by_hand import NOWHERE, Hand, Start, stored
from tests.cluster.prescale_working import events
from tests.cluster.prescaling import HPAS, Prescaling
from tests.controlplane.plane import ControlPlane
from tests.hands.build import act


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[Target]:
    with stored(monkeypatch) as target:
        yield target


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
    raised = "name, from_min, to_min, applied_at IS NOT NULL, restored_at IS NULL"
    stored = [row[1:] for row in events(store, f"cause, {raised}") if row[0] == "emergency"]
    assert sorted(stored) == [("photos", 20, 100, True, True), ("web", 5, 100, True, True)]
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
    ended = [
        row[2]
        for row in events(store, "cause, name, restored_at IS NOT NULL")
        if row[:2] == ("emergency", "web")
    ]
    assert ended == [True]
    assert own.emergency("deactivate").json == {"active": False}


def test_a_database_that_takes_all_and_answers_nothing_holds_nobody_up(own: Hand) -> None:
    own.stage.hpa(low=5, high=20)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        host, port = silent.getsockname()
        began = time.monotonic()
        begun = own.emergency("activate", "--dsn", f"host={host} port={port} user=gate dbname=gate")
        assert time.monotonic() - began < 15
    assert (begun.code, begun.json["locked"]) == (4, False)
    assert own.stage.range() == (100, 100)


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


def test_people_are_told_what_stands_and_what_does_not(own: Hand, store: Target) -> None:
    own.stage.hpa(low=5, high=20)
    own.stage.hpa("odd", annotations={"saturday-gate.io/rungs": "many"})
    plain = ("--reason", "photos drown", *own.cluster)
    begun = gate("emergency", "activate", *plain)
    assert begun.code == 4
    assert "1 of 2 targets raised" in begun.out
    assert f"{own.stage.namespace}/odd: " in begun.err
    assert own.stage.range("odd") == (10, 30)
    said = gate("emergency", "status", *own.cluster)
    assert (said.code, "1 of 2 targets raised" in said.out) == (0, True)
    over = gate("emergency", "deactivate", *own.cluster)
    assert "1 target to be lowered by the next pre-scaling" in over.out
    again = gate("emergency", "activate", *plain, "--for", "1h")
    over = gate("emergency", "deactivate", *own.cluster, *own.plan)
    assert (again.code, over.code) == (4, 4)
    assert "1 of 2 targets as before it" in over.out


def test_an_emergency_without_a_database_can_be_extended_and_not_cut_short(own: Hand) -> None:
    own.stage.hpa(low=5, high=20)
    away = ("--dsn", NOWHERE)
    begun = own.emergency("activate", "--for", "2h", *away).json
    longer = own.emergency("activate", "--for", "3h", *away).json
    assert (longer["id"], longer["change"]) == (begun["id"], "extended")
    assert [hold["until"] for hold in own.held()] == [longer["until"]]
    shorter = own.emergency("activate", "--for", "1h", *away)
    assert (shorter.code, "gate emergency deactivate" in shorter.err) == (2, True)


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


def test_what_the_lock_forbade_is_tried_again_when_it_has_ended(own: Hand, store: Target) -> None:
    """As where a webhook goes by the lock for a moment longer: here, rights come late."""
    own.stage.hpa(low=5, high=20)
    assert own.emergency("activate").code == 0
    plane = own.stage.plane
    give_rights(plane, "list", "get")
    hands = Hands.of(store, str(plane.kubeconfig("hand")), {})
    files = PlanFiles(policy=str(own.stage.policy), calendars=(str(own.stage.calendar),))
    waited: list[float] = []

    def wait(seconds: float) -> None:
        waited.append(seconds)
        give_rights(plane, "patch")
        plane.wait_for("the rights", lambda: allowed(plane))

    now = replace(act("ann"), now=datetime.now(UTC))
    told = emergency.deactivate(hands, now, plan=files, wait=wait)
    assert (len(waited), told.active) == (1, False)
    assert (own.stage.range(), own.held()) == ((5, 20), [])


def give_rights(plane: ControlPlane, *verbs: str) -> None:
    """Let the user ``hand`` do this with autoscalers."""
    name, version = f"hand-{'-'.join(verbs)}", "rbac.authorization.k8s.io/v1"
    scalers = [
        {"apiGroups": ["autoscaling"], "resources": ["horizontalpodautoscalers"], "verbs": verbs},
        {"apiGroups": ["keda.sh"], "resources": ["scaledobjects"], "verbs": verbs},
    ]
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name}
    user = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "hand"}
    plane.apply(
        {
            "apiVersion": version,
            "kind": "ClusterRole",
            "metadata": {"name": name},
            "rules": scalers,
        },
        {
            "apiVersion": version,
            "kind": "ClusterRoleBinding",
            "metadata": {"name": name},
            "subjects": [user],
            "roleRef": role,
        },
    )


def allowed(plane: ControlPlane) -> bool:
    """Whether the user may patch autoscalers by now."""
    asked = ("auth", "can-i", "patch", "hpa", "-A")
    return plane.kubectl(*asked, user="hand", check=False).stdout.strip() == "yes"
