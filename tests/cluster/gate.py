"""The webhook of the product behind the real API server, and what it recorded."""

import contextlib
import json
import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gate.journal.survey import records_in
from tests.cluster import gate_policy
from tests.cluster.gate_policy import Windows
from tests.controlplane import programs, webhooks
from tests.controlplane.plane import DEPLOYER, PERSON, PLATFORM, ControlPlane
from tests.webhook.certificates import Authority
from tests.webhook.gate_webhook import GateWebhook, running, until

AUTOSCALER = "system:serviceaccount:kube-system:horizontal-pod-autoscaler"
INFORMER = "saturday-gate"
_RBAC = "/apis/rbac.authorization.k8s.io/v1"
_CALENDAR = "id,date,timezone,culture,guests\nw-1,2030-06-15,Europe/London,british,150\n"


@dataclass(frozen=True)
class Caller:
    """Who runs kubectl."""

    user: str
    groups: tuple[str, ...] = ()
    invoker: str | None = None
    """None for one that is exempt."""

    def __str__(self) -> str:
        return self.invoker or "exempt"


HUMAN = Caller(PERSON, invoker="human")
AUTOMATION = Caller(DEPLOYER, invoker="automation")
EXEMPT = Caller(AUTOSCALER, groups=(PLATFORM,))
CALLERS = (HUMAN, AUTOMATION, EXEMPT)


@dataclass(frozen=True)
class Gate:
    """A running `gate webhook` that judges by the tests' policy."""

    plane: ControlPlane
    server: GateWebhook
    windows: Windows

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.server.port}/validate"

    @contextlib.contextmanager
    def protected(self, namespace: str, **options: Any) -> Iterator[str]:
        """The API server asks the gate about a namespace; the name of the webhook's object."""
        ca = self.server.authority.ca
        with webhooks.webhook(self.plane, self.url, namespace=namespace, ca=ca, **options) as name:
            yield name

    def decisions(self, namespace: str) -> list[dict[str, Any]]:
        """The decisions in the journal about a namespace."""
        return [
            each
            for each in journaled(self.server.folder / "journal")
            if each["request"].get("namespace") == namespace
        ]

    def knows_templates(self, *namespaces: str) -> None:
        """Wait until the gate has heard of every revision in the cluster, so of these namespaces'.

        Their workloads must have been observed by their controllers.
        """

        def heard() -> bool:
            text = self.server.get("/metrics").body.decode()
            found = re.search(r"^gate_rollback_templates (\S+)$", text, re.MULTILINE)
            return found is not None and float(found[1]) >= revisions(self.plane)

        assert all(revisions(self.plane, namespace) for namespace in namespaces)
        self.plane.wait_for("the gate knows all revisions", heard)


def revisions(plane: ControlPlane, namespace: str | None = None) -> int:
    """How many revisions of workloads there are."""
    where = f"/namespaces/{namespace}" if namespace else ""
    return sum(
        len(plane.get(f"/apis/apps/v1{where}/{plural}")["items"])
        for plural in ("replicasets", "controllerrevisions")
    )


def observed(plane: ControlPlane, path: str) -> bool:
    """Whether a workload's controller has seen it as it is now."""
    return _seen(plane.get(path))


def settled(plane: ControlPlane, namespace: str) -> bool:
    """Whether controllers have nothing more to write into what they look after.

    While they do, the API server may find its copy old and ask about one change twice.
    """
    apps = f"/apis/apps/v1/namespaces/{namespace}"
    scalers = plane.get(f"/apis/autoscaling/v2/namespaces/{namespace}/horizontalpodautoscalers")
    return (
        all(map(_rolled_out, plane.get(f"{apps}/deployments")["items"]))
        and all(map(_filled, plane.get(f"{apps}/statefulsets")["items"]))
        and all(map(_seen, plane.get(f"{apps}/daemonsets")["items"]))
        and all(each["status"].get("conditions") for each in scalers["items"])
    )


def _seen(workload: Any) -> bool:
    observed: int = workload["status"].get("observedGeneration", 0)
    return observed >= int(workload["metadata"]["generation"])


def _filled(workload: Any) -> bool:
    ready: int = workload["status"].get("readyReplicas", 0)
    return _seen(workload) and ready == int(workload["spec"]["replicas"])


def _rolled_out(deployment: Any) -> bool:
    reasons = {each["reason"] for each in deployment["status"].get("conditions", ())}
    return _filled(deployment) and "NewReplicaSetAvailable" in reasons


def journaled(folder: Path) -> list[dict[str, Any]]:
    """All decisions that a journal holds."""
    return [json.loads(record.payload) for _, record in records_in(folder)]


@contextlib.contextmanager
def gate_behind(
    plane: ControlPlane, folder: Path, *options: str, mode: str = "enforce",
    authority: Authority | None = None,
) -> Iterator[Gate]:  # fmt: skip
    """A gate for the block, which follows the plane's revisions."""
    windows = gate_policy.windows_at(datetime.now(UTC))
    policy, calendar = folder / "policy.yaml", folder / "weddings.csv"
    policy.write_text(gate_policy.document(windows, mode=mode))
    calendar.write_text(_CALENDAR)
    _let_watch(plane)
    chosen = [
        *("--policy", str(policy), "--calendar", str(calendar)),
        *(
            "--environment",
            gate_policy.ENVIRONMENT,
            "--kubeconfig",
            str(plane.kubeconfig(INFORMER)),
        ),
        *("--workers", "1", "--drain", "0s", *options),
    ]
    with running(folder, *chosen, authority=authority) as server:
        synced = re.compile(rb"^gate_rollback_history_synced 1", re.MULTILINE)
        until(lambda: synced.search(server.get("/metrics").body), what="the revisions are listed")
        yield Gate(plane, server, windows)


def kubectl(
    plane: ControlPlane, caller: Caller, *arguments: str, sent: str | None = None,
    editor: str | None = None,
) -> subprocess.CompletedProcess[str]:  # fmt: skip
    """Run kubectl as a caller; for ``edit``, with an editor's command."""
    if editor is None:
        return plane.kubectl(*arguments, user=caller.user, groups=caller.groups, input=sent)
    program, config = programs.kubectl(), plane.kubeconfig(caller.user, caller.groups)
    return subprocess.run(
        [str(program), "--kubeconfig", str(config), *arguments],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=60,
        env={"PATH": os.defpath, "HOME": str(plane.folder), "KUBERC": "off", "EDITOR": editor},
    )  # fmt: skip


def _let_watch(plane: ControlPlane) -> None:
    """Give the gate the rights that it needs, and no others."""
    for kind, rest in (
        (
            "ClusterRole",
            {
                "rules": [
                    {
                        "apiGroups": ["apps"],
                        "resources": ["replicasets", "controllerrevisions"],
                        "verbs": ["list", "watch"],
                    }
                ]
            },
        ),
        (
            "ClusterRoleBinding",
            {
                "subjects": [
                    {"kind": "User", "name": INFORMER, "apiGroup": "rbac.authorization.k8s.io"}
                ],
                "roleRef": {
                    "apiGroup": "rbac.authorization.k8s.io",
                    "kind": "ClusterRole",
                    "name": INFORMER,
                },
            },
        ),
    ):
        body = {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": kind,
            "metadata": {"name": INFORMER},
            **rest,
        }
        answer = plane.request("POST", f"{_RBAC}/{kind.lower()}s", body)
        assert answer.status in (201, 409), answer.body
