"""What people and pipelines do with kubectl, and what each of it is by the table of changes.

Every case has one object, which has the case's name: what is recorded of it can be told apart.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.cluster.gate_manifests import (
    APP,
    FIRST,
    SECOND,
    Manifest,
    autoscaler,
    config_map,
    daemon_set,
    deployment,
    ingress,
    secret,
    service,
    stateful_set,
)

RUNTIME = {"saturday-gate.io/runtime": "true"}
TLS = "kubernetes.io/tls"
TYPICAL = frozenset(
    {
        *("created", "deleted", "image", "applied", "server-side", "edited", "replaced"),
        *("out", "in", "restarted", "undone", "image-and-out", "annotated"),
        *("set-undone", "set-in", "daemon-new", "daemon-undone"),
        *("auto-new", "auto-raised", "auto-lowered", "auto-max-raised", "auto-below-floor"),
        *("auto-gone", "map-changed", "state-changed", "secret-new", "tls-renewed"),
        *("service-changed", "ingress-gone"),
    }
)


@dataclass(frozen=True, kw_only=True)
class Case:
    """A kubectl command, and the actions that it is."""

    name: str
    command: tuple[str, ...]
    actions: tuple[str, ...]
    """None: nothing is to be judged."""
    by_automation: tuple[str, ...] | None = None
    """The same for a service account, where it is not the same."""
    before: Manifest | None = None
    """What is there already."""
    revised: Mapping[str, Any] | None = None
    """A merge patch by which that got its second revision."""
    sent: Manifest | None = None
    """What kubectl reads."""
    editor: str | None = None
    """The editor's command."""
    has_dry_run: bool = True
    tries: int = 1
    """Requests of one command that is refused."""

    @property
    def typical(self) -> bool:
        """Whether it stands for a row of the table where not all are run."""
        return self.name in TYPICAL

    def actions_of(self, invoker: str) -> tuple[str, ...]:
        """What it is if such a one does it."""
        return self.by_automation if invoker == "automation" and self.by_automation is not None \
            else self.actions  # fmt: skip


def _case(
    name: str, command: str, *actions: str, patch: Mapping[str, Any] | None = None, **more: Any
) -> Case:
    words = command.format(name).split()
    if patch is not None:
        words += ["--type=merge", f"--patch={json.dumps(patch)}"]
    return Case(name=name, command=tuple(words), actions=actions, **more)


def _image(image: str, replicas: int | None = None) -> dict[str, Any]:
    containers = [{"name": "app", "image": image}]
    spec: dict[str, Any] = {"template": {"spec": {"containers": containers}}}
    return {"spec": spec if replicas is None else {**spec, "replicas": replicas}}


def _stamp(**spec: Any) -> dict[str, Any]:
    annotations = {"kubectl.kubernetes.io/restartedAt": "2026-06-13T12:00:00Z"}
    return {"spec": {"template": {"metadata": {"annotations": annotations}}, **spec}}


DEPLOYMENTS = (
    _case("created", f"create deployment {{}} --image={APP}:1 --replicas=0", "deploy"),
    _case("deleted", "delete deployment {} --wait=false", "deploy", before=deployment("deleted")),
    _case("image", f"set image deployment/{{}} app={SECOND}", "deploy", before=deployment("image")),
    _case("env", "set env deployment/{} A=b", "deploy", before=deployment("env")),
    _case(
        "applied", "apply -f -", "deploy",
        before=deployment("applied"), sent=deployment("applied", image=SECOND),
    ),
    _case("applied-new", "apply -f -", "deploy", sent=deployment("applied-new")),
    _case(
        "server-side", "apply --server-side --force-conflicts -f -", "scale-up",
        before=deployment("server-side"), sent=deployment("server-side", replicas=1),
    ),
    _case(
        "server-side-same", "apply --server-side --force-conflicts -f -",
        before=deployment("server-side-same"), sent=deployment("server-side-same"),
    ),
    _case(
        "edited", "edit deployment/{}", "deploy",
        before=deployment("edited"), editor=f"sed -i s,{FIRST},{SECOND},", has_dry_run=False,
    ),
    _case(
        "replaced", "replace -f -", "config",
        before=deployment("replaced"), sent=deployment("replaced", minReadySeconds=5),
    ),
    _case("out", "scale deployment/{} --replicas=1", "scale-up", before=deployment("out")),
    _case(
        "in", "scale deployment/{} --replicas=0", "scale-down",
        before=deployment("in", replicas=1),
    ),
    _case(
        "in-by-patch", "patch deployment {} --subresource=scale", "scale-down",
        before=deployment("in-by-patch", replicas=1), patch={"spec": {"replicas": 0}},
    ),
    _case("restarted", "rollout restart deployment/{}", "restart",
          before=deployment("restarted"), has_dry_run=False),
    _case("stamped", "patch deployment {}", "restart",
          before=deployment("stamped"), patch=_stamp()),
    _case("undone", "rollout undo deployment/{}", "rollback",
          before=deployment("undone"), revised=_image(SECOND)),
    _case("undone-by-number", "rollout undo deployment/{} --to-revision=1", "rollback",
          before=deployment("undone-by-number"), revised=_image(SECOND)),
    # What restartedAt alone tells apart is a restart, unless it was so before.
    _case("restart-undone", "rollout undo deployment/{}", "rollback",
          before=deployment("restart-undone"), revised=_stamp()),
    _case("image-back", f"set image deployment/{{}} app={FIRST}", "rollback",
          before=deployment("image-back"), revised=_image(SECOND)),
    _case("image-on", f"set image deployment/{{}} app={APP}:3", "deploy",
          before=deployment("image-on"), revised=_image(SECOND)),
    _case("image-and-out", "patch deployment {}", "deploy", "scale-up",
          before=deployment("image-and-out"), patch=_image(SECOND, 1)),
    _case("restart-and-out", "patch deployment {}", "restart", "scale-up",
          before=deployment("restart-and-out"), patch=_stamp(replicas=1)),
    _case("back-and-in", "patch deployment {}", "scale-down", "rollback",
          before=deployment("back-and-in", replicas=1), revised=_image(SECOND),
          patch=_image(FIRST, 0)),
    _case("paused", "rollout pause deployment/{}", "config",
          before=deployment("paused"), has_dry_run=False),
    _case("labelled", "label deployment {} a=b", before=deployment("labelled")),
    _case("annotated", "annotate deployment {} a=b", before=deployment("annotated")),
)  # fmt: skip

OTHER_WORKLOADS = (
    _case("set-new", "apply -f -", "deploy", sent=stateful_set("set-new")),
    _case("set-gone", "delete statefulset {} --wait=false", "deploy",
          before=stateful_set("set-gone")),
    _case("set-image", f"set image statefulset/{{}} app={SECOND}", "deploy",
          before=stateful_set("set-image")),
    _case("set-out", "scale statefulset/{} --replicas=1", "scale-up",
          before=stateful_set("set-out")),
    _case("set-in", "scale statefulset/{} --replicas=0", "scale-down",
          before=stateful_set("set-in", replicas=1)),
    _case("set-restarted", "rollout restart statefulset/{}", "restart",
          before=stateful_set("set-restarted"), has_dry_run=False),
    _case("set-undone", "rollout undo statefulset/{}", "rollback",
          before=stateful_set("set-undone"), revised=_image(SECOND)),
    _case("set-strategy", "patch statefulset {}", "config", before=stateful_set("set-strategy"),
          patch={"spec": {"updateStrategy": {"type": "OnDelete", "rollingUpdate": None}}}),
    _case("set-annotated", "annotate statefulset {} a=b", before=stateful_set("set-annotated")),
    _case("daemon-new", "apply -f -", "deploy", sent=daemon_set("daemon-new")),
    _case("daemon-gone", "delete daemonset {} --wait=false", "deploy",
          before=daemon_set("daemon-gone")),
    _case("daemon-image", f"set image daemonset/{{}} app={SECOND}", "deploy",
          before=daemon_set("daemon-image")),
    _case("daemon-restarted", "rollout restart daemonset/{}", "restart",
          before=daemon_set("daemon-restarted"), has_dry_run=False),
    _case("daemon-undone", "rollout undo daemonset/{}", "rollback",
          before=daemon_set("daemon-undone"), revised=_image(SECOND)),
    _case("daemon-labelled", "label daemonset {} a=b", before=daemon_set("daemon-labelled")),
)  # fmt: skip


def _bounds(name: str, *actions: str, **bounds: int) -> Case:
    """A change of an autoscaler that has 12 to 30; the floor in force is the policy's, 10."""
    return _case(name, "patch hpa {}", *actions, before=autoscaler(name, 12, 30),
                 patch={"spec": bounds})  # fmt: skip


AUTOSCALERS = (
    # kubectl takes a refusal of autoscaling/v2 as a reason to try autoscaling/v1.
    _case("auto-new", "autoscale deployment/{} --min=1 --max=3 --cpu=60%", "config",
          before=deployment("auto-new"), tries=2),
    _bounds("auto-raised", "scale-up", minReplicas=13),
    _bounds("auto-lowered", "scale-down", minReplicas=11),
    _bounds("auto-max-raised", "scale-up", maxReplicas=31),
    _bounds("auto-max-lowered", "config", maxReplicas=12),
    _bounds("auto-below-floor", "scale-down", minReplicas=9, maxReplicas=9),
    _bounds("auto-widened", "scale-down", "scale-up", minReplicas=11, maxReplicas=31),
    _bounds("auto-raised-and-capped", "config", "scale-up", minReplicas=13, maxReplicas=29),
    _case("auto-low", "patch hpa {}", "scale-down", before=autoscaler("auto-low", 2, 30),
          patch={"spec": {"maxReplicas": 9}}),
    _case("auto-behaviour", "patch hpa {}", "config", before=autoscaler("auto-behaviour", 2, 30),
          patch={"spec": {"behavior": {"scaleDown": {"stabilizationWindowSeconds": 600}}}}),
    _case("auto-gone", "delete hpa {}", "scale-down", before=autoscaler("auto-gone", 2, 30)),
    _case("auto-labelled", "label hpa {} a=b", before=autoscaler("auto-labelled", 2, 30)),
)  # fmt: skip

_DATA = {"data": {"a": "Yw=="}}

SETTINGS = (
    _case("map-new", "create configmap {} --from-literal=a=b", "config"),
    _case("map-changed", "patch configmap {}", "config",
          before=config_map("map-changed"), patch=_DATA),
    _case("map-gone", "delete configmap {}", "config", before=config_map("map-gone")),
    _case("map-labelled", "label configmap {} a=b", before=config_map("map-labelled")),
    _case("state-changed", "patch configmap {}",
          before=config_map("state-changed", labels=RUNTIME), patch=_DATA),
    _case("state-gone", "delete configmap {}", before=config_map("state-gone", labels=RUNTIME)),
    _case("state-new", "apply -f -", "config", sent=config_map("state-new", labels=RUNTIME, a="b")),
    # The label counts where it was, not where it is being put.
    _case("state-claimed", "patch configmap {}", "config", before=config_map("state-claimed"),
          patch={**_DATA, "metadata": {"labels": RUNTIME}}),
    _case("state-given-up", "patch configmap {}",
          before=config_map("state-given-up", labels=RUNTIME),
          patch={**_DATA, "metadata": {"labels": None}}),
    _case("secret-new", "create secret generic {} --from-literal=a=b", "config"),
    _case("secret-changed", "patch secret {}", "config",
          before=secret("secret-changed"), patch=_DATA),
    _case("secret-gone", "delete secret {}", "config", before=secret("secret-gone")),
    _case("secret-state", "patch secret {}",
          before=secret("secret-state", labels=RUNTIME), patch=_DATA),
    _case("tls-renewed", "patch secret {}", "config", by_automation=(),
          before=secret("tls-renewed", kind=TLS), patch={"data": {"tls.crt": "Yw=="}}),
    _case("tls-gone", "delete secret {}", "config", before=secret("tls-gone", kind=TLS)),
    _case("service-new", "create service clusterip {} --tcp=80", "config"),
    _case("service-changed", "set selector service {} app=other", "config",
          before=service("service-changed")),
    _case("service-gone", "delete service {}", "config", before=service("service-gone")),
    _case("service-annotated", "annotate service {} a=b", before=service("service-annotated")),
    _case("ingress-new", "create ingress {} --rule=h.example/*=s:80", "config"),
    _case("ingress-changed", "patch ingress {}", "config", before=ingress("ingress-changed"),
          patch={"spec": {"ingressClassName": "other"}}),
    _case("ingress-gone", "delete ingress {}", "config", before=ingress("ingress-gone")),
    _case("ingress-annotated", "annotate ingress {} a=b", before=ingress("ingress-annotated")),
)  # fmt: skip

CASES = (*DEPLOYMENTS, *OTHER_WORKLOADS, *AUTOSCALERS, *SETTINGS)
