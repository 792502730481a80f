"""Kubernetes' own controllers do their part during a lock, in which nobody else may do as much.

What a test needs inside the lock is made there by one who is exempt.
"""

import json
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from gate.core.document.defaults import DEFAULT_EXEMPT
from tests.cluster.gate import AUTOMATION, CALLERS, EXEMPT, HUMAN, Caller, Gate, kubectl
from tests.cluster.gate_manifests import (
    Manifest,
    autoscaler,
    config_map,
    deployment,
    one_of_each,
    path_of,
    secret,
    stateful_set,
)

pytestmark = pytest.mark.xdist_group("webhook")
_SYSTEM = "system:serviceaccount:kube-system:"


class Locked:
    """A namespace inside a window."""

    def __init__(self, gate: Gate, namespace: str) -> None:
        self.gate = gate
        self.plane = gate.plane
        self.namespace = namespace

    def run(self, caller: Caller, *arguments: str, sent: str | None = None) -> None:
        """Run kubectl as a caller who must not be refused."""
        done = kubectl(self.plane, caller, "--namespace", self.namespace, *arguments, sent=sent)
        assert done.returncode == 0, done.stderr

    def refused(self, caller: Caller, *arguments: str) -> None:
        """Run kubectl as a caller whom the gate must refuse."""
        done = kubectl(self.plane, caller, "--namespace", self.namespace, *arguments)
        assert done.returncode != 0
        assert "to protect weddings" in done.stderr

    def make(self, *manifests: Manifest, owner: Any = None) -> None:
        """Make objects, all of them owned by one."""
        metadata = {"ownerReferences": [_reference(owner)]} if owner else {}
        text = "\n---\n".join(
            json.dumps({**each, "metadata": {**each["metadata"], **metadata}}) for each in manifests
        )
        self.run(EXEMPT, "create", "--filename", "-", sent=text)

    def get(self, manifest: Manifest) -> Any:
        """The object as it is; None where there is none."""
        answer = self.plane.request("GET", path_of(self.namespace, manifest))
        return None if answer.status == 404 else answer.ok()

    def wait_gone(self, *manifests: Manifest) -> None:
        for each in manifests:
            self.plane.wait_for(
                f"{each['kind']} {each['metadata']['name']} is gone", partial(self._is_gone, each)
            )

    def _is_gone(self, manifest: Manifest) -> bool:
        return self.get(manifest) is None

    def wait_ready(self, manifest: Manifest, replicas: int) -> None:
        """Wait until so many replicas, and no others, are ready and of the last revision."""

        def is_ready() -> bool:
            found = self.get(manifest)
            status = found["status"]
            counts = {status.get(f"{which}eplicas", 0) for which in ("r", "updatedR", "readyR")}
            observed = status.get("observedGeneration") == found["metadata"]["generation"]
            return observed and counts == {replicas}

        self.plane.wait_for(f"{replicas} of {manifest['metadata']['name']} are ready", is_ready)

    def wrote(self) -> dict[str, set[str]]:
        """Controllers by their short names, and the kinds of which they sent the gate changes.

        None of them may have been judged, and all of them must be exempt by default.
        """
        found: dict[str, set[str]] = {}
        for event in self.plane.audit_events(self.namespace):
            user = event["user"]["username"]
            notes = {
                name.rpartition("/")[2]: value
                for name, value in (event.get("annotations") or {}).items()
                if ".saturday-gate.io/" in name
            }
            if notes and user not in {caller.user for caller in CALLERS if caller.invoker}:
                assert notes == {"passed": "exempt"}, (user, event)
                assert user in DEFAULT_EXEMPT
                resource = event["objectRef"]["resource"]
                found.setdefault(user.removeprefix(_SYSTEM), set()).add(resource)
        actors = {decision["request"]["actor"] for decision in self.gate.decisions(self.namespace)}
        assert actors <= {caller.user for caller in CALLERS}
        return found


def _reference(owner: Any) -> dict[str, Any]:
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
    }


@pytest.fixture
def locked(gate: Gate) -> Iterator[Locked]:
    with gate.plane.namespace("locked") as namespace, gate.protected(namespace):
        yield Locked(gate, namespace)


def test_what_was_restarted_rolls_out(locked: Locked) -> None:
    made = (deployment("bookings", replicas=2), stateful_set("seating", replicas=2))
    locked.make(*made)
    for each in made:
        locked.wait_ready(each, 2)
    locked.run(HUMAN, "rollout", "restart", "deployment/bookings", "statefulset/seating")
    for each in made:
        locked.wait_ready(each, 2)
    history = locked.plane.get(f"/apis/apps/v1/namespaces/{locked.namespace}/replicasets")["items"]
    assert sorted(each["spec"]["replicas"] for each in history) == [0, 2]
    locked.refused(AUTOMATION, "set", "env", "deployment/bookings", "A=b")
    locked.wrote()


def test_an_autoscaler_goes_both_ways(locked: Locked) -> None:
    bookings = deployment("bookings", replicas=1)
    locked.make(bookings, autoscaler("bookings", 3, 5, target="bookings"))
    locked.wait_ready(bookings, 3)
    locked.refused(AUTOMATION, "scale", "deployment/bookings", "--replicas=2")
    bounds = json.dumps({"spec": {"minReplicas": 1, "maxReplicas": 2}})
    locked.refused(AUTOMATION, "patch", "hpa", "bookings", "--type=merge", "--patch", bounds)
    locked.run(EXEMPT, "patch", "hpa", "bookings", "--type=merge", "--patch", bounds)
    locked.wait_ready(bookings, 2)
    assert "deployments" in locked.wrote()["horizontal-pod-autoscaler"]


def test_what_lost_its_owner_is_collected(locked: Locked) -> None:
    root = config_map("root")
    locked.make(root)
    owned = one_of_each("owned")
    locked.make(*owned, owner=locked.get(root))
    for each in owned:
        locked.refused(AUTOMATION, "delete", each["kind"], "owned")
    locked.run(EXEMPT, "delete", "configmap", "root")
    locked.wait_gone(*owned)
    assert len(locked.wrote()["generic-garbage-collector"]) == len(owned)


def test_a_deleted_deployment_takes_its_own_along(locked: Locked) -> None:
    bookings, settings = deployment("bookings", replicas=2), config_map("settings")
    locked.make(bookings)
    locked.make(settings, owner=locked.get(bookings))
    locked.wait_ready(bookings, 2)
    locked.run(EXEMPT, "delete", "deployment", "bookings")
    locked.wait_gone(bookings, settings)
    pods = f"/api/v1/namespaces/{locked.namespace}/pods"
    locked.plane.wait_for("the pods are gone", lambda: not locked.plane.get(pods)["items"])
    locked.wrote()


def test_the_authority_is_published_again(locked: Locked) -> None:
    published = config_map("kube-root-ca.crt")
    locked.plane.wait_for("it is published", lambda: locked.get(published))
    locked.refused(HUMAN, "delete", "configmap", "kube-root-ca.crt")
    locked.run(EXEMPT, "delete", "configmap", "kube-root-ca.crt")
    locked.plane.wait_for("it is published again", lambda: locked.get(published))
    assert locked.wrote()["root-ca-cert-publisher"] == {"configmaps"}


def test_a_token_is_issued_and_may_be_renewed_by_automation(locked: Locked) -> None:
    account = f"/api/v1/namespaces/{locked.namespace}/serviceaccounts/default"
    locked.plane.wait_for(
        "the account is there", lambda: locked.plane.request("GET", account).status == 200
    )
    token = secret("token", kind="kubernetes.io/service-account-token")
    token["metadata"]["annotations"] = {"kubernetes.io/service-account.name": "default"}
    locked.make({**token, "data": {}})
    # The API server leaves an empty map out, so there is no data before there is a token.
    locked.plane.wait_for(
        "the token is issued", lambda: "token" in locked.get(token).get("data", {})
    )
    change = ("patch", "secret", "token", "--type=merge", "--patch", '{"data":{"more":"Yg=="}}')
    locked.refused(HUMAN, *change)
    locked.run(AUTOMATION, *change)
    # The one controller that has no account of its own.
    assert locked.wrote()["system:kube-controller-manager"] == {"secrets"}


def test_a_namespace_can_be_deleted_whole(locked: Locked) -> None:
    inside = one_of_each("inside")
    running = deployment("running", replicas=2)
    locked.make(*inside, running)
    locked.wait_ready(running, 2)
    maps = f"/api/v1/namespaces/{locked.namespace}/configmaps"
    answer = locked.plane.request("DELETE", maps, user=HUMAN.user)
    assert (answer.status, answer.body["reason"]) == (403, "Forbidden")
    namespace = f"/api/v1/namespaces/{locked.namespace}"
    locked.plane.request("DELETE", namespace).ok()
    locked.plane.wait_for(
        "the namespace is gone", lambda: locked.plane.request("GET", namespace).status == 404
    )
    assert len(locked.wrote()["namespace-controller"]) == len(inside)
