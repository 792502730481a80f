"""What the gate's accounts are refused: by their roles, and by the policies that guard these."""

import json
import re
from typing import Any

import pytest

from tests.cluster.fallback.lab import ADMISSION, MERGE
from tests.cluster.manifests.scene import PLAIN, Scene
from tests.cluster.manifests.stage import GATE, PLATFORM, token_of
from tests.controlplane.plane import Answer
from tests.manifests import building
from tests.manifests.building import K8S, build

pytestmark = pytest.mark.xdist_group("manifests")

WEBHOOK, FALLBACK, PRESCALE = (f"{GATE}-{part}" for part in ("webhook", "fallback", "prescale"))
NAMESPACE = f"/api/v1/namespaces/{PLATFORM}"
CONFIG_MAPS = f"{NAMESPACE}/configmaps"
HPAS = f"/apis/autoscaling/v2/namespaces/{PLATFORM}/horizontalpodautoscalers"
SCALED = f"/apis/keda.sh/v1alpha1/namespaces/{PLATFORM}/scaledobjects/photos"
APPS = f"/apis/apps/v1/namespaces/{PLATFORM}"
LEASES = "/apis/coordination.k8s.io/v1/namespaces/{}/leases"
GUARDS = ("saturday-gate-fallback-probe", "saturday-gate-fallback-standby",
          "saturday-gate-prescale-floors")  # fmt: skip


def annotated(key: str, value: str) -> dict[str, Any]:
    return {"metadata": {"annotations": {key: value}}}


def config_map(name: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}}


def lease(name: str) -> dict[str, Any]:
    return {
        "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": name},
    }  # fmt: skip


FORBIDDEN = "is forbidden: User"
PROBE_GUARD, STANDBY_GUARD, PRESCALE_GUARD = GUARDS
TEMPTATIONS: dict[str, tuple[str, str, str, Any, str]] = {
    "secrets by the webhook": (
        WEBHOOK, "GET", f"/api/v1/namespaces/{GATE}/secrets", None, FORBIDDEN),
    "pods by the webhook": (WEBHOOK, "GET", f"{NAMESPACE}/pods", None, FORBIDDEN),
    "a deployment by the webhook": (
        WEBHOOK, "PATCH", f"{APPS}/deployments/bookings", {"spec": {"paused": True}}, FORBIDDEN),
    "a real ConfigMap": (FALLBACK, "POST", CONFIG_MAPS, config_map("saturday-gate-probe"),
                         PROBE_GUARD),
    "another ConfigMap": (FALLBACK, "POST", f"{CONFIG_MAPS}?dryRun=All", config_map("settings"),
                          PROBE_GUARD),
    "the label that protects": (
        FALLBACK, "PATCH", NAMESPACE,
        {"metadata": {"labels": {"saturday-gate.io/protect": None}}}, STANDBY_GUARD),
    "a person's override": (
        FALLBACK, "PATCH", NAMESPACE,
        annotated("saturday-gate.io/override-until", "2030-01-01T00:00:00Z"), STANDBY_GUARD),
    "a finalizer": (FALLBACK, "PATCH", NAMESPACE, {"metadata": {"finalizers": ["x.example/y"]}},
                    STANDBY_GUARD),
    "no lock": (FALLBACK, "DELETE", f"{ADMISSION}/validatingadmissionpolicies/{FALLBACK}", None,
                FORBIDDEN),
    "no guard": (FALLBACK, "PATCH", f"{ADMISSION}/validatingadmissionpolicies/{STANDBY_GUARD}",
                 {"spec": {"failurePolicy": "Ignore"}}, FORBIDDEN),
    "no webhook": (FALLBACK, "PATCH", f"{ADMISSION}/validatingwebhookconfigurations/{GATE}",
                   {"webhooks": []}, FORBIDDEN),
    "a clock read": (FALLBACK, "GET", f"{LEASES.format('kube-system')}/some", None, FORBIDDEN),
    "a clock written": (FALLBACK, "POST", LEASES.format("kube-system"), lease("some"), FORBIDDEN),
    "another target": (PRESCALE, "PATCH", f"{HPAS}/bookings",
                       {"spec": {"scaleTargetRef": {"name": "others"}}}, PRESCALE_GUARD),
    "no metrics": (PRESCALE, "PATCH", f"{HPAS}/bookings", {"spec": {"metrics": []}},
                   PRESCALE_GUARD),
    "no behavior": (PRESCALE, "PATCH", f"{HPAS}/bookings", {"spec": {"behavior": None}},
                    PRESCALE_GUARD),
    "its label": (PRESCALE, "PATCH", f"{HPAS}/bookings",
                  {"metadata": {"labels": {"saturday-gate.io/prescale": None}}}, PRESCALE_GUARD),
    "somebody's annotation": (PRESCALE, "PATCH", f"{HPAS}/bookings",
                              annotated("team", "bookings"), PRESCALE_GUARD),
    "one that did not ask": (PRESCALE, "PATCH", f"{HPAS}/{PLAIN}", {"spec": {"minReplicas": 2}},
                             PRESCALE_GUARD),
    "another trigger": (PRESCALE, "PATCH", SCALED, {"spec": {"triggers": []}}, PRESCALE_GUARD),
    "no autoscaler": (PRESCALE, "DELETE", f"{HPAS}/bookings", None, FORBIDDEN),
    "replicas themselves": (PRESCALE, "PATCH", f"{APPS}/deployments/bookings/scale",
                            {"spec": {"replicas": 1}}, FORBIDDEN),
    "another Lease": (PRESCALE, "GET", f"{LEASES.format(GATE)}/some", None, FORBIDDEN),
    "a Lease elsewhere": (
        PRESCALE, "POST", LEASES.format("kube-system"), lease(PRESCALE), FORBIDDEN),
}  # fmt: skip


def attempt(scene: Scene, account: str, method: str, path: str, body: Any = None) -> Answer:
    headers = {"Authorization": f"Bearer {token_of(scene.plane, account)}"}
    kind = MERGE if method == "PATCH" else "application/json"
    return scene.plane.request(method, path, body, content_type=kind, headers=headers)


@pytest.mark.parametrize("name", TEMPTATIONS)
def test_it_is_refused(scene: Scene, name: str) -> None:
    account, method, path, body, said = TEMPTATIONS[name]
    answer = attempt(scene, account, method, path, body)
    assert answer.status in {403, 422}, answer.body
    assert said in answer.body["message"]


@pytest.mark.parametrize(
    ("account", "method", "path", "body"),
    [
        (FALLBACK, "PATCH", f"{NAMESPACE}?dryRun=All",
         annotated("saturday-gate.io/standby-until", "2030-01-01T00:00:00Z")),
        (PRESCALE, "PATCH", f"{HPAS}/bookings?dryRun=All",
         {"spec": {"minReplicas": 20, "maxReplicas": 60}}
         | annotated("saturday-gate.io/original", "{}")),
        (PRESCALE, "PATCH", f"{SCALED}?dryRun=All",
         {"spec": {"minReplicaCount": 20}} | annotated("saturday-gate.io/raised", "{}")),
    ],
)  # fmt: skip
def test_what_it_is_there_for_is_not(
    scene: Scene, account: str, method: str, path: str, body: Any
) -> None:
    answer = attempt(scene, account, method, path, body)
    assert answer.status == 200, answer.body


def test_the_probe_gets_as_far_as_the_webhook(scene: Scene) -> None:
    probe = config_map("saturday-gate-probe")
    answer = attempt(scene, FALLBACK, "POST", f"{CONFIG_MAPS}?dryRun=All", probe)
    assert answer.status == 201, answer.body


def test_guards_are_for_the_gates_own_accounts(scene: Scene) -> None:
    """Nobody else is kept from anything."""
    answer = scene.plane.request("POST", f"{CONFIG_MAPS}?dryRun=All", config_map("x"), user="alice")
    assert not any(guard in json.dumps(answer.body) for guard in GUARDS)


@pytest.mark.parametrize("name", GUARDS)
def test_the_api_server_finds_nothing_in_their_expressions(scene: Scene, name: str) -> None:
    path = f"{ADMISSION}/validatingadmissionpolicies/{name}"

    def status() -> dict[str, Any]:
        found: dict[str, Any] = scene.plane.get(path).get("status", {})
        return found

    scene.plane.wait_for("it was looked at", lambda: "observedGeneration" in status())
    assert status().get("typeChecking", {}).get("expressionWarnings", []) == []


def test_rules_and_dashboard_ask_for_figures_that_there_are(scene: Scene) -> None:
    assert scene.webhook.ask("POST", "/validate", b"{}").status >= 400
    attempt(scene, FALLBACK, "POST", f"{CONFIG_MAPS}?dryRun=All", config_map("saturday-gate-probe"))
    scene.plane.request("POST", f"{CONFIG_MAPS}?dryRun=All", config_map("x"))
    told = set(re.findall(r"^# TYPE (\w+)", scene.figures(), re.MULTILINE))
    told |= {f"{name}_{end}" for name in told for end in ("bucket", "count", "sum")}
    rules = building.named(build("overlays/production"), "PrometheusRule", GATE)
    dashboard = (K8S / "components/monitoring/saturday-gate.json").read_text()
    asked = set(re.findall(r"\bgate_\w+", json.dumps(rules) + dashboard))
    assert len(asked) > 15
    assert asked <= told
