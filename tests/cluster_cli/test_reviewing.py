"""A manifest over an object that stands gives what `kubectl apply` would send."""

import base64
import json
from typing import Any

import pytest

from gate.cluster.review import read_review
from gate.cluster.reviewing import (
    LAST_APPLIED,
    Asking,
    admission_review,
    identity_of,
    knows_removals,
    updated,
)
from gate.core.problems import InputError

Plain = dict[str, Any]


def deployment(spec: Plain, **metadata: Any) -> Plain:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "x", **metadata},
        "spec": spec,
    }


def live(spec: Plain, last: Plain | None = None) -> Plain:
    """An object of the API server, with what was applied last."""
    annotations = {} if last is None else {LAST_APPLIED: json.dumps(deployment(last))}
    made = deployment(spec, uid="u", annotations=annotations)
    return {**made, "status": {"replicas": 1}}


def pod(*containers: Plain, **rest: Any) -> Plain:
    return {"template": {"spec": {"containers": list(containers), **rest}}}


A = {"name": "a", "image": "a:1", "terminationMessagePath": "/dev/termination-log"}
SIDE = {"name": "side", "image": "side:1"}


@pytest.mark.parametrize(
    ("stands", "last", "manifest", "result"),
    [
        # What the API server filled in stays, what the manifest says wins.
        ({"replicas": 3, "paused": False}, {"replicas": 3}, {"replicas": 4},
         {"replicas": 4, "paused": False}),
        # What was applied and is no longer said goes; what nobody applied stays.
        ({"replicas": 3, "paused": True}, {"paused": True}, {}, {"replicas": 3}),
        ({"replicas": 3}, None, {}, {"replicas": 3}),
        ({"replicas": 3}, None, {"replicas": None}, {}),
        # Containers merge by name, wherever they stand.
        (pod(A), pod({"name": "a", "image": "a:1"}), pod({"name": "a", "image": "a:2"}),
         pod({**A, "image": "a:2"})),
        (pod(SIDE, A), pod({"name": "a", "image": "a:1"}), pod({"name": "a", "image": "a:2"}),
         pod(SIDE, {**A, "image": "a:2"})),
        (pod(A, SIDE), pod(A, SIDE), pod(A), pod(A)),
        (pod(A), pod(A), pod(A, SIDE), pod(A, SIDE)),
        (pod(A, SIDE), pod(A, SIDE), pod(SIDE, A), pod(SIDE, A)),
        # Ports merge by number.
        (pod({**A, "ports": [{"containerPort": 80, "protocol": "TCP"}]}), None,
         pod({"name": "a", "ports": [{"containerPort": 80, "name": "web"}]}),
         pod({**A, "ports": [{"containerPort": 80, "protocol": "TCP", "name": "web"}]})),
        # Lists without names are replaced whole, and so are those that name something twice.
        (pod({**A, "args": ["x", "y"]}), None, pod({"name": "a", "args": ["y"]}),
         pod({**A, "args": ["y"]})),
        (pod(A, A), None, pod(SIDE), pod(SIDE)),
        (pod(A), None, pod({"image": "b:1"}), pod({"image": "b:1"})),
    ],
)  # fmt: skip
def test_apply(stands: Plain, last: Plain | None, manifest: Plain, result: Plain) -> None:
    made = updated(live(stands, last), {**deployment(manifest), "status": {"replicas": 9}})
    assert made["spec"] == result
    assert made["status"] == {"replicas": 1}
    assert made["metadata"]["uid"] == "u"


def test_a_whole_object_replaces() -> None:
    whole = deployment({"replicas": 2}, uid="u")
    assert updated(live({"replicas": 3, "paused": True}), whole) == whole


def test_a_file_of_another_time_is_the_whole_object() -> None:
    new = deployment({"replicas": 2})
    assert updated(deployment({"replicas": 2, "paused": True}), new) == new


def test_what_cannot_be_told_is_known() -> None:
    assert knows_removals(deployment({}))
    assert knows_removals(live({}, {}))
    assert not knows_removals(live({}))
    broken = live({})
    broken["metadata"]["annotations"][LAST_APPLIED] = "{"
    assert not knows_removals(broken)


def review(content: Plain, operation: str, old: Plain | None = None, **asking: Any) -> Plain:
    who = Asking(**{"user": "ann", **asking})
    made = admission_review(content, old, operation, who, namespace="shop", uid="1")
    assert read_review(json.dumps(made).encode()).uid == "1"
    request: Plain = made["request"]
    return request


def test_the_review_is_the_api_servers() -> None:
    request = review(deployment({"replicas": 2}), "CREATE", groups=("g",))
    kind = {"group": "apps", "version": "v1", "kind": "Deployment"}
    resource = {"group": "apps", "version": "v1", "resource": "deployments"}
    assert request == {
        "uid": "1",
        "kind": kind,
        "resource": resource,
        "requestKind": kind,
        "requestResource": resource,
        "name": "x",
        "namespace": "shop",
        "operation": "CREATE",
        "userInfo": {"username": "ann", "groups": ["g", "system:authenticated"]},
        "object": deployment({"replicas": 2}, namespace="shop"),
        "oldObject": None,
        "dryRun": False,
        "options": {"kind": "CreateOptions", "apiVersion": "meta.k8s.io/v1"},
    }


def test_a_deletion_has_only_what_was() -> None:
    content = deployment({"replicas": 2}, namespace="own")
    request = review(content, "DELETE", dry_run=True)
    assert (request["object"], request["oldObject"]) == (None, content)
    assert (request["namespace"], request["dryRun"]) == ("own", True)
    stood = deployment({"replicas": 3}, namespace="own", uid="u")
    assert review(content, "DELETE", stood)["oldObject"] == stood


def test_a_service_account_is_in_its_groups() -> None:
    request = review(deployment({}), "CREATE", user="system:serviceaccount:ci:bot")
    assert request["userInfo"]["groups"] == [
        "system:serviceaccounts", "system:serviceaccounts:ci", "system:authenticated",
    ]  # fmt: skip


def test_the_text_of_a_secret_is_data() -> None:
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "s"},
        "data": {"a": "eA==", "b": "eQ=="},
        "stringData": {"b": "zz", "c": "\u00e9"},
    }
    stored = review(secret, "CREATE")["object"]
    assert "stringData" not in stored
    assert stored["data"] == {
        "a": "eA==", "b": base64.b64encode(b"zz").decode(),
        "c": base64.b64encode("\u00e9".encode()).decode(),
    }  # fmt: skip


def test_two_versions_cannot_be_compared() -> None:
    old = {"apiVersion": "autoscaling/v1", "kind": "HorizontalPodAutoscaler",
           "metadata": {"name": "x"}, "spec": {}}  # fmt: skip
    with pytest.raises(InputError, match="same version"):
        review({**old, "apiVersion": "autoscaling/v2"}, "UPDATE", old)


@pytest.mark.parametrize(
    ("metadata", "field"),
    [
        (None, "metadata"), ([], "metadata"), ({}, "metadata.name"), ({"name": 5}, "metadata.name"),
        ({"name": ""}, "metadata.name"), ({"name": "a", "namespace": 5}, "metadata.namespace"),
    ],
)  # fmt: skip
def test_an_object_has_a_name(metadata: object, field: str) -> None:
    with pytest.raises(InputError) as error:
        identity_of({**deployment({}), "metadata": metadata}, "shop")
    assert [problem.field for problem in error.value.problems] == [field]


def test_a_name_yet_to_be_made_begins_so() -> None:
    content = {**deployment({}), "metadata": {"generateName": "x-"}}
    assert identity_of(content, "shop").name == "x-"
