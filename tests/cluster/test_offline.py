"""`gate webhook test` takes a manifest for the change that the API server makes of it."""

import copy
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from tests.cli import run
from tests.cluster.recording import recording
from tests.cluster_cli.test_judge import POLICY, SATURDAY, changed
from tests.controlplane.plane import ADMIN, GROUPS, ControlPlane
from tests.controlplane.webhooks import webhook

Plain = dict[str, Any]
AS_ADMIN = ("--user", ADMIN, "--group", *GROUPS[ADMIN])
CONTAINER: Plain = {
    "name": "x",
    "image": "registry.example/x:1",
    "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
    "ports": [{"containerPort": 80}],
}
SPEC: Plain = {
    "selector": {"matchLabels": {"app": "x"}},
    "template": {"metadata": {"labels": {"app": "x"}}, "spec": {"containers": [CONTAINER]}},
}
DEPLOYMENT: Plain = {"apiVersion": "apps/v1", "kind": "Deployment", "spec": {**SPEC, "replicas": 1}}
STATEFUL_SET: Plain = {
    "apiVersion": "apps/v1", "kind": "StatefulSet",
    "spec": {**SPEC, "serviceName": "x", "replicas": 1},
}  # fmt: skip
DAEMON_SET: Plain = {"apiVersion": "apps/v1", "kind": "DaemonSet", "spec": SPEC}
AUTOSCALER: Plain = {
    "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
    "spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "none"},
             "minReplicas": 10, "maxReplicas": 50},
}  # fmt: skip
CONFIG: Plain = {"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": "1", "b": "2"}}
SECRET: Plain = {"apiVersion": "v1", "kind": "Secret", "stringData": {"a": "1", "b": "2"}}
SERVICE: Plain = {"apiVersion": "v1", "kind": "Service", "spec": {"ports": [{"port": 80}]}}
INGRESS: Plain = {
    "apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
    "spec": {"defaultBackend": {"service": {"name": "x", "port": {"number": 80}}}},
}  # fmt: skip
FIRST = "spec.template.spec.containers.0"
LABELS = "metadata.labels"


class Edit(NamedTuple):
    """A manifest, what becomes of it, and the actions that this is."""

    before: Plain
    after: Plain
    actions: list[str]


EDITS = {
    "image": Edit(DEPLOYMENT, changed(DEPLOYMENT, f"{FIRST}.image", "x:2"), ["deploy"]),
    "variable-out": Edit(
        DEPLOYMENT, changed(DEPLOYMENT, f"{FIRST}.env", CONTAINER["env"][1:]), ["deploy"]
    ),
    "variable-moved": Edit(
        DEPLOYMENT, changed(DEPLOYMENT, f"{FIRST}.env", CONTAINER["env"][::-1]), ["deploy"]
    ),
    "container-in": Edit(
        DEPLOYMENT,
        changed(DEPLOYMENT, "spec.template.spec.containers",
                [CONTAINER, {"name": "side", "image": "side:1"}]),
        ["deploy"],
    ),
    "port-named": Edit(DEPLOYMENT, changed(DEPLOYMENT, f"{FIRST}.ports.0.name", "web"), ["deploy"]),
    "restarted": Edit(
        DEPLOYMENT,
        changed(DEPLOYMENT, "spec.template.metadata.annotations",
                {"kubectl.kubernetes.io/restartedAt": "2026-06-13T12:00:00Z"}),
        ["restart"],
    ),
    "more": Edit(DEPLOYMENT, changed(DEPLOYMENT, "spec.replicas", 2), ["scale-up"]),
    "replicas-left-out": Edit(
        changed(DEPLOYMENT, "spec.replicas", 2), changed(DEPLOYMENT, "spec.replicas", None),
        ["scale-down"],
    ),
    "both": Edit(
        DEPLOYMENT,
        changed(changed(DEPLOYMENT, f"{FIRST}.image", "x:2"), "spec.replicas", 2),
        ["deploy", "scale-up"],
    ),
    "paused": Edit(DEPLOYMENT, changed(DEPLOYMENT, "spec.paused", True), ["config"]),
    "default-said": Edit(
        DEPLOYMENT, changed(DEPLOYMENT, "spec.strategy", {"type": "RollingUpdate"}), []
    ),
    "labelled": Edit(DEPLOYMENT, changed(DEPLOYMENT, LABELS, {"a": "b"}), []),
    "stateful": Edit(STATEFUL_SET, changed(STATEFUL_SET, "spec.replicas", 3), ["scale-up"]),
    "daemon": Edit(DAEMON_SET, changed(DAEMON_SET, f"{FIRST}.image", "x:2"), ["deploy"]),
    "lower-floor": Edit(
        AUTOSCALER, changed(AUTOSCALER, "spec.minReplicas", 5), ["scale-down"]
    ),
    "higher-top": Edit(AUTOSCALER, changed(AUTOSCALER, "spec.maxReplicas", 60), ["scale-up"]),
    "key-out": Edit(CONFIG, changed(CONFIG, "data", {"a": "1"}), ["config"]),
    "secret": Edit(SECRET, changed(SECRET, "stringData.a", "3"), ["config"]),
    "secret-key-out": Edit(SECRET, changed(SECRET, "stringData", {"a": "1"}), []),
    "service": Edit(SERVICE, changed(SERVICE, "spec.sessionAffinity", "ClientIP"), ["config"]),
    "service-port": Edit(SERVICE, changed(SERVICE, "spec.ports.0.name", "web"), ["config"]),
    "ingress": Edit(INGRESS, changed(INGRESS, "spec.ingressClassName", "x"), ["config"]),
}  # fmt: skip


@pytest.fixture(autouse=True)
def no_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GATE_DSN", raising=False)


def named(content: Plain, name: str) -> Plain:
    made = copy.deepcopy(content)
    made["metadata"] = {**made.get("metadata", {}), "name": name}
    return made


def judged(*arguments: object) -> Iterator[Plain]:
    ended = run.gate("webhook", "test", *arguments, *POLICY, *SATURDAY, "--json")
    assert ended.code in {0, 3}, ended.err
    yield from ended.lines


def answer(line: Plain) -> Plain:
    """What a line says, without the place it came from and the ids of the run."""
    kept = {name: line[name] for name in ("kind", "namespace", "name", "operation", "actions")}
    decision = line["decision"] or {}
    request = {k: v for k, v in decision.get("request", {}).items() if k != "uid"}
    return {**kept, "request": request, "verdict": decision.get("verdict"), "why": line["why"]}


def test_a_manifest_is_judged_as_its_application_is(
    control_plane: ControlPlane, namespace: str, tmp_path: Path
) -> None:
    files = {
        name: tmp_path / name for name in ("before.yaml", "after.yaml", "live.yaml", "sent.json")
    }
    before = [named(edit.before, name) for name, edit in EDITS.items()]
    after = [named(edit.after, name) for name, edit in EDITS.items()]
    files["before.yaml"].write_text(yaml.safe_dump_all(before))
    files["after.yaml"].write_text(yaml.safe_dump_all(after))
    here = ("-n", namespace)
    control_plane.kubectl(*here, "apply", "-f", str(files["before.yaml"]), check=True)
    live = control_plane.kubectl(
        *here, "get", "-f", str(files["before.yaml"]), "-o", "yaml", check=True
    )
    files["live.yaml"].write_text(live.stdout)
    with (
        recording(control_plane, tmp_path) as recorder,
        webhook(control_plane, f"{recorder.url}/validate", namespace=namespace),
    ):
        control_plane.kubectl(*here, "apply", "-f", str(files["after.yaml"]), check=True)
        sent = [each for each in recorder.reviews if each["request"]["name"] in EDITS]
    mine = [each for each in sent if each["request"]["userInfo"]["username"] == ADMIN]
    files["sent.json"].write_text("\n".join(map(json.dumps, mine)))

    real = {line["name"]: answer(line) for line in judged(files["sent.json"])}
    told = {
        line["name"]: answer(line)
        for line in judged(
            files["after.yaml"], "--old", files["live.yaml"], "--namespace", namespace, *AS_ADMIN
        )
    }
    assert {name: line["actions"] for name, line in real.items()} == {
        name: edit.actions for name, edit in EDITS.items()
    }
    assert told == real


def test_a_deployment_with_its_replica_sets_tells_a_rollback(
    control_plane: ControlPlane, namespace: str, tmp_path: Path
) -> None:
    first, live = tmp_path / "first.yaml", tmp_path / "live.yaml"
    first.write_text(yaml.safe_dump(named(DEPLOYMENT, "x")))
    second = named(changed(DEPLOYMENT, f"{FIRST}.image", "x:2"), "x")
    here = ("-n", namespace)

    def standing() -> str:
        return control_plane.kubectl(
            *here, "get", "deployments,replicasets", "-o", "yaml", check=True
        ).stdout

    def sets(count: int) -> bool:
        return standing().count("kind: ReplicaSet") >= count

    control_plane.kubectl(*here, "apply", "-f", str(first), check=True)
    control_plane.wait_for("the first ReplicaSet", lambda: sets(1))
    control_plane.kubectl(*here, "apply", "-f", "-", input=json.dumps(second), check=True)
    control_plane.wait_for("the second ReplicaSet", lambda: sets(2))
    live.write_text(standing())
    (line,) = judged(first, "--old", live, "--namespace", namespace)
    assert (line["actions"], line["decision"]["verdict"]) == (["rollback"], "allow")


def test_kubectl_shows_what_is_printed(
    control_plane: ControlPlane, namespace: str, tmp_path: Path
) -> None:
    manifest, review = tmp_path / "new.yaml", tmp_path / "review.json"
    manifest.write_text(yaml.safe_dump(named(CONFIG, "settings")))
    when = SATURDAY

    def respond(sent: Plain) -> Plain:
        if sent["request"]["name"] != "settings":
            return {"allowed": True}
        review.write_text(json.dumps(sent))
        ended = run.gate("webhook", "test", review, *POLICY, *when, "--json")
        response: Plain = ended.lines[0]["response"]
        return response

    def lines(text: str) -> list[str]:
        text = text.replace(f'error when creating "{manifest}": ', "")
        text = re.sub(r'"\S+\.saturday-gate\.io"', '"validate.saturday-gate.io"', text)
        return [line.strip() for line in text.splitlines() if "decision:" not in line]

    def printed() -> list[str]:
        options = ("--namespace", namespace, *AS_ADMIN, *when)
        return lines(run.gate("webhook", "test", manifest, *POLICY, *options).out)[1:]

    here = ("-n", namespace)
    with (
        recording(control_plane, tmp_path, respond) as recorder,
        webhook(control_plane, f"{recorder.url}/validate", namespace=namespace),
    ):
        refused = control_plane.kubectl(*here, "create", "-f", str(manifest))
        assert (refused.returncode, refused.stdout) == (1, "")
        assert lines(refused.stderr) == printed()
        assert "Error from server (Forbidden)" in refused.stderr
        when = ("--at", "2026-06-12T12:00:00Z")
        warned = control_plane.kubectl(*here, "create", "-f", str(manifest))
        assert warned.returncode == 0
        assert lines(warned.stderr) == printed()
        assert "Warning: Saturday Gate: config will be denied in 9h 0m" in warned.stderr
