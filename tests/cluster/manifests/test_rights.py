"""Least RBAC: the gate does its work under exactly the rendered roles, and can do nothing beyond.

What no request shows (the API server asks itself whether a policy's author may read its parameters,
and whether an apply may create) is shown by taking it away.
"""

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gate.cluster.scaling.values import HELD
from gate.service.scaling.cluster import Scalers
from tests.cli.run import Outcome, gate
from tests.cluster.fallback.lab import ADMISSION
from tests.cluster.manifests.scene import ACCOUNTS, MAXIMUM, NORMAL, Scene
from tests.cluster.manifests.stage import GATE, PLATFORM, token_of
from tests.controlplane.plane import ControlPlane
from tests.manifests import building
from tests.manifests.building import build

pytestmark = pytest.mark.xdist_group("manifests")

HPA = f"/apis/autoscaling/v2/namespaces/{PLATFORM}/horizontalpodautoscalers/bookings"
CACHE = f"/api/v1/namespaces/{PLATFORM}/configmaps/saturday-gate-cache"
SEARCH = HPA.replace("bookings", "search")
PHOTOS = f"/apis/keda.sh/v1alpha1/namespaces/{PLATFORM}/scaledobjects/photos"
DEFAULTS = ("system:basic-user", "system:discovery", "system:public-info-viewer",
            "system:service-account-issuer-discovery")  # fmt: skip
"""What every account of a cluster may do: ask what there is, and what it may itself."""
WITHOUT_RIGHTS = ("saturday-gate-server", "saturday-gate-migration")
ROOM = {"nodes", "pods", "replicasets", "resourcequotas", "limitranges", "poddisruptionbudgets"}
Right = tuple[str, str, str, str]
"""Group, resource, verb, and the one name that it is for, or "*"."""
UNSEEN = {
    ("coordination.k8s.io", "leases", "get", "="),
    ("", "configmaps", "create", "saturday-gate-cache"),
    *(
        ("admissionregistration.k8s.io", resource, "create", name)
        for resource in ("validatingadmissionpolicies", "validatingadmissionpolicybindings")
        for name in ("saturday-gate-fallback", "saturday-gate-fallback-expiry")
    ),
}
"""Rights that the API server asks for within another request; ``=`` is the name "*" itself."""


@dataclass(frozen=True)
class Work:
    """What the pre-scaler did by its account: runs at MAXIMUM and NORMAL, and what stood then."""

    runs: tuple[Outcome, ...]
    floor: int
    cache: dict[str, str]


@pytest.fixture(scope="module")
def work(scene: Scene) -> Work:
    """All that the pre-scaler does, so that whichever test comes first finds it done."""
    runs = tuple(scene.prescale(at) for at in (MAXIMUM, NORMAL))
    floor, cache = scene.plane.get(HPA)["spec"]["minReplicas"], scene.plane.get(CACHE)["data"]
    _raise_what_a_person_holds(scene)
    # What a run does that finds an object changed since it was listed.
    kubeconfig = str(scene.kubeconfigs["saturday-gate-prescale"])
    scalers = Scalers.connect(kubeconfig, {})
    assert all(scalers.read(each) is not None for each in scalers.targets().targets)
    return Work(runs, floor, cache)


def _raise_what_a_person_holds(scene: Scene) -> None:
    """In the manner of the Deployment: Lease, watches, and waiting for what is Ready."""
    until = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    hold = {"id": "h-1", "cause": "manual", "min": 12, "max": None, "until": until,
            "by": "alice", "reason": "a fair"}  # fmt: skip
    held = {"metadata": {"annotations": {HELD: json.dumps([hold])}}}
    patch = "application/merge-patch+json"
    for path in (HPA, SEARCH, PHOTOS):
        scene.plane.request("PATCH", path, held, content_type=patch).ok()
    with scene.prescaling():
        for path, field in ((HPA, "minReplicas"), (SEARCH, "minReplicas"),
                            (PHOTOS, "minReplicaCount")):  # fmt: skip
            scene.plane.wait_for(
                f"{path} is raised",
                lambda path=path, field=field: scene.plane.get(path)["spec"][field] == 12,  # type: ignore[misc]
            )
        scene.plane.wait_for("the days to come are looked at", lambda: _listed(scene) >= ROOM)


def _listed(scene: Scene) -> set[str]:
    user = f"system:serviceaccount:{GATE}:saturday-gate-prescale"
    return {
        each["objectRef"]["resource"] for each in scene.requests(user) if each["verb"] == "list"
    }


def test_floors_are_raised_and_given_back(work: Work) -> None:
    for done, floor in zip(work.runs, (50, 10), strict=True):
        assert done.code == 0, done
        assert {each["to"]["min"] for each in done.json} == {floor}
        assert len(done.json) == 4
        assert done.err == ""
    assert work.floor == 10
    assert work.cache == {"ttl": "60"}


def rules_of(scene: Scene, account: str, namespace: str | None = None) -> set[Right]:
    """What the rendered roles give to an account."""
    given: set[Right] = set()
    everything = build("overlays/production")
    for kind in ("ClusterRole", "Role"):
        for binding in building.of_kind(everything, f"{kind}Binding"):
            where = binding["metadata"].get("namespace")
            if namespace is not None and where not in {None, namespace}:
                continue
            if [each["name"] for each in binding["subjects"]] == [account]:
                role = building.named(everything, kind, binding["roleRef"]["name"])
                given |= _flat(role["rules"])
    return given


def _flat(rules: list[dict[str, Any]]) -> set[Right]:
    return {
        (group, resource, verb, "=" if name == "*" else name or "*")
        for rule in rules
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
        for name in rule.get("resourceNames") or [""]
    }


@pytest.mark.parametrize("account", ACCOUNTS)
def test_every_right_is_used_and_no_request_refused(scene: Scene, work: Work, account: str) -> None:
    del work  # it is done, and that is enough
    used_in_full(scene, f"system:serviceaccount:{GATE}:{account}", rules_of(scene, account))


def test_a_planner_reads_what_capacity_asks_for(scene: Scene) -> None:
    role = "saturday-gate-capacity"
    kubeconfig = bound(scene.plane, "planner", role)
    done = gate("capacity", *scene.inputs, "--kubeconfig", kubeconfig, "--json")
    assert done.code in {0, 3}, done.err
    assert done.err == ""
    used_in_full(
        scene, "planner", _flat(building.named(build("base"), "ClusterRole", role)["rules"])
    )


def bound(plane: ControlPlane, person: str, role: str) -> Path:
    """A kubeconfig of somebody who has a role and nothing else."""
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": person},
        "roleRef": {
            "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role,
        },
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": person}],
    }  # fmt: skip
    plane.apply(binding)
    return plane.kubeconfig(person, (f"{person}s",))


def used_in_full(scene: Scene, user: str, given: set[Right]) -> None:
    """Every request of a user was allowed, and each of the rights was used."""
    by_name = {(group, resource, verb) for group, resource, verb, name in given if name != "*"}

    def used() -> set[Right]:
        found = set()
        for event in scene.requests(user):
            decision = event["annotations"]["authorization.k8s.io/decision"]
            assert decision == "allow", json.dumps(event)
            what = event["objectRef"]
            right = what.get("apiGroup", ""), what["resource"], event["verb"]
            found.add((*right, what.get("name", "") if right in by_name else "*"))
        return found

    with contextlib.suppress(TimeoutError):
        # An event may come a moment after the answer.
        scene.plane.wait_for("every right", lambda: used() == given - UNSEEN, seconds=15)
    assert used() == given - UNSEEN


@contextlib.contextmanager
def without(plane: ControlPlane, role: str, resource: str, verb: str) -> Iterator[None]:
    """A ClusterRole of the gate's without one right."""
    path = f"/apis/rbac.authorization.k8s.io/v1/clusterroles/{role}"
    whole = plane.get(path)["rules"]
    rules = [
        {**rule, "resources": [each_resource], "verbs": [each_verb]}
        for rule in whole
        for each_resource in rule["resources"]
        for each_verb in rule["verbs"]
        if (each_resource, each_verb) != (resource, verb)
    ]
    patch = "application/merge-patch+json"
    plane.request("PATCH", path, {"rules": rules}, content_type=patch).ok()
    try:
        yield
    finally:
        plane.request("PATCH", path, {"rules": whole}, content_type=patch).ok()


@pytest.mark.parametrize(
    ("resource", "verb"),
    [
        ("leases", "get"),
        ("validatingadmissionpolicies", "create"),
        ("validatingadmissionpolicybindings", "create"),
    ],
)
def test_without_it_the_lock_is_not_installed(scene: Scene, resource: str, verb: str) -> None:
    with without(scene.plane, "saturday-gate-fallback", resource, verb):
        _take_away_the_lock(scene.plane)
        scene.plane.wait_for("it is refused", lambda: scene.fallback_once().code == 4)
    scene.plane.wait_for("it is installed", lambda: scene.fallback_once().code == 0)


def test_without_it_cache_settings_are_not_made(scene: Scene) -> None:
    def said() -> str:
        scene.plane.request("DELETE", CACHE)
        return scene.prescale(MAXIMUM).err

    with without(scene.plane, "saturday-gate-prescale", "configmaps", "create"):
        scene.plane.wait_for("it is refused", lambda: "saturday-gate-cache" in said())
    scene.plane.wait_for("it is made", lambda: said() == "")


def _take_away_the_lock(plane: ControlPlane) -> None:
    for kind in ("validatingadmissionpolicybindings", "validatingadmissionpolicies"):
        for name in ("saturday-gate-fallback", "saturday-gate-fallback-expiry"):
            plane.request("DELETE", f"{ADMISSION}/{kind}/{name}")


@pytest.mark.parametrize("account", [*ACCOUNTS, *WITHOUT_RIGHTS])
@pytest.mark.parametrize("namespace", [GATE, PLATFORM, "kube-system", "default"])
def test_nothing_beyond_is_granted(scene: Scene, account: str, namespace: str) -> None:
    """By the API server's own word, and everywhere."""
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectRulesReview",
        "spec": {"namespace": namespace},
    }
    path = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews"
    headers = {"Authorization": f"Bearer {token_of(scene.plane, account)}"}
    status = scene.plane.request("POST", path, review, headers=headers).ok()["status"]
    assert status["incomplete"] is False
    allowed = _flat(status["resourceRules"])
    everybody = {
        right
        for name in DEFAULTS
        for right in _flat(_resources(scene.plane, name))
    }  # fmt: skip
    assert allowed - everybody == rules_of(scene, account, namespace)


def _resources(plane: ControlPlane, role: str) -> list[dict[str, Any]]:
    path = f"/apis/rbac.authorization.k8s.io/v1/clusterroles/{role}"
    return [rule for rule in plane.get(path)["rules"] if "resources" in rule]
