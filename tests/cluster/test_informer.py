"""The templates of the past reach a worker, whatever the API server goes through."""

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from gate.cluster.history import template_digest
from gate.service.keeper.reflector import Watching
from tests.controlplane.plane import ControlPlane
from tests.controlplane.running import Running, started
from tests.service.informing import informing
from tests.service.keeping import config_of, keeping
from tests.service.listening import Heard, listening
from tests.service.until import until

QUICK = Watching(
    page=3, connect=1.0, answer=2.0, first_retry=0.1, longest_retry=0.3, refused_retry=0.3
)


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
            "selector": {"matchLabels": {"app": "rsvp"}},
            "template": template(image),
            **({"replicas": 1} if kind != "DaemonSet" else {}),
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
    [
        ("Deployment", "replicasets"),
        ("StatefulSet", "controllerrevisions"),
        ("DaemonSet", "controllerrevisions"),
    ],
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


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Two API servers and no controllers, for these tests to break; each puts things right."""
    with started(tmp_path_factory.mktemp("informer") / "plane", api_servers=2) as running:
        yield running


class Maker:
    """Makes and removes ReplicaSets in a namespace of its own, through one of the API servers."""

    def __init__(self, running: Running) -> None:
        self._plane = running.plane
        self._path = f"/apis/apps/v1/namespaces/{running.plane.fresh_namespace()}/replicasets"
        self._names: dict[str, str] = {}
        self._gone: set[str] = set()

    def make(self, count: int, server: int = 0) -> None:
        for _ in range(count):
            body = replica_set(f"r-{uuid4().hex[:12]}")
            made = self._plane.request("POST", self._path, body, server=server).ok()["metadata"]
            self._names[made["uid"]] = made["name"]

    def remove(self, server: int = 0) -> None:
        uid, name = self._names.popitem()
        path = f"{self._path}/{name}?propagationPolicy=Background"
        self._plane.request("DELETE", path, server=server).ok()
        self._gone.add(uid)

    def known_to(self, heard: Heard) -> bool:
        """Whether all that are there are known, and none that has gone."""
        return self._names.keys() <= heard.templates.keys() and self._gone.isdisjoint(
            heard.templates
        )


def test_an_api_server_that_restarts_is_followed_again(broken: Running, tmp_path: Path) -> None:
    maker = Maker(broken)
    maker.make(7)
    with informing(broken.plane.kubeconfig(), tmp_path, watching=QUICK) as heard:
        until(lambda: synced(heard) and maker.known_to(heard))
        broken.api_servers[0].kill()
        until(lambda: "cannot be followed" in trouble(heard))
        assert maker.known_to(heard)
        broken.api_servers[0].start()
        broken.wait_ready()
        until(lambda: synced(heard), 30)
        maker.make(2)
        maker.remove()
        until(lambda: maker.known_to(heard))


def test_a_version_that_is_compacted_away_means_a_new_list(
    broken: Running, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    maker = Maker(broken)
    maker.make(5)
    with informing(broken.plane.kubeconfig(), tmp_path, watching=QUICK) as heard:
        until(lambda: synced(heard) and maker.known_to(heard))
        capfd.readouterr()
        broken.api_servers[0].kill()
        until(lambda: trouble(heard))
        maker.make(3, server=1)
        maker.remove(server=1)
        compact(broken)
        broken.api_servers[0].start()
        broken.wait_ready()
        until(lambda: synced(heard) and maker.known_to(heard), 30)
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
    broken: Running, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    maker = Maker(broken)
    maker.make(4)
    mine = broken.plane.kubeconfig("gate", ("gates",))
    with informing(mine, tmp_path, watching=QUICK) as heard:
        until(lambda: "controllerrevisions" in trouble(heard) and "403" in trouble(heard))
        assert "replicasets cannot be followed" in trouble(heard)
        assert heard.templates == {}
        assert not synced(heard)
        grant(broken, "replicasets")
        until(lambda: maker.known_to(heard))
        # One of the two is known: what it knows is of use.
        until(lambda: "replicasets" not in trouble(heard))
        assert not synced(heard)
        grant(broken, "controllerrevisions")
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


def test_an_api_server_that_falls_silent_is_noticed(broken: Running, tmp_path: Path) -> None:
    quick = Watching(
        connect=0.5, answer=0.5, silence=1.0, first_retry=0.1, longest_retry=0.3, refused_retry=0.3
    )
    maker = Maker(broken)
    maker.make(2)
    with informing(broken.plane.kubeconfig(), tmp_path, watching=quick) as heard:
        until(lambda: synced(heard) and maker.known_to(heard), 30)
        broken.api_servers[0].pause()
        until(lambda: trouble(heard))
        broken.api_servers[0].resume()
        until(lambda: synced(heard), 30)
        maker.make(1)
        until(lambda: maker.known_to(heard))


def test_a_kubeconfig_that_comes_late_is_found(broken: Running, tmp_path: Path) -> None:
    named = tmp_path / "kubeconfig"
    with informing(named, tmp_path, watching=QUICK) as heard:
        until(lambda: "ConfigException" in trouble(heard))
        named.write_bytes(broken.plane.kubeconfig().read_bytes())
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
