"""People who want to get past the lock: with planted stamps, and with Leases of their own."""

import secrets
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.cluster.fallback.clock import Clock, lease
from tests.cluster.fallback.lab import HOUR, LEASES, Lab, acting, inside, workload
from tests.controlplane.plane import ADMIN, PERSON, Answer

pytestmark = pytest.mark.xdist_group("fallback")

RBAC = "/apis/rbac.authorization.k8s.io/v1"
FIELDS: dict[str, Any] = {"f:spec": {"f:template": {"f:spec": {}}}}


@pytest.fixture(scope="module")
def namespace(clock: Clock) -> Iterator[str]:
    with clock.namespace(workload()) as name:
        clock.install(inside("exempt: [robot]\n"))
        yield name


def entry(time: str | None, manager: str = "planted") -> dict[str, Any]:
    """An entry of managed fields."""
    found = {
        "manager": manager,
        "operation": "Update",
        "apiVersion": "apps/v1",
        "fieldsType": "FieldsV1",
        "fieldsV1": FIELDS,
    }
    return found if time is None else {**found, "time": time}


def stamp(off: timedelta) -> str:
    return (datetime.now(UTC) + off).strftime("%Y-%m-%dT%H:%M:%SZ")


def planted(current: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Managed fields as someone may send them, by what they are meant to do."""
    return {
        "emptied": [],
        "reset": [{}],
        "stripped of times": [{k: v for k, v in e.items() if k != "time"} for e in current],
        "forged, past": [{**e, "time": stamp(-90 * HOUR)} for e in current],
        "forged, future": [{**e, "time": stamp(90 * HOUR)} for e in current],
        "planted, future": [*current, entry(stamp(5 * HOUR))],
        "planted, within the lock": [*current, entry(stamp(-HOUR / 2))],
        "planted, hiding the real one": [entry(stamp(-90 * HOUR), "python-requests")],
        "planted, no time": [*current, entry(None)],
        "planted, nonsense": [*current, entry("2026-13-77T99:99:99Z")],
    }


def replaced(lab: Lab, namespace: str, fields: list[dict[str, Any]], *, change: bool) -> Answer:
    """Replace the object with those managed fields, less one variable where it is a change."""
    path = lab.objects(namespace, {"kind": "Deployment"}, name="web")
    body = lab.plane.get(path)
    body["metadata"]["managedFields"] = fields
    if change:
        del body["spec"]["template"]["spec"]["containers"][0]["env"]
    return lab.plane.request("PUT", f"{path}?dryRun=All", body, user=PERSON)


def test_stamps_neither_open_nor_close(clock: Clock, namespace: str) -> None:
    path = clock.objects(namespace, {"kind": "Deployment"}, name="web")
    stamps = planted(clock.plane.get(path)["metadata"]["managedFields"])
    now = datetime.now(UTC)
    for moment, expected in ((now, 403), (now + 2 * HOUR, 200)):
        clock.set(moment)
        for name, fields in stamps.items():
            answer = replaced(clock, namespace, fields, change=True)
            # What cannot be read as a time is refused before any policy is asked.
            wanted = 400 if "nonsense" in name else expected
            assert answer.status == wanted, (name, moment, answer.body)
    clock.set(now)
    assert replaced(clock, namespace, stamps["planted, future"], change=False).status == 200


def test_a_lease_elsewhere_is_no_clock(clock: Clock, namespace: str) -> None:
    """Neither the time of a lock nor an open one counts in a Lease outside kube-system."""
    path = LEASES.format(namespace)
    body = workload("Deployment", "other")
    now = datetime.now(UTC)
    for name, theirs, ours, expected in (
        ("open", now - 9 * HOUR, now, 403),
        ("locked", now, now + 2 * HOUR, 201),
    ):
        clock.plane.request("POST", path, lease(name, theirs, namespace)).ok()
        clock.set(ours)
        assert clock.create(namespace, body, dry=True).status == expected
        clock.plane.request("DELETE", f"{path}/{name}").ok()


def test_whoever_may_edit_a_namespace_may_not_set_the_clock(clock: Clock, namespace: str) -> None:
    someone = f"someone-{secrets.token_hex(4)}"
    who: dict[str, Any] = {"user": ADMIN, "headers": {"Impersonate-User": someone}}
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": someone},
        "subjects": [{"kind": "User", "name": someone, "apiGroup": "rbac.authorization.k8s.io"}],
        "roleRef": {
            "kind": "ClusterRole",
            "name": "system:aggregate-to-edit",
            "apiGroup": "rbac.authorization.k8s.io",
        },
    }
    rolebindings = f"{RBAC}/namespaces/{namespace}/rolebindings"
    clock.plane.request("POST", rolebindings, binding).ok()
    mine, theirs = LEASES.format(namespace), LEASES.format("kube-system")

    def create(path: str, where: str) -> int:
        return clock.plane.request(
            "POST", path, lease("own", datetime.now(UTC), where), **who
        ).status

    clock.plane.wait_for("the role is known", lambda: create(mine, namespace) in {201, 409})
    assert create(theirs, "kube-system") == 403
    real = f"{theirs}/{clock.plane.identity_leases()[0]['metadata']['name']}"
    stale = {"spec": {"renewTime": "2026-01-01T00:00:00.000000Z"}}
    merge = "application/merge-patch+json"
    assert clock.patch(real, stale, merge, **who).status == 403
    assert clock.plane.request("DELETE", real, **who).status == 403
    notes = {"metadata": {"annotations": {"saturday-gate.io/override-until": stamp(HOUR)}}}
    assert clock.patch(f"/api/v1/namespaces/{namespace}", notes, merge, **who).status == 403


def test_names_that_only_look_exempt_are_not(clock: Clock, namespace: str) -> None:
    clock.set(datetime.now(UTC))
    body = workload("Deployment", "other")
    assert clock.create(namespace, body, dry=True, **acting("robot")).status == 201
    for name in ("Robot", "robot2", "a robot", "robot:"):
        assert clock.create(namespace, body, dry=True, **acting(name)).status == 403
