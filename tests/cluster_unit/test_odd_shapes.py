"""Objects of shapes that are not understood: judged as a deploy, never an error."""

from typing import Any

import pytest

from gate.cluster.changes import Change, Context, classify
from gate.cluster.history import History
from gate.cluster.review import read_review
from tests.cluster_unit.build import (
    FLOOR,
    Json,
    actions,
    body,
    change,
    envelope,
    meta,
    named,
    scale,
    scale_envelope,
    spec,
    template,
    thing,
)

DEPLOYMENT, HPA = thing(), thing("HorizontalPodAutoscaler")


def judged(text: bytes) -> Change:
    return classify(read_review(text), Context("human", FLOOR, History()))


def with_text(review: Json, mark: str, text: bytes) -> bytes:
    """A review with JSON (or what passes for it) put in the place of a marking text."""
    return body(review).replace(f'"{mark}"'.encode(), text)


@pytest.mark.parametrize("odd", [[], "text", 5, True, [[{}]]], ids=repr)
@pytest.mark.parametrize("kind", ["Deployment", "HorizontalPodAutoscaler", "ConfigMap", "Pod"])
def test_objects_that_are_no_objects(odd: Any, kind: str) -> None:
    good = thing(kind)
    for review in (
        envelope(odd, None, "CREATE", kind=named(kind)),
        envelope(None, odd, "DELETE", kind=named(kind)),
        envelope(odd, good, kind=named(kind)),
        envelope(good, odd, kind=named(kind)),
        envelope(odd, odd, kind=named(kind)),
    ):
        found = change(review)
        assert ([*found.actions], found.why) == (["deploy"], "not-understood")


def test_objects_that_are_missing() -> None:
    for operation in ("CREATE", "UPDATE"):
        assert actions(envelope(None, None, operation, kind=named("ConfigMap"))) == ["deploy"]
    assert actions(envelope(thing("ConfigMap"), None, "UPDATE")) == ["deploy"]
    assert actions(envelope(None, thing("ConfigMap"), "UPDATE")) == ["deploy"]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("Deployment", "deploy"), ("HorizontalPodAutoscaler", "scale-down"), ("Secret", "config")],
)
def test_deleting_needs_no_object_to_be_understood(kind: str, expected: str) -> None:
    assert actions(envelope(None, None, "DELETE", kind=named(kind))) == [expected]


@pytest.mark.parametrize("odd", [None, [], "text", 5], ids=repr)
@pytest.mark.parametrize("old", [DEPLOYMENT, HPA, thing("DaemonSet")], ids=lambda o: str(o["kind"]))
def test_specs_that_are_none(old: Json, odd: Any) -> None:
    assert actions(envelope({**old, "spec": odd}, old)) == ["deploy"]
    assert actions(envelope(old, {**old, "spec": odd})) == ["deploy"]
    without = {name: value for name, value in old.items() if name != "spec"}
    assert actions(envelope(without, old)) == ["deploy"]
    assert actions(envelope(meta(without, a=1), without)) == []


@pytest.mark.parametrize("odd", [None, [], "text", 5], ids=repr)
def test_templates_that_are_none(odd: Any) -> None:
    without = spec(DEPLOYMENT, template=None)
    new = {**without, "spec": without["spec"] | {"template": odd}}
    assert actions(envelope(new, DEPLOYMENT)) == ["deploy"]
    assert actions(envelope(DEPLOYMENT, new)) == ["deploy"]
    assert actions(envelope(without, DEPLOYMENT)) == ["deploy"]
    assert actions(envelope(spec(without, replicas=9), without)) == ["scale-up"]


@pytest.mark.parametrize("odd", ["3", 2.5, True, [], {}, -0.5, 1e300], ids=repr)
def test_replicas_that_are_no_number_of_them(odd: Any) -> None:
    assert actions(envelope(spec(DEPLOYMENT, replicas=odd), DEPLOYMENT)) == ["deploy"]
    assert actions(envelope(spec(HPA, minReplicas=odd), HPA)) == ["deploy"]
    assert actions(envelope(HPA, spec(HPA, maxReplicas=odd))) == ["deploy"]
    odd_scale = {**scale(3), "spec": {"replicas": odd}}
    assert actions(scale_envelope(odd_scale, scale(3))) == ["deploy"]


def test_an_autoscaler_without_a_highest_number() -> None:
    assert actions(envelope(spec(HPA, maxReplicas=None), HPA)) == ["deploy"]
    without = spec(HPA, maxReplicas=None)
    assert actions(envelope(spec(without, minReplicas=11), without)) == ["scale-up"]


def test_members_beside_the_spec_that_should_not_be_there() -> None:
    assert actions(envelope({**DEPLOYMENT, "data": {}}, DEPLOYMENT)) == ["deploy"]
    assert actions(envelope({**HPA, "apiVersion": "autoscaling/v1"}, HPA)) == ["deploy"]


@pytest.mark.parametrize(
    "odd", [None, [], "text", 5, {"labels": 5}, {"labels": {"a": 5}}], ids=repr
)
@pytest.mark.parametrize("kind", ["ConfigMap", "Secret", "Deployment"])
def test_metadata_that_is_none(odd: Any, kind: str) -> None:
    old = {**thing(kind), "metadata": odd}
    expected = {"Deployment": ["deploy"]}.get(kind, ["config"])
    new = spec(old, template=template("x:9")) if kind == "Deployment" else {**old, "data": {}}
    past = History([("k", "o", "d")])
    assert actions(envelope(new, old), past) == expected
    assert actions(envelope(None, old)) == expected
    assert actions(envelope({**old, "metadata": {}}, old)) == []


@pytest.mark.parametrize("odd", [None, [], "text", 5, {"annotations": []}, {"annotations": 5}])
def test_templates_with_odd_metadata(odd: Any) -> None:
    old = spec(DEPLOYMENT, template={**template(), "metadata": odd})
    assert actions(envelope(old, DEPLOYMENT)) == ["deploy"]
    assert actions(envelope(DEPLOYMENT, old)) == ["deploy"]
    assert actions(envelope(old, old)) == []


@pytest.mark.parametrize("odd", [[], "text", 5, {"annotations": []}, {"annotations": 5}], ids=repr)
def test_a_restart_of_a_template_with_odd_metadata(odd: Any) -> None:
    bare = {"spec": template()["spec"]}
    stamp = {"annotations": {"kubectl.kubernetes.io/restartedAt": "now"}}
    restarted = spec(DEPLOYMENT, template={**bare, "metadata": stamp})
    old = spec(DEPLOYMENT, template={**bare, "metadata": odd})
    assert actions(envelope(restarted, old)) == ["deploy"]
    assert actions(envelope(old, restarted)) == ["deploy"]


def test_a_restart_is_a_text() -> None:
    new = spec(DEPLOYMENT, template=template(restarted={"a": 1}))  # type: ignore[arg-type]
    assert actions(envelope(new, DEPLOYMENT)) == ["deploy"]


def test_a_restart_of_a_template_without_metadata() -> None:
    old = spec(DEPLOYMENT, template={"spec": template()["spec"]})
    stamp = {"annotations": {"kubectl.kubernetes.io/restartedAt": "now"}}
    new = spec(DEPLOYMENT, template={"spec": template()["spec"], "metadata": stamp})
    assert actions(envelope(new, old)) == ["restart"]
    assert actions(envelope(old, new)) == ["restart"]


HOSTILE = {
    "deep": b"[" * 5_000 + b"]" * 5_000,
    "deep objects": b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
    "a lone surrogate": b'"\\ud800"',
    "not a number": b"[NaN, -Infinity]",
    "a number out of range": b"1e999",
    "more digits than a number has": b"1" * 5_000,
    "bytes that are no text": b'"\xff"',
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("kind", ["Deployment", "HorizontalPodAutoscaler", "ConfigMap", "Rollout"])
def test_values_that_cannot_be_read(text: bytes, kind: str) -> None:
    old = {**thing(kind), "x": 1}
    # Whatever differs about a ConfigMap is configuration.
    expected = ["config"] if kind == "ConfigMap" else ["deploy"]
    places = [{**old, "x": "MARK"}, {**old, "spec": "MARK"}, {**old, "spec": {"x": "MARK"}}]
    for new in places:
        assert list(judged(with_text(envelope(new, old), "MARK", text)).actions) == expected
        assert list(judged(with_text(envelope(old, new), "MARK", text)).actions) == expected
        # What is the same on both sides needs not be understood.
        same = with_text(envelope(meta(new, generation=2), new), "MARK", text)
        assert judged(same).actions == ()


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_metadata_that_cannot_be_read(text: bytes) -> None:
    old = thing("ConfigMap")
    new = {**old, "metadata": "MARK"}
    assert judged(with_text(envelope(new, old), "MARK", text)).actions == ()
    changed = {**old, "data": {"a": "changed"}}
    assert list(judged(with_text(envelope(changed, new), "MARK", text)).actions) == ["config"]


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_templates_that_cannot_be_read(text: bytes) -> None:
    new = spec(DEPLOYMENT, template={**template(), "x": "MARK"})
    review = with_text(envelope(new, DEPLOYMENT), "MARK", text)
    past = History([("k", "o", "d")])
    assert list(classify(read_review(review), Context("human", FLOOR, past)).actions) == ["deploy"]


def test_what_only_looks_different_does_not_matter() -> None:
    review = envelope({**DEPLOYMENT, "x": "MARK"}, {**DEPLOYMENT, "x": {"a": [1, "é"], "b": 2}})
    assert judged(with_text(review, "MARK", b'{"b": 2.0, "a": [1e0, "\\u00e9"]}')).actions == ()


def test_true_is_not_one() -> None:
    old, new = spec(DEPLOYMENT, paused=1), spec(DEPLOYMENT, paused=True)
    assert actions(envelope(new, old)) == ["config"]
    for one, other in ((1, True), (0, False)):
        odd = [spec(DEPLOYMENT, template={**template(), "x": [each]}) for each in (one, other)]
        assert actions(envelope(odd[0], odd[1])) == ["deploy"]
        pods = [{**thing("Pod"), "x": {"y": each}} for each in (one, other)]
        assert actions(envelope(pods[0], pods[1])) == ["deploy"]


def test_null_and_nothing_are_two_things() -> None:
    old = thing("ConfigMap")
    assert actions(envelope({**old, "data": None}, {**old, "data": {}})) == ["config"]
    assert actions(envelope({**old, "more": None}, old)) == ["config"]


def test_large_numbers_are_told_apart() -> None:
    old, new = ({**thing("Pod"), "x": number} for number in (2**53, 2**53 + 1))
    assert actions(envelope(new, old)) == ["deploy"]
    text = body(envelope(new, old)).replace(str(2**53).encode(), str(2**53).encode() + b".0", 1)
    assert list(judged(text).actions) == ["deploy"]
    huge = [{**thing("Pod"), "x": number} for number in (10**40, 10**40 + 1)]
    assert actions(envelope(huge[0], huge[1])) == ["deploy"]


def test_the_last_of_two_members_counts_as_it_does_for_the_api_server() -> None:
    twice = b'{"replicas": 9, "replicas": 2, "template": {}}'
    new, old = (
        {**DEPLOYMENT, "spec": "MARK"},
        {**DEPLOYMENT, "spec": {"replicas": 3, "template": {}}},
    )
    found = judged(with_text(envelope(new, old), "MARK", twice))
    assert list(found.actions) == ["scale-down"]
