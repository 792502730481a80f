"""Every kind of change, inside and outside a window, by everyone."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.cluster.fallback.lab import APPLY, MERGE, Lab, acting, inside, outside, workload
from tests.controlplane.plane import ADMIN, DEPLOYER, PERSON, Answer

pytestmark = pytest.mark.xdist_group("fallback")

KINDS = ("Deployment", "StatefulSet", "DaemonSet")
RESTARTED = "kubectl.kubernetes.io/restartedAt"
STRATEGIC = "application/strategic-merge-patch+json"
JSON_PATCH = "application/json-patch+json"


def template(**parts: Any) -> dict[str, Any]:
    return {"spec": {"template": parts}}


def note(key: str, value: str | None) -> dict[str, Any]:
    return template(metadata={"annotations": {key: value}})


def edit(op: str, path: str, value: object = None) -> tuple[list[dict[str, Any]], str]:
    changed = {"op": op, "path": f"/spec/template/spec/containers/0/{path}"}
    return [{**changed, **({} if value is None else {"value": value})}], JSON_PATCH


# What a change is called, its patch and the patch's type; for every kind that has the fields.
TEMPLATE_CHANGES = {
    "another image": edit("replace", "image", "registry.example/app:2"),
    "one variable more": edit("add", "env/-", {"name": "A", "value": "1"}),
    "one variable less": edit("remove", "env/0"),
    "all variables gone": edit("remove", "env"),
    "an annotation less": (note("team", None), MERGE),
    "an annotation more": (note("colour", "blue"), MERGE),
    "a label more": (template(metadata={"labels": {"tier": "front"}}), MERGE),
    "a container more": (
        template(spec={"containers": [{"name": "side", "image": "registry.example/side:1"}]}),
        STRATEGIC,
    ),
    "a restart and a label": (
        template(metadata={"annotations": {RESTARTED: "now"}, "labels": {"tier": "front"}}),
        MERGE,
    ),
}
RESTARTS = {
    "restarted": (note(RESTARTED, "2026-06-13T14:00:00Z"), MERGE),
    "restarted again": (note(RESTARTED, "again"), MERGE),
    "a restart forgotten": (note(RESTARTED, None), MERGE),
}
# Configuration is the webhook's; labels and annotations are nobody's.
PASSING = {
    "a label of its own": ({"metadata": {"labels": {"tier": "front"}}}, MERGE),
    "an annotation of its own": ({"metadata": {"annotations": {"note": "x"}}}, MERGE),
    "nothing": ({}, MERGE),
    "a finalizer": ({"metadata": {"finalizers": ["example.com/x"]}}, MERGE),
    "more history": ({"spec": {"revisionHistoryLimit": 3}}, MERGE),
}
FIRST = {
    "spec": {"template": {"metadata": {"annotations": {RESTARTED: "first", "team": "bookings"}}}}
}


def existing(kind: str) -> dict[str, Any]:
    body = workload(kind)
    body["spec"]["template"]["metadata"]["annotations"][RESTARTED] = "first"
    return body


@pytest.fixture(scope="module")
def namespace(lab: Lab) -> Iterator[str]:
    with lab.namespace(*map(existing, KINDS)) as name:
        yield name


@pytest.fixture(scope="module")
def locked(lab: Lab, namespace: str) -> str:
    lab.install(inside())
    return namespace


@pytest.fixture
def opened(lab: Lab, namespace: str) -> Iterator[str]:
    lab.install(outside())
    yield namespace
    lab.install(inside())


def change(lab: Lab, namespace: str, kind: str, patch: Any, how: str, **who: Any) -> Answer:
    path = lab.objects(namespace, {"kind": kind}, name="web", dry=True)
    return lab.patch(path, patch, how, **who)


def scaled(
    lab: Lab, namespace: str, kind: str, replicas: int, *, through: str, **who: Any
) -> Answer:
    path = lab.objects(namespace, {"kind": kind}, name="web")
    path += "/scale?dryRun=All" if through == "/scale" else "?dryRun=All"
    return lab.patch(path, {"spec": {"replicas": replicas}}, MERGE, **who)


def refused(answer: Answer, *words: str) -> None:
    """Denied by the lock, for that reason."""
    assert answer.status == 403, answer.body
    message = answer.body["message"]
    assert "saturday-gate-fallback" in message
    assert answer.body["reason"] == "Forbidden"
    for word in words:
        assert word in message, message


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_deployed_inside(lab: Lab, locked: str, kind: str) -> None:
    fresh = workload(kind, "other")
    for dry in (False, True):
        refused(lab.create(locked, fresh, dry=dry, user=PERSON), "deploy by a person")
    unnamed = {**fresh, "metadata": {"generateName": "other-"}}
    refused(lab.create(locked, unnamed, user=DEPLOYER), "deploy by automation")
    applied = lab.objects(locked, fresh, name="other")
    refused(lab.patch(applied, fresh, APPLY, query="fieldManager=x"), "deploy")
    path = lab.objects(locked, fresh, name="web")
    refused(lab.plane.request("DELETE", path, user=PERSON), "deploy")
    everything = lab.objects(locked, fresh)
    refused(lab.plane.request("DELETE", everything, user=PERSON), "deploy")
    assert len(lab.plane.get(everything)["items"]) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_templates_change_as_little(lab: Lab, locked: str, kind: str) -> None:
    for name, (patch, how) in TEMPLATE_CHANGES.items():
        for user in (PERSON, DEPLOYER, ADMIN):
            answer = change(lab, locked, kind, patch, how, user=user)
            assert answer.status == 403, (name, user, answer.body)
            refused(answer, "deploy by")
    for name, (patch, how) in RESTARTS.items():
        answer = change(lab, locked, kind, patch, how, user=PERSON)
        assert answer.status == 403, (name, answer.body)
        refused(answer, "restart by a person is locked until")


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_deploy_passes(lab: Lab, locked: str, kind: str) -> None:
    for name, (patch, how) in PASSING.items():
        answer = change(lab, locked, kind, patch, how, user=PERSON)
        assert answer.status == 200, (name, answer.body)
    path = lab.objects(locked, {"kind": kind}, name="web")
    status = lab.patch(f"{path}/status?dryRun=All", {"status": {"observedGeneration": 9}}, MERGE)
    assert status.status == 200
    same = lab.patch(path, existing(kind), APPLY, query="fieldManager=x&force=true&dryRun=All")
    assert same.status == 200, same.body


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet"])
@pytest.mark.parametrize("through", ["spec", "/scale"])
def test_scaling_goes_by_its_direction(lab: Lab, locked: str, kind: str, through: str) -> None:
    for replicas in (0, 1):
        answer = scaled(lab, locked, kind, replicas, through=through, user=DEPLOYER)
        refused(answer, "scale-down by automation")
    for replicas in (2, 3):
        assert scaled(lab, locked, kind, replicas, through=through, user=DEPLOYER).status == 200


def test_several_changes_at_once_are_refused_for_each(lab: Lab, locked: str) -> None:
    image = {"containers": [{"name": "app", "image": "registry.example/app:2"}]}
    both = {"spec": {"replicas": 1, "template": {"spec": image}}}
    refused(change(lab, locked, "Deployment", both, STRATEGIC), "deploy and scale-down by a person")
    up = {"spec": {"replicas": 9, "template": {"spec": image}}}
    refused(change(lab, locked, "Deployment", up, STRATEGIC), "Gate: deploy by a person")


def test_the_exempt_go_on_by_exact_name(lab: Lab, locked: str) -> None:
    image, how = TEMPLATE_CHANGES["another image"]
    for controller in ("deployment-controller", "generic-garbage-collector"):
        who = acting(f"system:serviceaccount:kube-system:{controller}")
        assert change(lab, locked, "Deployment", image, how, **who).status == 200
        path = lab.objects(locked, {"kind": "Deployment"}, name="web", dry=True)
        assert lab.plane.request("DELETE", path, **who).status == 200
    for other in ("system:serviceaccount:argocd:deployment-controller", "deployment-controller"):
        refused(change(lab, locked, "Deployment", image, how, **acting(other)))


def test_only_labelled_namespaces_are_locked(lab: Lab, locked: str) -> None:
    with lab.namespace(labels={"saturday-gate.io/protect": "yes"}) as other:
        assert lab.create(other, workload()).status == 201
    lab.annotate("kube-system", {}, labels={"saturday-gate.io/protect": "true"})
    assert lab.create("kube-system", workload(), dry=True).status == 201
    lab.annotate("kube-system", {}, labels={"saturday-gate.io/protect": None})


def test_everything_passes_outside_and_in_the_lead(lab: Lab, opened: str) -> None:
    for kind in KINDS:
        for patch, how in [*TEMPLATE_CHANGES.values(), *RESTARTS.values(), *PASSING.values()]:
            answer = change(lab, opened, kind, patch, how, user=DEPLOYER)
            assert answer.status == 200, answer.body
        assert lab.create(opened, workload(kind, "other"), dry=True, user=PERSON).status == 201
        path = lab.objects(opened, {"kind": kind}, name="web", dry=True)
        assert lab.plane.request("DELETE", path, user=PERSON).status == 200
    for through in ("spec", "/scale"):
        for replicas in (0, 3):
            answer = scaled(lab, opened, "StatefulSet", replicas, through=through)
            assert answer.status == 200, answer.body
