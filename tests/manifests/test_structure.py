"""What refers to something finds it; pods are confined and can be moved."""

from typing import Any

import pytest

from tests.manifests import building
from tests.manifests.building import BUILDS, Object, build

BY_HAND = {
    "production": {"saturday-gate-database", "saturday-gate-github", "saturday-gate-tls"},
    "ha": {"saturday-gate-github", "saturday-gate-tls", "saturday-gate-db-app",
           "saturday-gate-db-ca"},
    "dev": {"saturday-gate-github", "saturday-gate-tls"},
    "platform": set(),
}  # fmt: skip
"""Secrets that are none of the manifests': a person, or an operator, makes them."""
Labels = dict[str, str]


def pods(objects: tuple[Object, ...], namespace: str) -> list[Object]:
    """The pod templates of a namespace."""
    return [
        template
        for each, template in building.workloads(objects)
        if each["metadata"]["namespace"] == namespace
    ]


def selected(selector: Any, templates: list[Object]) -> list[Object]:
    """The templates that a label selector chooses."""
    wanted: Labels = selector.get("matchLabels", {})
    rest = selector.get("matchExpressions", ())
    assert all(each["operator"] == "In" for each in rest)
    return [
        each
        for each in templates
        if wanted.items() <= each["metadata"]["labels"].items()
        and all(each["metadata"]["labels"].get(rule["key"]) in rule["values"] for rule in rest)
    ]


@pytest.mark.parametrize("name", BUILDS)
def test_selectors_choose_pods(name: str) -> None:
    objects = build(name)
    chosen = [
        (each, each["spec"]["selector"])
        for each in building.of_kind(objects, "PodDisruptionBudget", "Deployment", "StatefulSet")
    ]
    chosen += [
        (each, {"matchLabels": each["spec"]["selector"]})
        for each in building.of_kind(objects, "Service")
    ]
    chosen += [
        (each, each["spec"]["podSelector"])
        for each in building.of_kind(objects, "NetworkPolicy")
        if each["metadata"]["name"] != "saturday-gate-db"
    ]
    assert len(chosen) >= 5
    for each, selector in chosen:
        found = selected(selector, pods(objects, each["metadata"]["namespace"]))
        assert found, building.key_of(each)
        if each["kind"] != "NetworkPolicy":
            assert len(found) == 1, building.key_of(each)


@pytest.mark.parametrize("name", BUILDS)
def test_services_and_monitors_name_ports_that_pods_have(name: str) -> None:
    objects = build(name)
    for each in building.of_kind(objects, "Service"):
        (pod,) = selected(
            {"matchLabels": each["spec"]["selector"]}, pods(objects, each["metadata"]["namespace"])
        )
        assert {port["targetPort"] for port in each["spec"]["ports"]} <= _ports(pod)
    for each in building.of_kind(objects, "PodMonitor"):
        (pod,) = selected(each["spec"]["selector"], pods(objects, "saturday-gate"))
        assert {at["port"] for at in each["spec"]["podMetricsEndpoints"]} <= _ports(pod)
    for each in building.of_kind(objects, "ServiceMonitor"):
        wanted = each["spec"]["selector"]["matchLabels"].items()
        (service,) = (
            service
            for service in building.of_kind(objects, "Service")
            if wanted <= service["metadata"]["labels"].items()
        )
        have = {port["name"] for port in service["spec"]["ports"]}
        assert {at["port"] for at in each["spec"]["endpoints"]} <= have


@pytest.mark.parametrize("name", BUILDS)
def test_probes_name_ports_of_their_container(name: str) -> None:
    for each, template in building.workloads(build(name)):
        for container in template["spec"]["containers"]:
            have = {port["name"] for port in container.get("ports", ())}
            for kind in ("startupProbe", "readinessProbe", "livenessProbe"):
                probe = container.get(kind, {})
                asked = probe.get("httpGet") or probe.get("tcpSocket")
                assert asked is None or asked["port"] in have, building.key_of(each)


@pytest.mark.parametrize("name", BUILDS)
def test_what_pods_refer_to_is_there(name: str) -> None:
    objects = build(name)
    there = {building.key_of(each) for each in objects}
    for each, template in building.workloads(objects):
        space, spec = each["metadata"]["namespace"], template["spec"]
        if "serviceAccountName" in spec:
            assert ("", "ServiceAccount", space, spec["serviceAccountName"]) in there
        if "priorityClassName" in spec:
            assert ("scheduling.k8s.io", "PriorityClass", "", spec["priorityClassName"]) in there
        for kind, reference in _references(spec):
            by_hand = kind == "Secret" and reference in BY_HAND[name.rpartition("/")[2]]
            assert by_hand or ("", kind, space, reference) in there, building.key_of(each)
        mounted = {m["name"] for c in spec["containers"] for m in c["volumeMounts"]}
        claimed = {"data"} if each["kind"] == "StatefulSet" else set()
        assert mounted == {volume["name"] for volume in spec["volumes"]} | claimed


def test_bindings_join_roles_and_accounts_that_are_there() -> None:
    there = {building.key_of(each) for each in build("base")}
    bindings = building.of_kind(build("base"), "ClusterRoleBinding", "RoleBinding")
    assert len(bindings) == 6
    for each in bindings:
        group, _, namespace, _ = building.key_of(each)
        reference = each["roleRef"]
        assert (group, reference["kind"], namespace, reference["name"]) in there
        for subject in each["subjects"]:
            assert ("", subject["kind"], subject["namespace"], subject["name"]) in there


@pytest.mark.parametrize("name", BUILDS)
def test_pods_are_confined_and_know_what_they_need(name: str) -> None:
    for each, template in building.workloads(build(name)):
        spec, key = template["spec"], building.key_of(each)
        assert spec["securityContext"]["runAsNonRoot"], key
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, key
        for container in spec["containers"]:
            confined = container["securityContext"]
            assert confined["readOnlyRootFilesystem"], key
            assert not confined["allowPrivilegeEscalation"], key
            assert confined["capabilities"] == {"drop": ["ALL"]}, key
            assert {"cpu", "memory"} <= container["resources"]["requests"].keys(), key
            assert "memory" in container["resources"]["limits"], key


def test_only_what_asks_the_cluster_has_a_token() -> None:
    with_token = {
        each["metadata"]["name"]
        for each, template in building.workloads(build("base"))
        if template["spec"]["automountServiceAccountToken"]
    }
    assert with_token == {
        "saturday-gate-webhook", "saturday-gate-fallback", "saturday-gate-prescale",
    }  # fmt: skip
    for each in building.of_kind(build("base"), "ServiceAccount"):
        assert each["automountServiceAccountToken"] is False


def test_the_platform_has_several_containers_with_all_three_probes() -> None:
    platform = build("platform")
    template = building.template_of(building.named(platform, "Deployment", "bookings"))
    assert template is not None
    assert len(template["spec"]["containers"]) > 1
    for container in template["spec"]["containers"]:
        assert {"startupProbe", "readinessProbe", "livenessProbe"} <= container.keys()
    assert template["spec"]["affinity"]["nodeAffinity"]
    assert template["spec"]["topologySpreadConstraints"]
    scaler = building.named(platform, "HorizontalPodAutoscaler", "bookings")
    assert (scaler["spec"]["minReplicas"], scaler["spec"]["maxReplicas"]) == (10, 50)
    assert scaler["metadata"]["labels"]["saturday-gate.io/prescale"] == "true"


def _ports(template: Object) -> set[str]:
    return {
        port["name"]
        for container in template["spec"]["containers"]
        for port in container.get("ports", ())
    }


def _references(spec: Object) -> set[tuple[str, str]]:
    """Secrets and ConfigMaps that a pod names."""
    found = set()
    for container in spec["containers"]:
        for variable in container.get("env", ()):
            source = variable.get("valueFrom", {})
            found |= {("Secret", source[key]["name"]) for key in ("secretKeyRef",) if key in source}
            if "configMapKeyRef" in source:
                found.add(("ConfigMap", source["configMapKeyRef"]["name"]))
        found |= {("Secret", each["secretRef"]["name"]) for each in container.get("envFrom", ())}
    for volume in spec["volumes"]:
        if "secret" in volume:
            found.add(("Secret", volume["secret"]["secretName"]))
    return found
