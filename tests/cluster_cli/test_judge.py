"""`gate webhook test` says offline what the webhook would."""

import copy
import io
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from gate.cli.webhook_judge import PASSED_WORDS
from gate.cluster.changes import Why
from gate.store.connect import Target
from tests.cli.run import Outcome
from tests.cluster_cli.conftest import DATA, UNREADABLE, Gate

Plain = dict[str, Any]
Judge = Callable[..., Outcome]

POLICY = ("--policy", DATA / "policy.yaml", "--calendar", DATA / "weddings.csv")
SATURDAY = ("--at", "2026-06-13T12:00:00Z")
LEAD = ("--at", "2026-06-12T22:00:00Z")
TUESDAY = ("--at", "2026-06-16T12:00:00Z")
DEPLOYMENT: Plain = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "checkout", "namespace": "shop"},
    "spec": {
        "replicas": 3,
        "selector": {"matchLabels": {"app": "checkout"}},
        "template": {
            "metadata": {"labels": {"app": "checkout"}},
            "spec": {"containers": [{"name": "checkout", "image": "checkout:1"}]},
        },
    },
}
AUTOSCALER: Plain = {
    "apiVersion": "autoscaling/v2",
    "kind": "HorizontalPodAutoscaler",
    "metadata": {"name": "checkout", "namespace": "shop"},
    "spec": {"scaleTargetRef": {"kind": "Deployment", "name": "checkout"},
             "minReplicas": 10, "maxReplicas": 50},
}  # fmt: skip
CONFIG: Plain = {
    "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings", "namespace": "shop"},
    "data": {"a": "1"},
}  # fmt: skip


def changed(content: Plain, path: str, value: object) -> Plain:
    """A copy with something else at a dotted path; None: without it."""
    made = copy.deepcopy(content)
    *way, last = path.split(".")
    at: Any = made
    for part in way:
        at = at[int(part)] if part.isdigit() else at.setdefault(part, {})
    if value is None:
        del at[last]
    else:
        at[last] = value
    return made


@pytest.fixture
def judge(gate: Gate, tmp_path: Path) -> Judge:
    """Judge objects, as of that Saturday unless told otherwise."""

    def run(
        *objects: Plain, old: tuple[Plain, ...] = (), options: tuple[object, ...] = ()
    ) -> Outcome:
        new, stands = tmp_path / "new.yaml", tmp_path / "old.yaml"
        new.write_text(yaml.safe_dump_all(objects))
        stands.write_text(yaml.safe_dump_all(old))
        was = ("--old", stands) if old else ()
        at = () if "--at" in options else SATURDAY
        return gate("webhook", "test", new, *POLICY, *at, *was, *options)

    return run


def text_of(ended: Outcome, folder: Path) -> str:
    """The output without what differs from run to run."""
    return re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "ID", ended.out).replace(
        f"{folder}/", ""
    )


def test_a_denial_reads_as_kubectl_shows_it(judge: Judge, tmp_path: Path) -> None:
    ended = judge(DEPLOYMENT, CONFIG, {**CONFIG, "kind": "Pod"})
    assert (ended.code, ended.err) == (3, "")
    lines = text_of(ended, tmp_path).splitlines()
    assert lines[0] == "DENIED  new.yaml:1  create Deployment shop/checkout: deploy by human"
    assert lines[1].startswith(
        '  Error from server (Forbidden): admission webhook "validate.saturday-gate.io" denied the'
        " request: deploy of checkout in shop is denied until Sun 14 Jun 2026 00:00 +0100"
    )
    assert "decision: ID" in lines[4]
    assert lines[5] == "DENIED  new.yaml:20  create ConfigMap shop/settings: config by human"
    assert lines[-1] == (
        "NOT JUDGED  new.yaml:28  create Pod shop/settings:"
        " the API server does not ask the webhook about this kind"
    )


def test_what_is_allowed_may_be_warned(judge: Judge, tmp_path: Path) -> None:
    ended = judge(DEPLOYMENT, options=TUESDAY)
    assert (ended.code, text_of(ended, tmp_path)) == (
        0, "ALLOWED  new.yaml:1  create Deployment shop/checkout: deploy by human\n",
    )  # fmt: skip
    older = changed(DEPLOYMENT, "spec.replicas", 5)
    ended = judge(DEPLOYMENT, old=(older,), options=LEAD)
    assert ended.code == 0
    first, *warnings = text_of(ended, tmp_path).splitlines()
    assert first == "ALLOWED  new.yaml:1  update Deployment shop/checkout: scale-down by human"
    assert warnings
    assert all(line.startswith("  Warning: Saturday Gate: ") for line in warnings)


def test_json_has_a_line_for_each_document(judge: Judge, tmp_path: Path) -> None:
    ended = judge(DEPLOYMENT, {**CONFIG, "kind": "Pod"}, options=("--json",))
    assert ended.code == 3
    first, second = ended.lines
    assert list(first) == [
        "file", "document", "line", "kind", "namespace", "name", "operation", "actions", "why",
        "decision", "response",
    ]  # fmt: skip
    assert first["file"] == str(tmp_path / "new.yaml")
    assert (first["document"], first["line"]) == (1, 1)
    assert (first["kind"], first["namespace"], first["name"]) == ("Deployment", "shop", "checkout")
    assert (first["operation"], first["actions"], first["why"]) == ("CREATE", ["deploy"], "judged")
    decision, response = first["decision"], first["response"]
    assert (decision["verdict"], decision["effect"]) == ("deny", "block")
    assert decision["recorded"] is False
    assert decision["request"] == {
        "action": "deploy", "invoker": "human", "namespace": "shop", "service": "checkout",
        "actor": "kubernetes-admin", "uid": response["uid"],
    }  # fmt: skip
    assert response["allowed"] is False
    assert (response["status"]["code"], response["status"]["reason"]) == (403, "Forbidden")
    assert response["auditAnnotations"]["decision-id"] == decision["id"]
    assert second == {
        "file": str(tmp_path / "new.yaml"), "document": 2, "line": 20, "kind": "Pod",
        "namespace": "shop", "name": "settings", "operation": "CREATE", "actions": [],
        "why": "not-sent", "decision": None, "response": None,
    }  # fmt: skip


IMAGE = "spec.template.spec.containers.0.image"
RESTARTED = "spec.template.metadata.annotations"


@pytest.mark.parametrize(
    ("new", "old", "actions", "code"),
    [
        (changed(DEPLOYMENT, IMAGE, "checkout:2"), DEPLOYMENT, ["deploy"], 3),
        (changed(DEPLOYMENT, RESTARTED, {"kubectl.kubernetes.io/restartedAt": "now"}), DEPLOYMENT,
         ["restart"], 0),
        (changed(DEPLOYMENT, "spec.replicas", 4), DEPLOYMENT, ["scale-up"], 0),
        (changed(DEPLOYMENT, "spec.replicas", 2), DEPLOYMENT, ["scale-down"], 3),
        (changed(DEPLOYMENT, "spec.paused", True), DEPLOYMENT, ["config"], 3),
        (changed(changed(DEPLOYMENT, IMAGE, "checkout:2"), "spec.replicas", 4), DEPLOYMENT,
         ["deploy", "scale-up"], 3),
        (changed(DEPLOYMENT, "metadata.labels", {"a": "b"}), DEPLOYMENT, [], 0),
        (AUTOSCALER, None, ["config"], 3),
        (changed(AUTOSCALER, "spec.minReplicas", 5), AUTOSCALER, ["scale-down"], 3),
        (changed(AUTOSCALER, "spec.maxReplicas", 60), AUTOSCALER, ["scale-up"], 0),
        (changed(AUTOSCALER, "spec.maxReplicas", 5), AUTOSCALER, ["scale-down"], 3),
        (changed(CONFIG, "data.a", "2"), CONFIG, ["config"], 3),
        (changed(CONFIG, "data.a", "2"),
         changed(CONFIG, "metadata.labels", {"saturday-gate.io/runtime": "true"}), [], 0),
    ],
)  # fmt: skip
def test_an_update_is_what_differs(
    judge: Judge, new: Plain, old: Plain | None, actions: list[str], code: int
) -> None:
    ended = judge(new, old=(old,) if old else (), options=("--json",))
    assert ended.code == code
    (line,) = ended.lines
    assert line["actions"] == actions
    assert (line["decision"] is None) == (not actions)
    assert line["response"]["allowed"] is (code == 0)


def test_a_deletion(judge: Judge) -> None:
    options = ("--operation", "delete", "--json")
    lines = judge(DEPLOYMENT, AUTOSCALER, CONFIG, options=options).lines
    assert [line["actions"] for line in lines] == [["deploy"], ["scale-down"], ["config"]]
    assert {line["operation"] for line in lines} == {"DELETE"}
    lines = judge(DEPLOYMENT, CONFIG, old=(DEPLOYMENT,), options=options).lines
    assert [line["actions"] for line in lines] == [["deploy"], ["config"]]


def test_what_does_not_stand_is_created(judge: Judge) -> None:
    lines = judge(DEPLOYMENT, CONFIG, old=(CONFIG,), options=("--json",)).lines
    assert [line["operation"] for line in lines] == ["CREATE", "UPDATE"]


def test_a_live_object_keeps_what_the_api_server_knows(judge: Judge) -> None:
    manifest = changed(DEPLOYMENT, "spec.replicas", 4)
    live = changed(DEPLOYMENT, "metadata.uid", "u")
    live = changed(live, "spec.progressDeadlineSeconds", 600)
    live = changed(live, "spec.template.spec.dnsPolicy", "ClusterFirst")
    ended = judge(manifest, old=(live,), options=("--json",))
    assert [line["actions"] for line in ended.lines] == [["scale-up"]]
    assert "has no last-applied annotation" in ended.err
    applied = {"kubectl.kubernetes.io/last-applied-configuration": json.dumps(
        changed(DEPLOYMENT, "spec.template.spec.dnsPolicy", "ClusterFirst"))}  # fmt: skip
    ended = judge(manifest, old=(changed(live, "metadata.annotations", applied),),
                  options=("--json",))  # fmt: skip
    assert [line["actions"] for line in ended.lines] == [["deploy", "scale-up"]]
    assert ended.err == ""


def test_revisions_beside_the_object_tell_a_rollback(judge: Judge) -> None:
    live = changed(changed(DEPLOYMENT, IMAGE, "checkout:2"), "metadata.uid", "u")
    template = copy.deepcopy(DEPLOYMENT["spec"]["template"])
    template["metadata"]["labels"]["pod-template-hash"] = "h"
    owner = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "checkout", "uid": "u",
             "controller": True}  # fmt: skip
    revision = {
        "apiVersion": "apps/v1", "kind": "ReplicaSet", "spec": {"template": template},
        "metadata": {"name": "checkout-h", "namespace": "shop", "uid": "r",
                     "ownerReferences": [owner]},
    }  # fmt: skip
    whole = changed(DEPLOYMENT, "metadata.uid", "u")
    ended = judge(whole, old=(live, revision), options=("--json",))
    assert (ended.code, ended.lines[0]["actions"]) == (0, ["rollback"])
    ended = judge(whole, old=(live,), options=("--json",))
    assert (ended.code, ended.lines[0]["actions"]) == (3, ["deploy"])


def test_who_asks_decides(judge: Judge) -> None:
    restart = changed(DEPLOYMENT, RESTARTED, {"kubectl.kubernetes.io/restartedAt": "now"})

    def asked(*options: object) -> tuple[int, Plain]:
        ended = judge(restart, old=(DEPLOYMENT,), options=(*options, "--json"))
        (line,) = ended.lines
        return ended.code, line

    assert asked("--user", "ann")[0] == 0
    code, line = asked("--user", "system:serviceaccount:ci:bot")
    assert (code, line["decision"]["request"]["invoker"]) == (3, "automation")
    code, line = asked("--user", "ann", "--group", "people", "robots")
    assert (code, line["decision"]["request"]["actor"]) == (3, "robot")
    controller = "system:serviceaccount:kube-system:deployment-controller"
    code, line = asked("--user", controller)
    assert (code, line["why"], line["response"]["allowed"]) == (0, "exempt", True)


def test_where_it_goes(judge: Judge) -> None:
    anywhere = changed(CONFIG, "metadata.namespace", None)

    def line(*options: object) -> Plain:
        (found,) = judge(anywhere, options=(*options, "--json")).lines
        assert isinstance(found, dict)
        return found

    assert line()["decision"]["request"]["namespace"] == "default"
    assert line("--namespace", "shop")["decision"]["request"]["namespace"] == "shop"
    assert line("--namespace", "kube-system")["why"] == "namespace"
    assert "environment" not in line()["decision"]["request"]
    request = line("--environment", "production")["decision"]["request"]
    assert request["environment"] == "production"


def test_a_dry_run_gets_the_same_answer(judge: Judge) -> None:
    real, trial = judge(CONFIG), judge(CONFIG, options=("--dry-run",))
    assert (real.code, trial.code) == (3, 3)
    assert text_of(real, Path()) == text_of(trial, Path())


def test_mode_warn_only_warns(judge: Judge, gate: Gate, tmp_path: Path) -> None:
    policy = tmp_path / "warn.yaml"
    policy.write_text((DATA / "policy.yaml").read_text() + "mode: warn\n")
    judge(CONFIG)
    ended = gate("webhook", "test", tmp_path / "new.yaml", "--policy", policy, *POLICY[2:],
                 *SATURDAY)  # fmt: skip
    assert ended.code == 0
    first, second, *_ = ended.out.splitlines()
    assert first.startswith("WARNED  ")
    assert second.startswith("  Warning: Saturday Gate: config would be denied")


def review(**request: object) -> Plain:
    """The AdmissionReview of a scaling, as an API server sends it."""
    scale = {"apiVersion": "autoscaling/v1", "kind": "Scale",
             "metadata": {"name": "checkout", "namespace": "shop"}}  # fmt: skip
    return {
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": "12",
            "kind": {"group": "autoscaling", "version": "v1", "kind": "Scale"},
            "resource": {"group": "apps", "version": "v1", "resource": "deployments"},
            "subResource": "scale",
            "name": "checkout",
            "namespace": "shop",
            "operation": "UPDATE",
            "userInfo": {"username": "ann"},
            "object": {**scale, "spec": {"replicas": 2}},
            "oldObject": {**scale, "spec": {"replicas": 3}},
            **request,
        },
    }


def test_a_review_that_was_written_down(judge: Judge, tmp_path: Path) -> None:
    ended = judge(review())
    assert ended.code == 3
    assert text_of(ended, tmp_path).splitlines()[0] == (
        "DENIED  new.yaml:1  update Scale/scale shop/checkout: scale-down by human"
    )
    (line,) = judge(review(), options=("--json",)).lines
    assert line["response"]["uid"] == "12"
    nameless = review(operation="DELETE", name="", subResource="", object=None, kind={
        "group": "apps", "version": "v1", "kind": "Deployment"}, oldObject=DEPLOYMENT)  # fmt: skip
    (line,) = judge(nameless, options=("--json",)).lines
    (bare,) = judge(review(name="", object=None, oldObject=None), options=("--json",)).lines
    assert (bare["name"], bare["why"]) == ("", "not-understood")
    assert (line["kind"], line["name"], line["actions"]) == ("Deployment", "checkout", ["deploy"])


def test_a_shape_that_is_not_understood_is_said(judge: Judge, tmp_path: Path) -> None:
    ended = judge(review(object=None))
    assert ended.code == 3
    assert "deploy by human, which is not understood" in ended.out


def test_several_files_and_standard_input(
    gate: Gate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = tmp_path / "first.json"
    first.write_text(
        json.dumps({"apiVersion": "v1", "kind": "List", "items": [CONFIG, DEPLOYMENT]})
    )
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(json.dumps(CONFIG).encode())))
    ended = gate("webhook", "test", first, "-", *POLICY, *SATURDAY, "--json")
    assert [(line["file"], line["document"], line["kind"]) for line in ended.lines] == [
        (str(first), 1, "ConfigMap"), (str(first), 1, "Deployment"), ("-", 1, "ConfigMap"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("objects", "old", "options", "said"),
    [
        ((DEPLOYMENT,), (CONFIG,), (), "old.yaml: holds none of the objects"),
        ((CONFIG, DEPLOYMENT), (CONFIG,), ("--operation", "update"),
         "new.yaml:9: document 2: is to be updated, and nobody says from what"),
        ((DEPLOYMENT,), (), ("--operation", "update"), "--old FILE"),
        ((DEPLOYMENT,), (DEPLOYMENT,), ("--operation", "create"), "leave --old out"),
        ((DEPLOYMENT,), (), ("--operation", "connect"), "--operation"),
        ((DEPLOYMENT,), (), ("--at", "noon"), "--at"),
        ((changed(DEPLOYMENT, "metadata.name", None),), (), (),
         "new.yaml:1: document 1: metadata.name: is missing"),
        ((CONFIG, changed(DEPLOYMENT, "kind", "Scale")), (), (),
         "new.yaml:9: document 2: is a Scale"),
        ((AUTOSCALER,), (changed(AUTOSCALER, "apiVersion", "autoscaling/v1"),), (),
         "document 1: apiVersion: is autoscaling/v2"),
        ((CONFIG,), (CONFIG, changed(DEPLOYMENT, "metadata", None)), (),
         "old.yaml:9: document 2: metadata: is missing"),
        ((review(),), (), ("--user", "ann"), "says itself who asks"),
        ((review(),), (), ("--dry-run",), "--dry-run"),
        ((review(uid=None),), (), (), "new.yaml:1: document 1: request.uid"),
        ((review(operation="EAT"),), (), (), "request.operation"),
        ((CONFIG, {**review(), "apiVersion": "admission.k8s.io/v1beta1"}), (), (),
         "new.yaml:9: document 2: apiVersion"),
        (({**review(), "request": None},), (), (), "request"),
    ],
)  # fmt: skip
def test_bad_input_is_named(
    judge: Judge,
    objects: tuple[Plain, ...],
    old: tuple[Plain, ...],
    options: tuple[str, ...],
    said: str,
) -> None:
    ended = judge(*objects, old=old, options=options)
    assert (ended.code, ended.out) == (2, "")
    assert said in ended.err


def test_every_bad_file_is_named(gate: Gate, tmp_path: Path) -> None:
    for name, text in (
        ("a.yaml", "a: [\n"),
        ("b.yaml", "kind: A\n"),
        ("c.yaml", json.dumps(CONFIG)),
    ):
        (tmp_path / name).write_text(text)
    files = [tmp_path / name for name in ("a.yaml", "b.yaml", "c.yaml")]
    ended = gate("webhook", "test", *files, *POLICY)
    assert (ended.code, ended.out) == (2, "")
    assert [line.split(":")[1].rpartition("/")[2] for line in ended.err.splitlines()] == [
        "a.yaml", "b.yaml",
    ]  # fmt: skip


def test_usage(gate: Gate, tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(json.dumps(CONFIG))
    assert "before --calendar" in gate("webhook", "test", *POLICY).err
    assert gate("webhook", "test", *POLICY[2:], *POLICY[:2], path, *TUESDAY).code == 0
    assert gate("webhook", "test", *POLICY, *TUESDAY, "--", path).code == 0
    assert gate("webhook", "test", tmp_path / "none.yaml", *POLICY).code == 2
    assert gate("webhook", "test", tmp_path, *POLICY).code == 2
    assert gate("webhook", "test", path, *POLICY[:2]).code == 2
    assert "once" in gate("webhook", "test", "-", "--old", "-", *POLICY).err
    assert gate("webhook", "test", path, "--policy", path, *POLICY[2:]).code == 2
    nowhere = ("--dsn", "host=/nonexistent user=gate dbname=gate")
    ended = gate("webhook", "test", path, *POLICY, *nowhere)
    assert (ended.code, ended.out) == (4, "")


def test_a_file_that_cannot_be_read_is_named(gate: Gate) -> None:
    ended = gate("webhook", "test", UNREADABLE, *POLICY)
    assert (ended.code, ended.out) == (2, "")
    assert f"{UNREADABLE}: cannot be read" in ended.err


def test_whatever_is_let_pass_has_words() -> None:
    assert set(Why) - {Why.JUDGED, Why.NOT_UNDERSTOOD} <= PASSED_WORDS.keys()


@pytest.mark.store
def test_locks_and_overrides_of_a_database_count(judge: Judge, gate: Gate, store: Target) -> None:
    before = gate("audit", "list", "--json").out
    assert judge(CONFIG, options=TUESDAY).code == 0
    gate("lock", "set", "--reason", "failover", "--from", "2026-06-16T00:00:00Z",
         "--until", "2126-06-17T00:00:00Z")  # fmt: skip
    ended = judge(CONFIG, options=TUESDAY)
    assert ended.code == 3
    assert "failover" in ended.out
    listed = json.loads(gate("audit", "list", "--json").out)
    assert len(listed) == len(json.loads(before)) + 1, "the lock alone is recorded"
