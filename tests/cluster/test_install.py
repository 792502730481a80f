"""`gate webhook install` on a real API server: it takes the configuration, and sends what it names.

The control plane is this file's own: the configuration holds for all of a cluster's namespaces, and
`kube-system` is labelled here.
"""

import contextlib
import functools
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.cli import run
from tests.cluster.recording import PROBE, Recorder, Seen, recording
from tests.cluster_cli.conftest import DATA
from tests.cluster_cli.test_install import GOLDEN
from tests.controlplane import running
from tests.controlplane.plane import ControlPlane

CONFIGURATIONS = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"
AUTOSCALER = "system:serviceaccount:kube-system:horizontal-pod-autoscaler"
LABELS = {"saturday-gate.io/protect": "true"}
POD = {
    "metadata": {"labels": {"app": "x"}},
    "spec": {"containers": [{"name": "x", "image": "registry.example/x:1"}]},
}
SELECTED = {"selector": {"matchLabels": {"app": "x"}}, "template": POD}
AUTOSCALED = {
    "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "x"},
    "minReplicas": 1,
    "maxReplicas": 3,
}
# resource: (API path, kind, what it has beside its metadata, a merge patch that changes it)
OBJECTS: dict[str, tuple[str, str, dict[str, Any], dict[str, Any]]] = {
    "deployments": ("apis/apps/v1", "Deployment", {"spec": SELECTED}, {"spec": {"paused": True}}),
    "statefulsets": (
        "apis/apps/v1", "StatefulSet", {"spec": {**SELECTED, "serviceName": "x"}},
        {"spec": {"replicas": 3}},
    ),
    "daemonsets": (
        "apis/apps/v1", "DaemonSet", {"spec": SELECTED}, {"spec": {"minReadySeconds": 5}},
    ),
    "horizontalpodautoscalers": (
        "apis/autoscaling/v2", "HorizontalPodAutoscaler", {"spec": AUTOSCALED},
        {"spec": {"maxReplicas": 4}},
    ),
    "configmaps": ("api/v1", "ConfigMap", {"data": {"a": "1"}}, {"data": {"a": "2"}}),
    "secrets": ("api/v1", "Secret", {"stringData": {"a": "1"}}, {"stringData": {"a": "2"}}),
    "services": (
        "api/v1", "Service", {"spec": {"ports": [{"port": 80}]}},
        {"spec": {"sessionAffinity": "ClientIP"}},
    ),
    "ingresses": (
        "apis/networking.k8s.io/v1", "Ingress",
        {"spec": {"defaultBackend": {"service": {"name": "x", "port": {"number": 80}}}}},
        {"spec": {"ingressClassName": "x"}},
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """etcd and an API server of this file's own."""
    with running.started(tmp_path_factory.mktemp("install") / "plane") as started:
        yield started.plane


@pytest.fixture
def recorder(plane: ControlPlane, tmp_path: Path) -> Iterator[Recorder]:
    with recording(plane, tmp_path) as started:
        yield started


Install = Callable[..., run.Outcome]


@pytest.fixture
def install(plane: ControlPlane, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Run `gate webhook install` against the plane; what it leaves is taken away."""
    monkeypatch.setenv("KUBECONFIG", str(plane.kubeconfig()))
    yield functools.partial(run.gate, "webhook", "install", "--ca", plane.ca)
    plane.request("DELETE", CONFIGURATIONS)
    with plane.namespace(labels=LABELS) as namespace:
        # Whatever the configuration called is gone: while it is in force, this fails.
        probe = f"{path_of('configmaps', namespace)}?dryRun=All"
        plane.wait_for(
            "the API server forgets the webhook",
            lambda: plane.request("POST", probe, body_of("configmaps", PROBE)).status == 201,
        )


def path_of(resource: str, namespace: str, name: str = "") -> str:
    return f"/{OBJECTS[resource][0]}/namespaces/{namespace}/{resource}" + (
        f"/{name}" if name else ""
    )


def body_of(resource: str, name: str) -> dict[str, Any]:
    path, kind, rest, _ = OBJECTS[resource]
    version = path.removeprefix("apis/").removeprefix("api/")
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name}, **rest}


def create(plane: ControlPlane, resource: str, namespace: str, name: str = "x") -> None:
    plane.request("POST", path_of(resource, namespace), body_of(resource, name)).ok()


def change(plane: ControlPlane, resource: str, namespace: str, name: str = "x") -> None:
    patch = OBJECTS[resource][3]
    plane.request(
        "PATCH", path_of(resource, namespace, name), patch,
        content_type="application/merge-patch+json",
    ).ok()  # fmt: skip


def in_force(plane: ControlPlane, recorder: Recorder, namespace: str) -> None:
    """Wait until the API server asks the recorder about a namespace."""

    def asked() -> bool:
        plane.request("POST", f"{path_of('configmaps', namespace)}?dryRun=All",
                      body_of("configmaps", PROBE))  # fmt: skip
        return bool(recorder.reviews)

    plane.wait_for("the API server asks the webhook", asked)


@pytest.mark.parametrize("name", GOLDEN)
def test_what_is_printed_can_be_applied(plane: ControlPlane, name: str) -> None:
    text = (DATA / f"{name}.golden.yaml").read_text()
    done = plane.kubectl("apply", "--dry-run=server", "-f", "-", input=text)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "created (server dry run)" in done.stdout


def test_what_is_applied_is_what_is_printed(plane: ControlPlane, install: Install) -> None:
    options = ("--policy", str(DATA / "exempt.yaml"))
    printed = install(*options, "--json").json
    applied = install(*options, "--apply", "--json")
    assert (applied.code, applied.err) == (0, "")
    assert applied.json["created"] is True
    assert applied.json["configuration"] == printed
    stands = plane.get(f"{CONFIGURATIONS}/saturday-gate")
    (webhook,) = stands["webhooks"]
    (wanted,) = printed["webhooks"]
    assert {key: webhook[key] for key in wanted} == wanted
    assert webhook.keys() - wanted.keys() == {"objectSelector"}
    assert webhook["objectSelector"] == {}
    (manager,) = stands["metadata"]["managedFields"]
    assert (manager["manager"], manager["operation"]) == ("saturday-gate-install", "Apply")
    again = install(*options, "--apply", "--json").json
    assert again["created"] is False
    after = plane.get(f"{CONFIGURATIONS}/saturday-gate")
    assert after["metadata"]["resourceVersion"] == stands["metadata"]["resourceVersion"]


def test_a_dry_run_changes_nothing(plane: ControlPlane, install: Install) -> None:
    ended = install("--apply", "--dry-run")
    assert ended.code == 0
    assert "(dry run: nothing was changed)" in ended.out
    assert plane.request("GET", f"{CONFIGURATIONS}/saturday-gate").status == 404


def test_the_labelled_namespaces_are_said(plane: ControlPlane, install: Install) -> None:
    none = install("--apply", "--dry-run").out
    assert "protects no namespace yet: kubectl label namespace NAME" in none
    with (
        plane.namespace("b", labels=LABELS) as second,
        plane.namespace("a", labels=LABELS) as first,
        plane.namespace("gates", labels=LABELS) as own,
    ):
        said = install("--apply", "--dry-run", "--own-namespace", own).out
    assert f"protects 2 namespaces: {first}, {second}\n" in said
    assert f"never matches {own}" in said


def test_someone_elses_change_is_not_undone_without_a_word(
    plane: ControlPlane, install: Install
) -> None:
    assert install("--apply").code == 0
    path = f"{CONFIGURATIONS}/saturday-gate"
    patch = [{"op": "replace", "path": "/webhooks/0/failurePolicy", "value": "Ignore"}]
    plane.request("PATCH", f"{path}?fieldManager=ann", patch,
                  content_type="application/json-patch+json").ok()  # fmt: skip
    refused = install("--apply")
    assert (refused.code, refused.out) == (4, "")
    assert '"ann"' in refused.err
    assert "failurePolicy" in refused.err
    assert "--force-conflicts" in refused.err
    assert plane.get(path)["webhooks"][0]["failurePolicy"] == "Ignore"
    assert install("--apply", "--force-conflicts").code == 0
    assert plane.get(path)["webhooks"][0]["failurePolicy"] == "Fail"


def test_whoever_may_not_is_told_what_it_takes(plane: ControlPlane, install: Install) -> None:
    ended = install("--apply", "--kubeconfig", plane.kubeconfig("nobody"))
    assert (ended.code, ended.out) == (4, "")
    assert "refuses (403)" in ended.err
    assert "`patch` on validatingwebhookconfigurations" in ended.err


def test_whoever_may_not_list_namespaces_can_install(plane: ControlPlane, install: Install) -> None:
    role = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": "installer"},
        "rules": [
            {
                "apiGroups": ["admissionregistration.k8s.io"],
                "resources": ["validatingwebhookconfigurations"],
                "verbs": ["create", "patch"],
            }
        ],
    }
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": "installer"},
        "roleRef": {
            "apiGroup": "rbac.authorization.k8s.io",
            "kind": "ClusterRole",
            "name": "installer",
        },
        "subjects": [{"kind": "User", "name": "installer"}],
    }
    plane.apply(role, binding)
    config = ("--kubeconfig", plane.kubeconfig("installer"))
    plane.wait_for("the right is there", lambda: install("--apply", *config).code == 0)
    ended = install("--apply", *config)
    assert "(namespaces could not be listed)" in ended.out
    assert install("--apply", *config, "--json").json["namespaces"] is None


def test_a_stranger_is_told_so(plane: ControlPlane, install: Install, tmp_path: Path) -> None:
    config = json.loads(plane.kubeconfig().read_text())
    config["users"][0]["user"] = {"token": "wrong"}
    path = tmp_path / "config"
    path.write_text(json.dumps(config))
    ended = install("--apply", "--kubeconfig", path)
    assert (ended.code, ended.out) == (4, "")
    assert "refuses (401)" in ended.err


def test_a_server_that_is_not_trusted_is_not_spoken_to(
    plane: ControlPlane, install: Install, tmp_path: Path
) -> None:
    config = json.loads(plane.kubeconfig().read_text())
    del config["clusters"][0]["cluster"]["certificate-authority-data"]
    path = tmp_path / "config"
    path.write_text(json.dumps(config))
    ended = install("--apply", "--kubeconfig", path)
    assert (ended.code, ended.out) == (4, "")
    assert "certificate" in ended.err.lower()


def test_every_change_that_is_judged_arrives(
    plane: ControlPlane, install: Install, recorder: Recorder
) -> None:
    with plane.namespace(labels=LABELS) as namespace:
        assert install("--url", recorder.url, "--apply").code == 0
        in_force(plane, recorder, namespace)
        for resource in OBJECTS:
            create(plane, resource, namespace)
            change(plane, resource, namespace)
        for target in ("deployment/x", "statefulset/x"):
            plane.kubectl("-n", namespace, "scale", target, "--replicas=2", check=True)
        for resource in OBJECTS:
            plane.request("DELETE", path_of(resource, namespace, "x")).ok()
        wanted = {
            Seen(namespace, "x", resource, operation)
            for resource in OBJECTS
            for operation in ("CREATE", "UPDATE", "DELETE")
        }
        wanted |= {
            Seen(namespace, "x", f"{kind}/scale", "UPDATE")
            for kind in ("deployments", "statefulsets")
        }
        seen = recorder.of(namespace)
    assert set(seen) == wanted
    assert len(seen) == len(wanted), "each once"


def test_both_versions_of_an_autoscaler_arrive(
    plane: ControlPlane, install: Install, recorder: Recorder
) -> None:
    first = {"apiVersion": "autoscaling/v1", "kind": "HorizontalPodAutoscaler",
             "metadata": {"name": "x"}, "spec": AUTOSCALED}  # fmt: skip
    with plane.namespace(labels=LABELS) as namespace:
        assert install("--url", recorder.url, "--apply").code == 0
        in_force(plane, recorder, namespace)
        path = f"/apis/autoscaling/v1/namespaces/{namespace}/horizontalpodautoscalers"
        plane.request("POST", path, first).ok()
        change(plane, "horizontalpodautoscalers", namespace)
        seen = recorder.of(namespace)
    assert [each.operation for each in seen] == ["CREATE", "UPDATE"]


def test_deleting_all_of_a_kind_arrives_object_by_object(
    plane: ControlPlane, install: Install, recorder: Recorder
) -> None:
    with plane.namespace(labels=LABELS) as namespace:
        for name in ("x", "y"):
            create(plane, "deployments", namespace, name)
        assert install("--url", recorder.url, "--apply").code == 0
        in_force(plane, recorder, namespace)
        plane.request("DELETE", path_of("deployments", namespace)).ok()
        seen = recorder.of(namespace)
        deleted = [r["request"] for r in recorder.reviews if r["request"]["operation"] == "DELETE"]
    assert sorted(seen) == [Seen(namespace, name, "deployments", "DELETE") for name in ("x", "y")]
    assert not any("name" in request for request in deleted), "only the objects have names"


def test_nothing_else_arrives(plane: ControlPlane, install: Install, recorder: Recorder) -> None:
    replicas = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": "x"},
                "spec": SELECTED}  # fmt: skip
    with plane.namespace(labels=LABELS) as namespace:
        create(plane, "deployments", namespace)
        assert install("--url", recorder.url, "--apply").code == 0
        in_force(plane, recorder, namespace)
        sets = f"/apis/apps/v1/namespaces/{namespace}/replicasets"
        plane.request("POST", sets, replicas).ok()
        plane.request("PATCH", f"{sets}/x/scale", {"spec": {"replicas": 2}},
                      content_type="application/merge-patch+json").ok()  # fmt: skip
        status = {"status": {"observedGeneration": 1}}
        plane.request("PATCH", path_of("deployments", namespace, "x/status"), status,
                      content_type="application/merge-patch+json").ok()  # fmt: skip
        plane.request("GET", path_of("deployments", namespace, "x")).ok()
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "x"}}
        plane.request("POST", f"/api/v1/namespaces/{namespace}/serviceaccounts", account).ok()
        assert recorder.of(namespace) == []


def test_only_namespaces_that_opted_in_are_asked_about(
    plane: ControlPlane, install: Install, recorder: Recorder
) -> None:
    labelled = plane.namespace(labels=LABELS)
    own = plane.namespace("gates", labels=LABELS)
    with (
        labelled as protected,
        own as gates,
        plane.namespace() as plain,
        plane.namespace(labels={"saturday-gate.io/protect": "false"}) as declined,
        system_labelled(plane),
    ):
        target = ("--url", f"{recorder.url}/validate", "--own-namespace", gates)
        assert install(*target, "--apply").code == 0
        in_force(plane, recorder, protected)
        others: Sequence[str] = (gates, plain, declined, "kube-system", "default")
        for namespace in (*others, protected):
            create(plane, "configmaps", namespace)
            change(plane, "configmaps", namespace)
            plane.request("DELETE", path_of("configmaps", namespace, "x")).ok()
        # The protected one came last: what the others had to send has arrived by now.
        assert len(recorder.of(protected)) == 3
        assert [seen for namespace in others for seen in recorder.of(namespace)] == []


@contextlib.contextmanager
def system_labelled(plane: ControlPlane) -> Iterator[None]:
    """`kube-system` with the label that would protect it."""
    for value in ("true", None):
        patch = {"metadata": {"labels": {"saturday-gate.io/protect": value}}}
        plane.request("PATCH", "/api/v1/namespaces/kube-system", patch,
                      content_type="application/merge-patch+json").ok()  # fmt: skip
        if value:
            yield


def test_users_that_the_policy_exempts_need_no_webhook(
    plane: ControlPlane, install: Install, recorder: Recorder
) -> None:
    def scale(user: str, replicas: int) -> int:
        return plane.kubectl(
            "-n", namespace, "scale", "deployment/x", f"--replicas={replicas}",
            user=user, groups=("system:masters",),
        ).returncode  # fmt: skip

    with plane.namespace(labels=LABELS) as namespace:
        create(plane, "deployments", namespace)
        options = ("--url", recorder.url, "--policy", str(DATA / "exempt.yaml"), "--apply")
        assert install(*options).code == 0
        in_force(plane, recorder, namespace)
        assert scale(AUTOSCALER, 2) == 0
        assert scale(f"{AUTOSCALER}-2", 3) == 0
        assert [each.resource for each in recorder.of(namespace)] == ["deployments/scale"]
