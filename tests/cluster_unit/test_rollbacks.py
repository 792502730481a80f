"""Rollbacks: templates that their owner has had, in ReplicaSets and ControllerRevisions."""

import copy
from typing import Any

import pytest

from gate.cluster.history import (
    History,
    controller_revision_entry,
    key_of,
    replica_set_entry,
    template_digest,
)
from tests.cluster_unit.build import OWNER, Json, actions, envelope, meta, spec, template, thing

DEPLOYMENT = thing()


def holder(uid: str, owner_uid: Any = OWNER, **members: Any) -> Json:
    owner = {"kind": "Deployment", "uid": owner_uid, "controller": True}
    return {"metadata": {"uid": uid, "ownerReferences": [owner]}, **members}


def replica_set(uid: str, of: Json, owner_uid: str = OWNER) -> Json:
    """A ReplicaSet as the deployment controller makes it."""
    labelled = copy.deepcopy(of)
    labelled["metadata"]["labels"]["pod-template-hash"] = uid
    labelled["metadata"]["creationTimestamp"] = None
    return holder(uid, owner_uid, spec={"replicas": 0, "template": labelled})


def revision(uid: str, of: Json) -> Json:
    """A ControllerRevision as the controllers of StatefulSets and DaemonSets make it."""
    return holder(uid, data={"spec": {"template": {**of, "$patch": "replace"}}}, revision=1)


def history(*templates: Json) -> History:
    entries = (replica_set_entry(replica_set(str(at), of)) for at, of in enumerate(templates))
    return History(entry for entry in entries if entry)


CURRENT, OLDER = template("checkout:1"), template("checkout:0")


def test_an_earlier_template_is_a_rollback() -> None:
    review = envelope(spec(DEPLOYMENT, template=OLDER), DEPLOYMENT)
    assert actions(review) == ["deploy"]
    assert actions(review, history(CURRENT, OLDER)) == ["rollback"]
    assert actions(review, history(CURRENT)) == ["deploy"]


@pytest.mark.parametrize("kind", ["StatefulSet", "DaemonSet"])
def test_a_revision_is_a_rollback_of_what_it_is_of(kind: str) -> None:
    entry = controller_revision_entry(revision("r1", OLDER))
    assert entry is not None
    old = thing(kind)
    assert actions(envelope(spec(old, template=OLDER), old), History([entry])) == ["rollback"]


def test_a_template_of_another_owner_is_none() -> None:
    entry = replica_set_entry(replica_set("1", OLDER, owner_uid="somebody-else"))
    assert entry is not None
    past = History([entry])
    assert actions(envelope(spec(DEPLOYMENT, template=OLDER), DEPLOYMENT), past) == ["deploy"]
    # What the new object says of itself is nobody's word.
    forged = meta(spec(DEPLOYMENT, template=OLDER), uid="somebody-else")
    assert actions(envelope(forged, DEPLOYMENT), past) == ["deploy"]


def test_the_row_of_rollbacks_comes_before_that_of_restarts() -> None:
    restarted = spec(DEPLOYMENT, template=template(restarted="now"))
    past = history(CURRENT, template(restarted="now"))
    assert actions(envelope(DEPLOYMENT, restarted), past) == ["rollback"]
    assert actions(envelope(restarted, DEPLOYMENT), past) == ["rollback"]
    again = spec(DEPLOYMENT, template=template(restarted="later"))
    assert actions(envelope(again, restarted), past) == ["restart"]


def test_the_template_that_is_in_force_is_no_rollback() -> None:
    hashed = copy.deepcopy(CURRENT)
    hashed["metadata"]["labels"]["pod-template-hash"] = "abc"
    # Only the label differs, which is a difference of the template and not an earlier one.
    assert actions(envelope(spec(DEPLOYMENT, template=hashed), DEPLOYMENT), history(CURRENT)) == [
        "deploy"
    ]
    assert actions(envelope(DEPLOYMENT, DEPLOYMENT), history(CURRENT)) == []


def test_a_rollback_with_more_is_judged_as_each() -> None:
    past = history(CURRENT, OLDER)
    new = spec(DEPLOYMENT, template=OLDER, replicas=1, paused=True)
    assert actions(envelope(new, DEPLOYMENT), past) == ["config", "scale-down", "rollback"]


def test_an_object_whose_uid_cannot_be_read_has_no_past() -> None:
    odd: list[Any] = [None, "", 5, {}]
    for uid in odd:
        old = meta(DEPLOYMENT, uid=uid)
        new = spec(old, template=OLDER)
        assert actions(envelope(new, old), history(CURRENT, OLDER)) == ["deploy"]


def test_creating_with_an_earlier_template_is_a_deploy() -> None:
    assert actions(envelope(spec(DEPLOYMENT, template=OLDER), None), history(OLDER)) == ["deploy"]


def test_the_digest_is_of_what_the_template_means() -> None:
    digest = template_digest(CURRENT)
    assert digest == template_digest(dict(reversed(CURRENT.items())))
    assert digest != template_digest(OLDER)
    for label in ("pod-template-hash", "controller-revision-hash"):
        hashed = copy.deepcopy(CURRENT)
        hashed["metadata"]["labels"][label] = "abc"
        assert template_digest(hashed) == digest
    assert template_digest({**CURRENT, "$patch": "replace"}) == digest
    assert template_digest({**CURRENT, "status": None}) == digest
    numbers = [{**CURRENT, "x": number} for number in (1, 1.0, True, "1", 1.5, 10**30, "null")]
    digests = [template_digest(each) for each in numbers]
    assert digests[0] == digests[1]
    assert len(set(digests)) == 6


def test_labels_left_out_and_none_are_one() -> None:
    labels: list[Json] = [{}, {"labels": {}}, {"labels": {"pod-template-hash": "abc"}}]
    assert len({template_digest({"metadata": each, "spec": {}}) for each in labels}) == 1


def test_the_digest_leaves_the_template_alone() -> None:
    hashed = replica_set("1", CURRENT)["spec"]["template"]
    before = copy.deepcopy(hashed)
    template_digest(hashed)
    assert hashed == before


def test_the_owner_is_the_controlling_one() -> None:
    found = replica_set("1", OLDER)
    found["metadata"]["ownerReferences"].insert(0, {"uid": "another"})
    assert replica_set_entry(found) == ("1", OWNER, template_digest(OLDER))
    only = holder("1", spec={"template": OLDER})
    only["metadata"]["ownerReferences"] = [{"uid": OWNER}]
    assert replica_set_entry(only) == ("1", OWNER, template_digest(OLDER))


@pytest.mark.parametrize(
    "odd",
    [
        None,
        [],
        {},
        {"metadata": None},
        holder(""),
        holder("1"),
        holder("1", None, spec={"template": {}}),
        holder("1", spec={"template": None}),
        holder("1", spec=[]),
        {"metadata": {"uid": "1", "ownerReferences": 5}, "spec": {"template": {}}},
        {"metadata": {"uid": "1", "ownerReferences": [5]}, "spec": {"template": {}}},
        {"metadata": {"uid": 1, "ownerReferences": []}, "spec": {"template": {}}},
        holder("1", spec={"template": {"a": "\ud800"}}),
    ],
)
def test_what_holds_no_template_has_no_entry(odd: Any) -> None:
    assert replica_set_entry(odd) is None
    assert controller_revision_entry(odd) is None


def test_a_revision_may_hold_anything() -> None:
    assert controller_revision_entry(holder("1", data={"a": 1})) is None
    assert controller_revision_entry(holder("1", data="text")) is None


def test_entries_come_and_go() -> None:
    past = History([("k1", "o", "d1"), ("k2", "o", "d2")])
    assert past.knows("o", "d1")
    assert not past.knows("o", "d3")
    assert not past.knows("p", "d1")
    past.remove(["k1", "unknown"])
    assert not past.knows("o", "d1")
    assert past.knows("o", "d2")
    past.add([("k2", "o", "d3")])
    assert not past.knows("o", "d2")
    assert (past.knows("o", "d3"), len(past)) == (True, 1)
    past.reset([("k9", "o", "d9")])
    assert (past.knows("o", "d3"), past.knows("o", "d9"), len(past)) == (False, True, 1)
    past.reset()
    assert len(past) == 0


def test_a_template_is_known_as_long_as_one_object_holds_it() -> None:
    past = History([("k1", "o", "d"), ("k2", "o", "d"), ("k1", "o", "d")])
    past.remove(["k1"])
    assert past.knows("o", "d")
    past.remove(["k2"])
    assert not past.knows("o", "d")


def test_owner_and_digest_are_told_apart() -> None:
    past = History([("k", "ab", "c")])
    assert not past.knows("a", "bc")


def test_the_key_is_the_objects_uid() -> None:
    assert key_of(replica_set("17", OLDER)) == "17"
    assert key_of({"metadata": {"name": "x"}}) is None
