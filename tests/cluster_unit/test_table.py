"""The table of changes, row by row, and rows together."""

from typing import Any

import pytest

from tests.cluster_unit.build import (
    KINDS,
    Json,
    actions,
    change,
    envelope,
    meta,
    named,
    scale,
    scale_envelope,
    spec,
    template,
    thing,
)

DEPLOYMENT, STATEFUL_SET, DAEMON_SET = map(thing, ("Deployment", "StatefulSet", "DaemonSet"))
HPA = thing("HorizontalPodAutoscaler")
WORKLOADS = [DEPLOYMENT, STATEFUL_SET, DAEMON_SET]
SETTINGS = [thing(kind) for kind in ("ConfigMap", "Secret", "Service", "Ingress")]


def kind(of: Json) -> str:
    return str(of["kind"])


@pytest.mark.parametrize("old", [thing(each) for each in KINDS], ids=kind)
@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"labels": {"a": "b"}},
        {"annotations": {"kubectl.kubernetes.io/restartedAt": "now"}},
        {"ownerReferences": [], "finalizers": ["x"], "managedFields": [{"manager": "m"}]},
        {"resourceVersion": "2", "generation": 2, "deletionTimestamp": "2026-06-13T12:00:00Z"},
    ],
    ids=lambda changed: "-".join(changed) or "nothing",
)
def test_metadata_and_status_are_no_change(old: Json, changed: Json) -> None:
    new = meta(old, **changed) | {"status": {"observedGeneration": 2}}
    found = change(envelope(new, old))
    assert (found.actions, found.why) == ((), "unchanged")


def test_a_status_subresource_is_no_change() -> None:
    new = DEPLOYMENT | {"status": {"readyReplicas": 3}}
    assert actions(envelope(new, DEPLOYMENT, subResource="status")) == []


@pytest.mark.parametrize("each", WORKLOADS, ids=kind)
def test_creating_and_deleting_workloads(each: Json) -> None:
    assert actions(envelope(each, None)) == ["deploy"]
    assert actions(envelope(None, each)) == ["deploy"]


@pytest.mark.parametrize("old", WORKLOADS, ids=kind)
@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"template": template("checkout:2")}, ["deploy"]),
        ({"template": template(restarted="now")}, ["restart"]),
        ({"template": template(other="now")}, ["deploy"]),
        ({"template": template("checkout:2", restarted="now")}, ["deploy"]),
        ({"template": template(restarted="now", other="now")}, ["deploy"]),
        ({"template": {**template(), "metadata": {"labels": {"app": "other"}}}}, ["deploy"]),
        ({"minReadySeconds": 5}, ["config"]),
        ({"selector": {"matchLabels": {"a": "b"}}}, ["config"]),
        ({"template": template(restarted="now"), "minReadySeconds": 5}, ["config", "restart"]),
        ({"template": template("checkout:2"), "minReadySeconds": 5}, ["deploy", "config"]),
    ],
)
def test_updates_of_workloads(old: Json, changed: Json, expected: list[str]) -> None:
    assert actions(envelope(spec(old, **changed), old)) == expected


@pytest.mark.parametrize(
    "field",
    ["strategy", "paused", "revisionHistoryLimit", "progressDeadlineSeconds", "minReadySeconds"],
)
def test_other_fields_of_a_deployment_are_its_configuration(field: str) -> None:
    assert actions(envelope(spec(DEPLOYMENT, **{field: 1}), DEPLOYMENT)) == ["config"]
    assert actions(envelope(DEPLOYMENT, spec(DEPLOYMENT, **{field: 1}))) == ["config"]


@pytest.mark.parametrize("field", ["volumeClaimTemplates", "ordinals", "updateStrategy"])
def test_other_fields_of_a_stateful_set_are_its_configuration(field: str) -> None:
    assert actions(envelope(spec(STATEFUL_SET, **{field: []}), STATEFUL_SET)) == ["config"]


@pytest.mark.parametrize("old", [DEPLOYMENT, STATEFUL_SET], ids=kind)
@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (3, 4, ["scale-up"]),
        (3, 2, ["scale-down"]),
        (3, 0, ["scale-down"]),
        (0, 1, ["scale-up"]),
        (3, None, ["scale-down"]),  # left out: one
        (None, 3, ["scale-up"]),
        (None, 1, []),
        (0, None, ["scale-up"]),
        (3, 3.0, []),
    ],
)
def test_replicas(old: Json, before: Any, after: Any, expected: list[str]) -> None:
    assert actions(envelope(spec(old, replicas=after), spec(old, replicas=before))) == expected


def test_replicas_of_what_has_none_are_another_field() -> None:
    assert actions(envelope(spec(DAEMON_SET, replicas=2), DAEMON_SET)) == ["config"]


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"template": template("checkout:2"), "replicas": 4}, ["deploy", "scale-up"]),
        ({"template": template("checkout:2"), "replicas": 2}, ["deploy", "scale-down"]),
        ({"template": template(restarted="now"), "replicas": 2}, ["restart", "scale-down"]),
        (
            {"template": template(restarted="now"), "replicas": 4, "paused": True},
            ["config", "restart", "scale-up"],
        ),
        ({"replicas": 2, "paused": True}, ["config", "scale-down"]),
    ],
)
def test_several_changes_in_one_request(changed: Json, expected: list[str]) -> None:
    assert actions(envelope(spec(DEPLOYMENT, **changed), DEPLOYMENT)) == expected


@pytest.mark.parametrize("resource", ["deployments", "statefulsets"])
@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (3, 4, ["scale-up"]),
        (3, 2, ["scale-down"]),
        (3, 3, []),
        (1, None, ["scale-down"]),  # a Scale leaves the field out where it is 0
        (None, 1, ["scale-up"]),
        (None, 0, []),
    ],
)
def test_scale(resource: str, before: Any, after: Any, expected: list[str]) -> None:
    assert actions(scale_envelope(scale(after), scale(before), resource)) == expected


def test_scale_of_what_is_not_understood_is_a_deploy() -> None:
    assert actions(scale_envelope(scale(4), scale(3), "replicasets")) == ["deploy"]
    assert actions(scale_envelope(scale(3), scale(3), "replicasets")) == []
    for group, version in (("argoproj.io", "v1"), ("", "v1"), ("apps", "v1beta1")):
        at = {"group": group, "version": version, "resource": "deployments"}
        assert change_at(at) == ["deploy"]
    assert actions(scale_envelope(scale(4), scale(3), kind=named("Deployment"))) == ["deploy"]


def change_at(resource: Json) -> list[str]:
    review = scale_envelope(scale(4), scale(3))
    review["request"]["resource"] = resource
    return actions(review)


@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ((10, 50), (9, 50), ["scale-down"]),
        ((10, 50), (None, 50), ["scale-down"]),  # left out: one
        ((None, 50), (1, 50), []),
        ((10, 50), (12, 50), ["scale-up"]),
        ((None, 50), (2, 50), ["scale-up"]),
        ((5, 50), (5, 60), ["scale-up"]),
        ((5, 50), (5, 9), ["scale-down"]),  # below the floor in force, which is 10
        ((5, 50), (5, 10), ["config"]),  # lowered, but not below it
        ((5, 8), (5, 7), ["scale-down"]),
        ((5, 8), (5, 9), ["scale-up"]),
        ((5, 50), (6, 9), ["scale-down", "scale-up"]),
        ((5, 50), (4, 60), ["scale-down", "scale-up"]),
        ((5, 50), (4, 40), ["config", "scale-down"]),
        ((10, 50), (10, 50), []),
    ],
)
def test_autoscalers(version: str, before: Any, after: Any, expected: list[str]) -> None:
    old, new = (spec(HPA, minReplicas=lo, maxReplicas=hi) for lo, hi in (before, after))
    of = named("HorizontalPodAutoscaler", version)
    assert actions(envelope(new, old, kind=of)) == expected


@pytest.mark.parametrize("field", ["metrics", "behavior", "targetCPUUtilizationPercentage"])
def test_other_fields_of_an_autoscaler_are_configuration(field: str) -> None:
    assert actions(envelope(spec(HPA, **{field: [1]}), HPA)) == ["config"]
    both = spec(HPA, **{field: [1]}, minReplicas=4)
    assert actions(envelope(both, HPA)) == ["config", "scale-down"]


def test_an_autoscaler_that_comes_to_lead_elsewhere_is_configuration() -> None:
    assert actions(envelope(spec(HPA, scaleTargetRef={"name": "other"}), HPA)) == ["config"]


def test_creating_and_deleting_autoscalers() -> None:
    assert actions(envelope(HPA, None)) == ["config"]
    assert actions(envelope(None, HPA)) == ["scale-down"]


@pytest.mark.parametrize("each", SETTINGS, ids=kind)
def test_settings(each: Json) -> None:
    assert actions(envelope(each, None)) == ["config"]
    assert actions(envelope(None, each)) == ["config"]
    changes: list[Json] = [
        {"data": {"a": "2"}},
        {"binaryData": {}},
        {"immutable": True},
        {"spec": {}},
    ]
    for changed in changes:
        assert actions(envelope(each | changed, each)) == ["config"]
        assert actions(envelope(each, each | changed)) == ["config"]


RUNTIME = {"labels": {"saturday-gate.io/runtime": "true"}}


@pytest.mark.parametrize("name", ["ConfigMap", "Secret"])
def test_runtime_state_is_no_configuration(name: str) -> None:
    plain, labelled = thing(name), meta(thing(name), **RUNTIME)
    written = labelled | {"data": {"a": "3"}}
    for invoker in ("human", "automation"):
        found = change(envelope(written, labelled), invoker=invoker)
        assert (found.actions, found.why) == ((), "runtime-state")
    assert actions(envelope(meta(written, labels={}), labelled)) == []
    assert change(envelope(None, labelled)).why == "runtime-state"
    # The label counts on what was there before: nobody passes by adding it.
    assert actions(envelope(written, plain)) == ["config"]
    assert actions(envelope(labelled, None)) == ["config"]
    assert actions(envelope(meta(plain, **RUNTIME), plain)) == []


@pytest.mark.parametrize("value", ["True", "", "1", True, None])
def test_the_runtime_label_is_exact(value: Any) -> None:
    old = meta(thing("ConfigMap"), labels={"saturday-gate.io/runtime": value})
    assert actions(envelope(old | {"data": {}}, old)) == ["config"]


@pytest.mark.parametrize("name", ["Service", "Ingress"])
def test_only_config_maps_and_secrets_hold_state(name: str) -> None:
    old = meta(thing(name), **RUNTIME)
    assert actions(envelope(spec(old, a=2), old)) == ["config"]


@pytest.mark.parametrize("of", ["kubernetes.io/tls", "kubernetes.io/service-account-token"])
def test_rotated_secrets(of: str) -> None:
    old = thing("Secret", type=of)
    new = old | {"data": {"tls.crt": "new"}}
    found = change(envelope(new, old), invoker="automation")
    assert (found.actions, found.why) == ((), "rotated-secret")
    assert actions(envelope(new, old), invoker="human") == ["config"]
    assert actions(envelope(new, None), invoker="automation") == ["config"]
    assert actions(envelope(None, old), invoker="automation") == ["config"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Opaque", "Opaque"),
        ("Opaque", "kubernetes.io/tls"),
        ("kubernetes.io/tls", "Opaque"),
        ("kubernetes.io/dockerconfigjson", "kubernetes.io/dockerconfigjson"),
        (None, None),
    ],
)
def test_other_secrets_are_configuration_for_automation_too(old: Any, new: Any) -> None:
    before, after = thing("Secret", type=old), thing("Secret", type=new, data={})
    assert actions(envelope(after, before), invoker="automation") == ["config"]


def test_a_config_map_of_a_secrets_type_is_none() -> None:
    old = thing("ConfigMap") | {"type": "kubernetes.io/tls"}
    assert actions(envelope(old | {"data": {}}, old), invoker="automation") == ["config"]


@pytest.mark.parametrize("name", ["Pod", "CronJob", "Rollout"])
def test_other_kinds_are_a_deploy(name: str) -> None:
    old = thing(name)
    for review in (envelope(old, None), envelope(None, old), envelope(spec(old, a=2), old)):
        found = change(review)
        assert ([*found.actions], found.why) == (["deploy"], "not-understood")


@pytest.mark.parametrize(
    ("group", "version", "name"),
    [
        ("extensions", "v1beta1", "Deployment"),
        ("apps", "v1beta1", "Deployment"),
        ("apps", "v2", "StatefulSet"),
        ("", "v1", "Deployment"),
        ("serving.knative.dev", "v1", "Service"),
        ("extensions", "v1beta1", "Ingress"),
        ("example.org", "v1", "ConfigMap"),
        ("autoscaling", "v2beta2", "HorizontalPodAutoscaler"),
        ("apps", "v1", "deployment"),
        ("apps", "v1", "ReplicaSet"),
    ],
)
def test_a_kind_of_another_group_or_version_is_another_kind(
    group: str, version: str, name: str
) -> None:
    of = named(name, version, group)
    for new, old in ((DEPLOYMENT, None), (None, HPA), (spec(DEPLOYMENT, replicas=9), DEPLOYMENT)):
        assert actions(envelope(new, old, kind=of)) == ["deploy"]
    assert actions(envelope(DEPLOYMENT, DEPLOYMENT, kind=of)) == []


def test_connections_and_other_subresources_are_a_deploy() -> None:
    pod = thing("Pod")
    exec_options = {"kind": "PodExecOptions", "apiVersion": "v1"}
    assert actions(envelope(exec_options, None, "CONNECT", subResource="exec")) == ["deploy"]
    assert actions(envelope(DEPLOYMENT, None, "CONNECT")) == ["deploy"]
    assert actions(envelope(pod, None, subResource="eviction")) == ["deploy"]
    assert actions(envelope(HPA, None, subResource="x")) == ["deploy"]
    assert actions(scale_envelope(scale(3), None, operation="CREATE")) == ["deploy"]
