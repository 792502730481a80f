"""The gate at work under the rendered roles and no others, during a lock."""

import base64
import contextlib
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.cli.run import Outcome, gate
from tests.cluster.fallback.lab import HOUR, NO_LEVEL, span
from tests.cluster.manifests.stage import GATE, PLATFORM, account, text_of
from tests.cluster.prescaling import LABELS
from tests.controlplane.objects import autoscaler
from tests.controlplane.plane import ControlPlane
from tests.manifests import building
from tests.manifests.building import build
from tests.webhook.gate_webhook import GateWebhook, running, until

RIGHTS = (
    "ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding",
    "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding",
)  # fmt: skip
STANDBY = "saturday-gate.io/standby-until"
FIGURES = "fallback.txt"
ACCOUNTS = ("saturday-gate-webhook", "saturday-gate-fallback", "saturday-gate-prescale")
_START = "import sys; from gate.cli.main import main; sys.exit(main())"
_CALENDAR = "id,date,timezone,guests\nmaximum,2026-06-11,UTC,202500\n"
NORMAL, MAXIMUM = (f"2026-06-{day}T12:00:00Z" for day in ("01", "11"))
SCALED = {
    "apiVersion": "keda.sh/v1alpha1",
    "kind": "ScaledObject",
    "metadata": {"name": "photos", "namespace": PLATFORM, "labels": LABELS},
    "spec": {
        "scaleTargetRef": {"name": "photos"},
        "minReplicaCount": 10,
        "maxReplicaCount": 50,
        "triggers": [{"type": "cpu", "metadata": {"value": "60"}}],
    },
}


def _scaling(name: str, kind: str) -> dict[str, Any]:
    """An autoscaler that asks for pre-scaling, of a workload that need not be there."""
    document = autoscaler(name, PLATFORM, low=10, high=50)
    document["metadata"]["labels"] = LABELS
    document["spec"]["scaleTargetRef"] = {"apiVersion": "apps/v1", "kind": kind, "name": name}
    return document


PLAIN = "plain"
"""An autoscaler that does not ask for pre-scaling."""


@dataclass
class Scene:
    """A cluster in which all of `k8s/` is in force and each part runs by its own account."""

    plane: ControlPlane
    folder: Path
    kubeconfigs: dict[str, Path] = field(default_factory=dict)
    servers: list[GateWebhook] = field(default_factory=list)
    """The webhook, once it runs."""

    @property
    def inputs(self) -> tuple[str, ...]:
        """The options that name policy and calendar."""
        return (
            *("--policy", str(self.folder / "policy.yaml")),
            *("--calendar", str(self.folder / "weddings.csv")),
        )

    @property
    def webhook(self) -> GateWebhook:
        """The webhook that the API server asks."""
        return self.servers[0]

    def figures(self) -> str:
        """What the webhook and the fallback worker tell Prometheus."""
        worker = (self.folder / FIGURES).read_text()
        return self.webhook.get("/metrics").body.decode() + worker

    def prescale(self, at: str, *more: str) -> Outcome:
        """`gate prescale --once` by its account."""
        where = ("--kubeconfig", self.kubeconfigs["saturday-gate-prescale"])
        return gate("prescale", *self.inputs, *where, "--once", "--json", "--at", at, *more)

    @contextlib.contextmanager
    def prescaling(self) -> Iterator[None]:
        """`gate prescale --watch` by its account, as its Deployment runs it."""
        state = ("--state", str(self.folder / "state"))
        with _started(self, "saturday-gate-prescale", "prescale", "--watch", *state):
            yield

    def fallback_once(self) -> Outcome:
        """`gate fallback run --once` by its account."""
        where = ("--kubeconfig", self.kubeconfigs["saturday-gate-fallback"])
        return gate("fallback", "run", *self.inputs, *where, "--once")

    def standby(self) -> str | None:
        """Until when the fallback lock stands aside in the platform's namespace."""
        metadata = self.plane.get(f"/api/v1/namespaces/{PLATFORM}")["metadata"]
        found: str | None = metadata.get("annotations", {}).get(STANDBY)
        return found

    def requests(self, user: str) -> Iterator[dict[str, Any]]:
        """What the gate asked of the API server in a user's name, from its audit log.

        What tests try by a token is not the gate's: its client says who it is.
        """
        log = (self.plane.folder / "logs" / "audit-0.log").read_text()
        for line in log.splitlines(keepends=True):
            event = json.loads(line) if line.endswith("\n") else {}
            by_the_gate = str(event.get("userAgent", "")).startswith("OpenAPI-Generator/")
            if by_the_gate and event["user"]["username"] == user and "objectRef" in event:
                yield event


@contextlib.contextmanager
def played(plane: ControlPlane, folder: Path) -> Iterator[Scene]:
    """Put everything in force, and let webhook and fallback worker run until both do their work."""
    scene = Scene(plane, folder)
    windows = f"windows:\n{span(-HOUR, HOUR)}{NO_LEVEL}"
    cache = 'NORMAL: {ttl: "60"}, MAXIMUM: {ttl: "900"}'
    load = f"load: {{hours: {{0: 1}}, saturday: 1, season: {{factor: 1}}, cache: {{{cache}}}}}\n"
    (folder / "policy.yaml").write_text(f"version: 1\ntimezone: UTC\n{windows}{load}")
    (folder / "weddings.csv").write_text(_CALENDAR)
    scaling = (_scaling("search", "StatefulSet"), _scaling("archive", "ReplicaSet"))
    more = (SCALED, *scaling, autoscaler(PLAIN, PLATFORM, low=1, high=5))
    plane.kubectl("apply", "-f", "-", input=text_of((*build("platform"), *more)), check=True)
    rights = building.of_kind(build("overlays/production"), *RIGHTS)
    plane.kubectl("apply", "-f", "-", input=text_of(rights), check=True)
    for name in ACCOUNTS:
        scene.kubeconfigs[name] = account(plane, name, folder)
    kubeconfig = str(scene.kubeconfigs["saturday-gate-webhook"])
    options = (*scene.inputs, "--environment", "production", "--kubeconfig", kubeconfig)
    with running(folder, *options, "--workers", "1", "--drain", "0s") as webhook:
        scene.servers.append(webhook)
        synced = re.compile(rb"^gate_rollback_history_synced 1", re.MULTILINE)
        until(lambda: synced.search(webhook.get("/metrics").body), what="revisions are listed")
        plane.kubectl("apply", "-f", "-", input=text_of([_asking(webhook)]), check=True)
        figures = str(folder / FIGURES)
        keep = ("fallback", "run", "--environment", "production", "--metrics", figures)
        with _started(scene, "saturday-gate-fallback", *keep):
            plane.wait_for("the lock stands aside", lambda: scene.standby() is not None)
            plane.wait_for("figures", lambda: "webhook_answers 1" in scene.figures())
            yield scene
    plane.request(
        "DELETE",
        "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/saturday-gate",
    )


def _asking(webhook: GateWebhook) -> dict[str, Any]:
    """The rendered configuration, but for where the webhook is: it runs beside the cluster."""
    objects = build("overlays/production")
    found = building.named(objects, "ValidatingWebhookConfiguration", GATE)
    (one,) = found["webhooks"]
    bundle = base64.b64encode(webhook.authority.ca.read_bytes()).decode()
    client = {"url": f"https://127.0.0.1:{webhook.port}/validate", "caBundle": bundle}
    return {**found, "webhooks": [{**one, "clientConfig": client}]}


@contextlib.contextmanager
def _started(scene: Scene, name: str, *command: str) -> Iterator[None]:
    """A command of the gate's by an account, ended as a pod is."""
    words: Sequence[str] = [
        *(sys.executable, "-c", _START, *command, *scene.inputs),
        *("--kubeconfig", str(scene.kubeconfigs[name])),
    ]
    hidden = {"KUBECONFIG", "GATE_DSN"}
    environment = {name: text for name, text in os.environ.items() if name not in hidden}
    with (
        (scene.folder / f"{name}.log").open("wb") as log,
        subprocess.Popen(words, env={**environment, "POD_NAMESPACE": GATE}, stderr=log) as process,
    ):
        try:
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=30)
