"""A control plane as its users see it: addresses, users, kubectl, a few calls of the API."""

import base64
import contextlib
import datetime as dt
import hashlib
import http.client
import json
import os
import secrets
import ssl
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.controlplane import certificates, processes, programs
from tests.controlplane.certificates import Pair

ADMIN = "admin"
"""May do everything (``system:masters``)."""
PERSON = "alice"
"""A person of the group `PLATFORM`."""
DEPLOYER = "system:serviceaccount:ci:deployer"
"""The service account of a pipeline, with the rights of `PLATFORM`."""
PLATFORM = "platform"
"""The group whose members may change what runs in every namespace."""
SERVICE_ACCOUNTS = ("system:serviceaccounts", "system:serviceaccounts:ci")
GROUPS: Mapping[str, tuple[str, ...]] = {
    ADMIN: ("system:masters",),
    PERSON: (PLATFORM,),
    DEPLOYER: (PLATFORM, *SERVICE_ACCOUNTS),
}
"""The users that have a token, and their groups."""
AUDIT_LOG = "audit"
"""The audit log of API server 0 is ``logs/audit-0.log``."""
_FAKE_NODE = {"kwok.x-k8s.io/node": "fake"}


@dataclass(frozen=True)
class Answer:
    """What the API server answered."""

    status: int
    body: Any
    """The decoded JSON, else the text."""

    def ok(self) -> Any:
        """The body; raises `AssertionError` with it where the status is not of success."""
        assert self.status < 300, f"{self.status}: {self.body}"
        return self.body


@dataclass(frozen=True)
class ControlPlane:
    """A running control plane. It can be used from any process of this account."""

    folder: Path
    urls: tuple[str, ...]
    """The API servers; calls go to the first one."""
    tokens: Mapping[str, str]
    """User to bearer token, of the users in `GROUPS`."""

    @property
    def ca(self) -> Path:
        """The authority (PEM) that signed the API servers' certificates."""
        return self.folder / "ca.crt"

    @property
    def authority(self) -> Pair:
        """The same with its key, to sign more."""
        return Pair(self.ca, self.folder / "ca.key")

    def kubeconfig(self, user: str = ADMIN, groups: Iterable[str] = (), *, server: int = 0) -> Path:
        """A kubeconfig of any user.

        The users in `GROUPS` have a token and the groups named there; every other one gets a client
        certificate, and just the `groups` given (`PLATFORM` may change what runs). `server` is an
        index of `urls`.
        """
        groups = tuple(groups)
        token = None if groups else self.tokens.get(user)
        digest = hashlib.sha256("\n".join((user, *groups)).encode()).hexdigest()[:12]
        path = self.folder / "users" / f"{digest}-{server}.kubeconfig"
        if not path.exists():
            credentials = {"token": token} if token else self._certificate(digest, user, groups)
            _write_whole(path, json.dumps(self._config(user, credentials, server)))
        return path

    def _certificate(self, digest: str, user: str, groups: tuple[str, ...]) -> dict[str, str]:
        path = self.folder / "users" / f"{digest}.{secrets.token_hex(4)}"
        pair = certificates.client(self.authority, path, user, groups, now=dt.datetime.now(dt.UTC))
        return {
            "client-certificate-data": base64.b64encode(pair.certificate.read_bytes()).decode(),
            "client-key-data": base64.b64encode(pair.key.read_bytes()).decode(),
        }

    def _config(self, user: str, credentials: dict[str, str], server: int) -> dict[str, Any]:
        authority = base64.b64encode(self.ca.read_bytes()).decode()
        cluster = {"server": self.urls[server], "certificate-authority-data": authority}
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "test", "cluster": cluster}],
            "users": [{"name": user, "user": credentials}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": user}}],
            "current-context": "test",
        }

    def kubectl(
        self,
        *arguments: str,
        user: str = ADMIN,
        groups: Iterable[str] = (),
        input: str | None = None,  # noqa: A002 - as subprocess.run names it
        check: bool = False,
        server: int = 0,
        seconds: float = 60.0,
    ) -> subprocess.CompletedProcess[str]:
        """Run kubectl as a user (see `kubeconfig`); its output is text.

        With `check`, a failure raises `AssertionError` with what it said.
        """
        program = programs.kubectl()
        assert program is not None, "no kubectl"
        chosen = ["--kubeconfig", str(self.kubeconfig(user, groups, server=server))]
        cached = ["--cache-dir", str(self.folder / "kubectl-cache")]
        done = subprocess.run(
            [str(program), *chosen, *cached, *arguments],
            input=input,
            stdin=subprocess.DEVNULL if input is None else None,
            capture_output=True,
            text=True,
            check=False,
            timeout=seconds,
            env={"PATH": os.defpath, "HOME": str(self.folder), "KUBERC": "off", "TZ": "UTC"},
        )
        if check:
            assert done.returncode == 0, f"kubectl {' '.join(arguments)}: {done.stderr}"
        return done

    def apply(self, *objects: Mapping[str, Any], user: str = ADMIN) -> None:
        """``kubectl apply`` of objects; raises `AssertionError` where it fails."""
        text = "\n---\n".join(json.dumps(each) for each in objects)
        self.kubectl("apply", "--filename", "-", user=user, input=text, check=True)

    def request(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        user: str = ADMIN,
        content_type: str = "application/json",
        headers: Mapping[str, str] | None = None,
        server: int = 0,
        seconds: float = 30.0,
    ) -> Answer:
        """Call the API without kubectl, as a user who has a token.

        Raises `OSError` or `http.client.HTTPException` where no API server answers.
        """
        target = urlsplit(self.urls[server])
        context = ssl.create_default_context(cafile=str(self.ca))
        sent = {"Authorization": f"Bearer {self.tokens[user]}", "Accept": "application/json"}
        content = None if body is None else json.dumps(body)
        if content is not None:
            sent["Content-Type"] = content_type
        assert target.hostname is not None
        connection = http.client.HTTPSConnection(
            target.hostname, target.port, context=context, timeout=seconds
        )
        with contextlib.closing(connection):
            connection.request(method, path, content, {**sent, **(headers or {})})
            answer = connection.getresponse()
            text = answer.read().decode()
        is_json = answer.headers.get_content_type() == "application/json"
        return Answer(answer.status, json.loads(text) if is_json else text)

    def get(self, path: str) -> Any:
        """The object or list at a path; raises `AssertionError` where there is none."""
        return self.request("GET", path).ok()

    def is_ready(self, server: int = 0) -> bool:
        """Whether an API server says that it is ready."""
        try:
            return self.request("GET", "/readyz", server=server, seconds=5.0).status == 200
        except (OSError, http.client.HTTPException):
            return False

    def wait_for(self, what: str, answer: Callable[[], object], *, seconds: float = 60.0) -> None:
        """Ask until the answer is true; raises `TimeoutError` where it is not in time."""
        processes.wait_for(what, answer, seconds=seconds)

    def fresh_namespace(
        self,
        prefix: str = "t",
        *,
        labels: Mapping[str, str] | None = None,
        annotations: Mapping[str, str] | None = None,
    ) -> str:
        """Make a namespace with a name that nothing else has."""
        name = f"{prefix}-{secrets.token_hex(5)}"
        metadata = {"name": name, "labels": labels or {}, "annotations": annotations or {}}
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}
        self.request("POST", "/api/v1/namespaces", body).ok()
        return name

    @contextlib.contextmanager
    def namespace(self, prefix: str = "t", **metadata: Mapping[str, str]) -> Iterator[str]:
        """A fresh namespace, deleted after the block without waiting for its end."""
        name = self.fresh_namespace(prefix, **metadata)
        try:
            yield name
        finally:
            self.request("DELETE", f"/api/v1/namespaces/{name}")

    def serving_certificate(
        self,
        path: Path,
        names: Iterable[str] = ("127.0.0.1", "localhost"),
        *,
        lifetime: dt.timedelta = certificates.YEAR,
    ) -> Pair:
        """A server's certificate of this authority: ``PATH.crt``, ``PATH.key``.

        A webhook configuration's ``caBundle`` is then `ca`.
        """
        now = dt.datetime.now(dt.UTC)
        return certificates.serving(self.authority, path, now=now, names=names, lifetime=lifetime)

    def add_nodes(self, count: int) -> None:
        """Make nodes that kwok plays: ``node-0``, ``node-1``, …; see `ready_nodes`."""
        for number in range(count):
            name = f"node-{number}"
            labels = {"kubernetes.io/hostname": name, "topology.kubernetes.io/zone": f"z{number}"}
            metadata = {"name": name, "annotations": _FAKE_NODE, "labels": labels}
            body = {"apiVersion": "v1", "kind": "Node", "metadata": metadata}
            self.request("POST", "/api/v1/nodes", body).ok()

    def ready_nodes(self) -> int:
        """How many nodes take pods: ready, and without a taint."""
        return sum(
            not node["spec"].get("taints")
            and any(
                condition["type"] == "Ready" and condition["status"] == "True"
                for condition in node["status"].get("conditions", ())
            )
            for node in self.get("/api/v1/nodes")["items"]
        )

    def identity_leases(self) -> list[dict[str, Any]]:
        """The Leases by which the API servers say that they live."""
        path = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases"
        selector = "labelSelector=apiserver.kubernetes.io/identity=kube-apiserver"
        items: list[dict[str, Any]] = self.get(f"{path}?{selector}")["items"]
        return items

    def audit_events(self, namespace: str) -> list[dict[str, Any]]:
        """What was written in a namespace, dry runs too, by the API servers' audit logs.

        Who (``user``, ``impersonatedUser``), what (``objectRef``), how it ended
        (``responseStatus``), what admission noted (``annotations``); in the order of each server.
        An event may come a moment after the answer: wait for it.
        """
        lines = [
            line
            for path in sorted((self.folder / "logs").glob(f"{AUDIT_LOG}-*.log"))
            for line in path.read_text().splitlines(keepends=True)
        ]
        events = [json.loads(line) for line in lines if line.endswith("\n")]
        return [each for each in events if each["objectRef"].get("namespace") == namespace]

    def save(self) -> Path:
        """Write ``plane.json``, whole or not at all."""
        path = self.folder / "plane.json"
        _write_whole(path, json.dumps({"urls": self.urls, "tokens": dict(self.tokens)}))
        return path

    @classmethod
    def load(cls, folder: Path) -> "ControlPlane":
        """The plane that `save` wrote there."""
        saved = json.loads((folder / "plane.json").read_text())
        return cls(folder, tuple(saved["urls"]), saved["tokens"])


def _write_whole(path: Path, text: str) -> None:
    fresh = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    fresh.touch(mode=0o600)
    fresh.write_text(text)
    fresh.replace(path)
