"""The test control plane is a real one: what the other tests take for granted of it."""

import json
import ssl
import urllib.error
import urllib.request
from typing import Any

import pytest

from tests.controlplane import objects
from tests.controlplane.plane import ADMIN, DEPLOYER, PERSON, PLATFORM, ControlPlane

APPS = "/apis/apps/v1/namespaces"
LOOSE = "/apis/autoscaling/v2/namespaces"
MERGE = "application/merge-patch+json"


def ready_replicas(plane: ControlPlane, namespace: str, name: str) -> int:
    found: int = plane.get(f"{APPS}/{namespace}/deployments/{name}")["status"].get(
        "readyReplicas", 0
    )
    return found


def replica_sets(plane: ControlPlane, namespace: str) -> dict[str, str]:
    """Image to the name of the ReplicaSet that has it and has replicas."""
    return {
        each["spec"]["template"]["spec"]["containers"][0]["image"]: each["metadata"]["name"]
        for each in plane.get(f"{APPS}/{namespace}/replicasets")["items"]
        if each["spec"]["replicas"]
    }


def whoami(plane: ControlPlane, *arguments: str, **chosen: Any) -> tuple[str, set[str]]:
    said = plane.kubectl(
        "auth", "whoami", "--output=jsonpath={.status.userInfo}", *arguments, **chosen, check=True
    )
    info = json.loads(said.stdout)
    return info["username"], set(info["groups"]) - {"system:authenticated"}


def test_the_server_and_kubectl_know_each_other(control_plane: ControlPlane) -> None:
    said = control_plane.kubectl("version", check=True)
    assert control_plane.get("/version")["gitVersion"] in said.stdout
    assert not said.stderr


def test_fifty_pods_become_ready(control_plane: ControlPlane, namespace: str) -> None:
    control_plane.apply(objects.deployment("bookings", namespace, replicas=50))
    control_plane.wait_for(
        "50 pods are ready",
        lambda: ready_replicas(control_plane, namespace, "bookings") == 50,
    )
    pods = control_plane.get(f"/api/v1/namespaces/{namespace}/pods")["items"]
    assert {pod["spec"]["nodeName"] for pod in pods} == {f"node-{number}" for number in range(5)}


def test_the_floor_of_an_autoscaler_moves_a_deployment(
    control_plane: ControlPlane, namespace: str
) -> None:
    control_plane.apply(
        objects.deployment("rsvp", namespace, replicas=10),
        objects.autoscaler("rsvp", namespace, low=10, high=20),
    )
    control_plane.wait_for(
        "10 pods are ready", lambda: ready_replicas(control_plane, namespace, "rsvp") == 10
    )
    floor = {"spec": {"minReplicas": 50, "maxReplicas": 50}}
    path = f"{LOOSE}/{namespace}/horizontalpodautoscalers/rsvp"
    control_plane.request("PATCH", path, floor, content_type=MERGE).ok()
    control_plane.wait_for(
        "50 pods are ready", lambda: ready_replicas(control_plane, namespace, "rsvp") == 50
    )


def test_a_rollback_goes_back_to_an_earlier_replica_set(
    control_plane: ControlPlane, namespace: str
) -> None:
    def rolled_out() -> None:
        control_plane.kubectl(*("rollout", "status", *there), user=PERSON, check=True)

    there = ("deployment/photos", "--namespace", namespace)
    control_plane.apply(objects.deployment("photos", namespace, image="photos:1"), user=PERSON)
    rolled_out()
    first = replica_sets(control_plane, namespace)
    control_plane.kubectl("set", "image", *there, "app=photos:2", user=PERSON, check=True)
    rolled_out()
    second = replica_sets(control_plane, namespace)
    control_plane.kubectl("rollout", "undo", *there, user=PERSON, check=True)
    rolled_out()
    assert first.keys() == {"photos:1"}
    assert second.keys() == {"photos:2"}
    assert replica_sets(control_plane, namespace) == first


def test_a_deleted_deployment_takes_its_pods_along(
    control_plane: ControlPlane, namespace: str
) -> None:
    control_plane.apply(objects.deployment("vendors", namespace, replicas=2))
    control_plane.wait_for(
        "2 pods are ready", lambda: ready_replicas(control_plane, namespace, "vendors") == 2
    )
    control_plane.kubectl("delete", "deployment/vendors", "--namespace", namespace, check=True)
    control_plane.wait_for(
        "the pods are gone",
        lambda: not control_plane.get(f"/api/v1/namespaces/{namespace}/pods")["items"],
    )


def test_users_are_who_their_credentials_say(control_plane: ControlPlane) -> None:
    assert whoami(control_plane) == (ADMIN, {"system:masters"})
    assert whoami(control_plane, user=PERSON) == (PERSON, {PLATFORM})
    name, groups = whoami(control_plane, user=DEPLOYER)
    assert name == DEPLOYER
    assert {"system:serviceaccounts", "system:serviceaccounts:ci"} <= groups
    assert whoami(control_plane, user="bob", groups=("a", "b")) == ("bob", {"a", "b"})
    assert whoami(control_plane, "--as=eve", "--as-group=c") == ("eve", {"c"})


def test_a_service_account_gets_a_token_of_its_own(
    control_plane: ControlPlane, namespace: str
) -> None:
    where = ("--namespace", namespace)
    control_plane.kubectl("create", "serviceaccount", "robot", *where, check=True)
    token = control_plane.kubectl("create", "token", "robot", *where, check=True).stdout.strip()
    said = control_plane.kubectl(
        "auth", "whoami", f"--token={token}", "--output=name", user="nobody-known"
    )
    assert said.returncode == 0, said.stderr


def test_rights_are_those_of_a_platform_engineer(
    control_plane: ControlPlane, namespace: str
) -> None:
    def may(user: str, verb: str, what: str) -> bool:
        asked = ("auth", "can-i", verb, what, "--namespace", namespace)
        return control_plane.kubectl(*asked, user=user).stdout.strip() == "yes"

    for user in (PERSON, DEPLOYER):
        assert may(user, "patch", "deployments.apps/scale")
        assert may(user, "delete", "horizontalpodautoscalers.autoscaling")
        assert may(user, "update", "secrets")
        assert not may(user, "create", "clusterroles")
        assert not may(user, "update", "validatingwebhookconfigurations")
    assert not may("stranger", "get", "deployments")


def test_the_address_is_that_of_the_authority_and_strangers_stay_out(
    control_plane: ControlPlane,
) -> None:
    url = f"{control_plane.urls[0]}/api/v1/namespaces"
    trusting = ssl.create_default_context(cafile=str(control_plane.ca))
    forged = urllib.request.Request(url, headers={"Authorization": "Bearer forged"})
    with pytest.raises(urllib.error.HTTPError, match="401") as refused:
        urllib.request.urlopen(forged, context=trusting)
    refused.value.close()
    with pytest.raises(urllib.error.URLError, match="CERTIFICATE_VERIFY_FAILED"):
        urllib.request.urlopen(url)


def test_controllers_act_under_their_own_names(control_plane: ControlPlane, namespace: str) -> None:
    control_plane.apply(objects.deployment("seating", namespace), user=PERSON)
    control_plane.wait_for(
        "the pod is ready", lambda: ready_replicas(control_plane, namespace, "seating") == 1
    )

    def wrote() -> set[tuple[str, str, str]]:
        return {
            (event["user"]["username"], event["verb"], event["objectRef"]["resource"])
            for event in control_plane.audit_events(namespace)
        }

    controller = "system:serviceaccount:kube-system"
    wanted = {
        (PERSON, "create", "deployments"),
        (f"{controller}:deployment-controller", "create", "replicasets"),
        (f"{controller}:replicaset-controller", "create", "pods"),
    }
    control_plane.wait_for(f"{wanted} are in the audit log", lambda: wanted <= wrote())


def test_the_api_servers_lease_is_renewed(control_plane: ControlPlane) -> None:
    def renewed() -> str:
        (lease,) = control_plane.identity_leases()
        at: str = lease["spec"]["renewTime"]
        return at

    first = renewed()
    control_plane.wait_for("the Lease is renewed", lambda: renewed() > first, seconds=30)
