"""The templates of the past reach a worker, whatever the API server goes through."""

import json
import urllib.request
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from gate.cluster.history import template_digest
from gate.service.keeper.reflector import Watching
from tests.controlplane.plane import ControlPlane
from tests.controlplane.running import Running
from tests.service.informing import informing
from tests.service.keeping import config_of, keeping
from tests.service.listening import Heard, listening
from tests.service.until import until

QUICK = Watching(
    page=3, connect=1.0, answer=2.0, first_retry=0.1, longest_retry=0.3, refused_retry=0.3
)
Start = Callable[..., AbstractContextManager[Running]]


def synced(heard: Heard) -> bool:
    return heard.about is not None and heard.about.synced and heard.about.trouble is None


def trouble(heard: Heard) -> str:
    return (heard.about.trouble if heard.about is not None else None) or ""


def workload(kind: str, image: str) -> dict[str, Any]:
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": "rsvp"},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": {"app": "rsvp"}},
            "template": template(image),
            **({"serviceName": "rsvp"} if kind == "StatefulSet" else {}),
        },
    }


def template(image: str) -> dict[str, Any]:
    return {
        "metadata": {"labels": {"app": "rsvp"}},
        "spec": {"containers": [{"name": "web", "image": image}]},
    }


@pytest.mark.parametrize(
    ("kind", "holders"),
    [("Deployment", "replicasets"), ("StatefulSet", "controllerrevisions")],
)
def test_a_rollout_leaves_its_template_until_its_holder_goes(
    control_plane: ControlPlane, namespace: str, tmp_path: Path, kind: str, holders: str
) -> None:
    base = f"/apis/apps/v1/namespaces/{namespace}"
    path = f"{base}/{kind.lower()}s"
    with informing(control_plane.kubeconfig(), tmp_path) as heard:
        until(lambda: synced(heard))
        made = control_plane.request("POST", path, workload(kind, "web:1")).ok()
        owner = made["metadata"]["uid"]
        digests = []
        for image in ("web:1", "web:2", "web:3"):
            patch = {"spec": {"template": template(image)}}
            now = control_plane.request(
                "PATCH",
                f"{path}/rsvp",
                patch,
                content_type="application/strategic-merge-patch+json",
            ).ok()
            # As an admission review of a rollback would have it, defaults and all.
            digests.append(template_digest(now["spec"]["template"]))
            until(lambda: (owner, digests[-1]) in heard.templates.values(), 20)
        known = {digest for of, digest in heard.templates.values() if of == owner}
        assert known == set(digests)
        listed = control_plane.get(f"{base}/{holders}")["items"]
        oldest = min(listed, key=lambda each: int(each["metadata"]["resourceVersion"]))
        control_plane.request("DELETE", f"{base}/{holders}/{oldest['metadata']['name']}").ok()
        until(lambda: oldest["metadata"]["uid"] not in heard.templates, 20)
        assert synced(heard)


def replica_set(name: str, image: str = "web:1", owner: str | None = None) -> dict[str, Any]:
    """One that no controller has made; the API alone is enough for it."""
    reference = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "name": "rsvp",
        "uid": owner or str(uuid4()),
        "controller": True,
    }
    body = workload("ReplicaSet", image)
    body["metadata"] = {"name": name, "ownerReferences": [reference]}
    return body


class Maker:
    """Makes and removes ReplicaSets through one of the API servers."""

    def __init__(self, running: Running, server: int = 0) -> None:
        self._plane = running.plane
        self._server = server
        self._path = "/apis/apps/v1/namespaces/default/replicasets"

    def make(self, count: int) -> list[str]:
        """Their uids."""
        return [
            self._plane.request(
                "POST", self._path, replica_set(f"r-{uuid4().hex[:12]}"), server=self._server
            ).ok()["metadata"]["uid"]
            for _ in range(count)
        ]

    def remove(self, uid: str) -> None:
        found = self._plane.request("GET", self._path, server=self._server).ok()["items"]
        (name,) = (e["metadata"]["name"] for e in found if e["metadata"]["uid"] == uid)
        path = f"{self._path}/{name}?propagationPolicy=Background"
        self._plane.request("DELETE", path, server=self._server).ok()


def holds(heard: Heard, uids: list[str]) -> bool:
    return set(heard.templates) == set(uids)


def test_an_api_server_that_restarts_is_followed_again(
    own_control_plane: Start, tmp_path: Path
) -> None:
    with own_control_plane() as running:
        maker = Maker(running)
        uids = maker.make(7)
        with informing(running.plane.kubeconfig(), tmp_path, watching=QUICK) as heard:
            until(lambda: synced(heard) and holds(heard, uids))
            running.api_servers[0].kill()
            until(lambda: "cannot be followed" in trouble(heard))
            assert holds(heard, uids)
            running.api_servers[0].start()
            running.wait_ready()
            until(lambda: synced(heard), 20)
            uids += maker.make(2)
            maker.remove(uids.pop(0))
            until(lambda: holds(heard, uids))


def test_a_version_that_is_compacted_away_means_a_new_list(
    own_control_plane: Start, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with own_control_plane(api_servers=2) as running:
        near, far = Maker(running), Maker(running, server=1)
        uids = near.make(5)
        with informing(running.plane.kubeconfig(), tmp_path, watching=QUICK) as heard:
            until(lambda: synced(heard) and holds(heard, uids))
            capfd.readouterr()
            running.api_servers[0].kill()
            until(lambda: trouble(heard))
            uids += far.make(3)
            far.remove(uids.pop(0))
            compact(running)
            running.api_servers[0].start()
            running.wait_ready()
            until(lambda: synced(heard) and holds(heard, uids), 20)
        said = capfd.readouterr().err
        assert "410 too old resource version" in said
        # What was known stayed known: only differences were told.
        assert sum(getattr(message, "reset", False) for message in heard.messages) == 1


def compact(running: Running) -> None:
    """Make etcd forget all that is not current."""
    endpoint = next(
        flag.split("=", 1)[1]
        for flag in running.etcd.command
        if flag.startswith("--listen-client-urls")
    )

    def call(path: str, body: dict[str, Any]) -> Any:
        with urllib.request.urlopen(
            urllib.request.Request(f"{endpoint}{path}", json.dumps(body).encode()), timeout=10
        ) as answer:
            return json.load(answer)

    revision = call("/v3/kv/range", {"key": "AA=="})["header"]["revision"]
    call("/v3/kv/compaction", {"revision": revision, "physical": True})


def test_rights_that_are_missing_are_said_and_waited_for(
    own_control_plane: Start, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with own_control_plane() as running:
        uids = Maker(running).make(4)
        mine = running.plane.kubeconfig("gate", ("gates",))
        with informing(mine, tmp_path, watching=QUICK) as heard:
            until(lambda: "controllerrevisions" in trouble(heard) and "403" in trouble(heard))
            assert "replicasets cannot be followed" in trouble(heard)
            assert heard.templates == {}
            assert not synced(heard)
            grant(running, "replicasets")
            until(lambda: holds(heard, uids))
            # One of the two is known: what it knows is of use.
            assert "replicasets" not in trouble(heard)
            assert not synced(heard)
            grant(running, "controllerrevisions")
            until(lambda: synced(heard))
        # Each refusal is said once, not once an attempt.
        assert capfd.readouterr().err.count('"cluster-not-followed"') == 2


def grant(running: Running, resource: str) -> None:
    api, base = "rbac.authorization.k8s.io", "/apis/rbac.authorization.k8s.io/v1"
    rules = [{"apiGroups": ["apps"], "resources": [resource], "verbs": ["list", "watch"]}]
    for path, body in (
        ("clusterroles", {"kind": "ClusterRole", "rules": rules}),
        (
            "clusterrolebindings",
            {
                "kind": "ClusterRoleBinding",
                "subjects": [{"kind": "Group", "name": "gates", "apiGroup": api}],
                "roleRef": {"apiGroup": api, "kind": "ClusterRole", "name": resource},
            },
        ),
    ):
        whole = {"apiVersion": f"{api}/v1", "metadata": {"name": resource}, **body}
        running.plane.request("POST", f"{base}/{path}", whole).ok()


def test_an_api_server_that_falls_silent_is_noticed(
    own_control_plane: Start, tmp_path: Path
) -> None:
    quick = Watching(
        connect=0.5, answer=0.5, silence=1.0, first_retry=0.1, longest_retry=0.3, refused_retry=0.3
    )
    with own_control_plane() as running:
        maker = Maker(running)
        uids = maker.make(2)
        with informing(running.plane.kubeconfig(), tmp_path, watching=quick) as heard:
            until(lambda: synced(heard) and holds(heard, uids))
            running.api_servers[0].pause()
            until(lambda: trouble(heard))
            running.api_servers[0].resume()
            until(lambda: synced(heard))
            uids += maker.make(1)
            until(lambda: holds(heard, uids))


def test_a_kubeconfig_that_comes_late_is_found(own_control_plane: Start, tmp_path: Path) -> None:
    named = tmp_path / "kubeconfig"
    with own_control_plane() as running, informing(named, tmp_path, watching=QUICK) as heard:
        until(lambda: "ConfigException" in trouble(heard))
        named.write_bytes(running.plane.kubeconfig().read_bytes())
        until(lambda: synced(heard))


def test_the_keepers_process_follows_the_cluster(
    control_plane: ControlPlane, namespace: str, tmp_path: Path
) -> None:
    config = config_of(None, tmp_path, kubeconfig=str(control_plane.kubeconfig()))
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments"
    with keeping(config) as keeper, listening(Path(config.socket)) as heard:
        until(lambda: synced(heard))
        made = control_plane.request("POST", path, workload("Deployment", "web:1")).ok()
        digest = template_digest(made["spec"]["template"])
        until(lambda: (made["metadata"]["uid"], digest) in heard.templates.values(), 20)
        print(f"resident: {keeper.resident_mebibytes()}")
        assert keeper.end() == 0
