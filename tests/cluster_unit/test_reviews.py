"""Reading reviews: what is refused as no review, and what is let through however odd it is."""

import json
from typing import Any

import pytest

from gate.cluster.review import BadReview, Review, read_review
from tests.cluster_unit.build import Json, body, envelope, read, thing

GOOD = envelope(thing(), thing())


def without(name: str) -> Json:
    return {**GOOD, "request": {k: v for k, v in GOOD["request"].items() if k != name}}


def having(**fields: Any) -> Json:
    return {**GOOD, "request": GOOD["request"] | fields}


def fields_of(text: bytes) -> list[str | None]:
    with pytest.raises(BadReview) as caught:
        read_review(text)
    assert all(problem.message for problem in caught.value.problems)
    return [problem.field for problem in caught.value.problems]


def test_what_is_read() -> None:
    review = read(having(dryRun=True, subResource="status"))
    assert (review.uid, review.operation) == ("705ab4f5-6393-11e8-b7cc-42010a800002", "UPDATE")
    assert (review.kind.group, review.kind.version, review.kind.kind) == (
        "apps",
        "v1",
        "Deployment",
    )
    assert (review.resource.group, review.resource.resource) == ("apps", "deployments")
    assert (review.name, review.namespace) == ("checkout", "wedding-platform")
    assert (review.sub_resource, review.dry_run) == ("status", True)
    assert (review.user.username, review.user.groups) == (
        "alice@example.org",
        ("system:authenticated",),
    )
    assert review.object is not None
    assert bytes(review.object["kind"]) == b'"Deployment"'
    assert review.readable


def test_the_members_outlive_the_buffer_that_they_came_in() -> None:
    buffer = bytearray(body(GOOD))
    review = read_review(buffer)
    buffer.clear()
    assert read_review(memoryview(body(GOOD))) == review


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b" ",
        b"{",
        b"nul",
        b"\xff\xfe",
        body(GOOD)[:-1],
        body(GOOD) + b"x",
        body(GOOD).replace(b'"operation"', b"operation"),
        body(GOOD).replace(b":false", b":fals"),
        b"\xef\xbb\xbf" + body(GOOD),
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"kind":"AdmissionReview","request":{"object":' + b"[" * 2000 + b"}",
        b'{"kind" "AdmissionReview","request":' + b"[" * 2000 + b"]" * 2000 + b"}",
        b'{"request":' + b"[" * 2000 + b"]" * 2000 + b' "kind":1}',
        b'{"\\x":' + b"[" * 2000 + b"]" * 2000 + b"}",
        b'{"a":,"b":' + b"[" * 2000 + b"]" * 2000 + b"}",
    ],
)
def test_what_is_not_json(text: bytes) -> None:
    with pytest.raises(BadReview, match=r"not JSON|not an AdmissionReview"):
        read_review(text)


@pytest.mark.parametrize(
    ("found", "field"),
    [
        (None, "kind"),
        ([], "kind"),
        ("AdmissionReview", "kind"),
        ({}, "kind"),
        ({**GOOD, "kind": "Review"}, "kind"),
        ({**GOOD, "kind": None}, "kind"),
        ({**GOOD, "apiVersion": "admission.k8s.io/v1beta1"}, "apiVersion"),
        ({**GOOD, "apiVersion": "admission.k8s.io/V1"}, "apiVersion"),
        ({**GOOD, "apiVersion": 1}, "apiVersion"),
        ({"kind": "AdmissionReview", "request": {}}, "apiVersion"),
        ({**GOOD, "request": None}, "request"),
        ({**GOOD, "request": []}, "request"),
        ({k: v for k, v in GOOD.items() if k != "request"}, "request"),
        (without("uid"), "request.uid"),
        (having(uid=""), "request.uid"),
        (having(uid=7), "request.uid"),
        (having(uid="\ud800"), "request.uid"),
        (without("operation"), "request.operation"),
        (having(operation="update"), "request.operation"),
        (having(operation="PATCH"), "request.operation"),
        (having(operation=["UPDATE"]), "request.operation"),
        (without("userInfo"), "request.userInfo"),
        (having(userInfo=None), "request.userInfo"),
        (having(userInfo="alice"), "request.userInfo"),
        (having(userInfo={}), "request.userInfo"),
        (having(userInfo={"username": ""}), "request.userInfo"),
        (having(userInfo={"username": None}), "request.userInfo"),
        (having(userInfo={"username": ["alice"]}), "request.userInfo"),
        (having(userInfo={"username": "alice", "groups": "sre"}), "request.userInfo"),
        (having(userInfo={"username": "alice", "groups": [1]}), "request.userInfo"),
        (having(userInfo={"username": "alice", "uid": 1}), "request.userInfo"),
        (having(userInfo={"username": "alice", "extra": {"a": "b"}}), "request.userInfo"),
        (having(userInfo={"username": "\udfff"}), "request.userInfo"),
    ],
)
def test_what_is_no_review(found: Any, field: str) -> None:
    assert fields_of(body(found)) == [field]


def test_all_that_is_wrong_is_told() -> None:
    assert fields_of(body(having(uid=1, operation=2, userInfo=3))) == [
        "request.uid",
        "request.operation",
        "request.userInfo",
    ]
    assert fields_of(body({**GOOD, "request": {}})) == [
        "request.uid",
        "request.operation",
        "request.userInfo",
    ]


def test_what_was_sent_is_told_in_a_few_printable_characters() -> None:
    with pytest.raises(BadReview) as caught:
        read(having(operation="\x1b[31m" + "x" * 1_000_000))
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    "user",
    [
        {"username": "alice"},
        {"username": "alice", "groups": None, "uid": None, "extra": None},
        {"username": "alice", "extra": {"a": ["b"], "c": None}, "more": 1},
    ],
)
def test_users_may_be_short_of_all_but_a_name(user: Json) -> None:
    assert read(having(userInfo=user)).user.username == "alice"


@pytest.mark.parametrize(
    "odd",
    [
        {"kind": None, "resource": None},
        {"kind": "Deployment", "resource": 5},
        {"kind": {"group": None}, "resource": []},
        {"name": 5, "namespace": {}},
        {"subResource": 5, "dryRun": "yes", "options": 1},
        {"requestKind": 1, "requestResource": [], "requestSubResource": {}},
        {"name": "\ud800"},
        {"object": [], "oldObject": 5},
        {"object": {"a": "\ud800"}, "oldObject": {"a": float("nan")}},
    ],
    ids=repr,
)
def test_whatever_else_is_odd_is_read_all_the_same(odd: Json) -> None:
    review = read(having(**odd))
    assert (review.uid, review.operation) == (GOOD["request"]["uid"], "UPDATE")
    assert review.user.username == "alice@example.org"


def test_what_is_of_the_wrong_type_is_left_out() -> None:
    review = read(having(kind=5, name=5, namespace=[], subResource=5, dryRun="yes"))
    assert review == read(having(kind={}, name=None, namespace=None, subResource=None, dryRun=None))


def test_objects_that_are_none_are_marked() -> None:
    assert not read(having(object=[])).readable
    assert not read(having(oldObject="x", kind=5)).readable
    assert read(having(object={}, kind=5)).object == {}
    assert read(having(object=None, kind=5)).object is None
    assert isinstance(read(having(object=[])), Review)


@pytest.mark.parametrize("depth", [900, 5_000, 9_990])
def test_objects_may_nest_as_deeply_as_the_api_server_lets_them(depth: int) -> None:
    deep = b"[" * depth + b'{"[": "]}"}' + b"]" * depth
    text = body(having(object={"x": "DEEP"})).replace(b'"DEEP"', deep)
    review = read_review(text)
    assert review.object is not None
    assert bytes(review.object["x"]) == deep
    assert review.name == "checkout"


def test_deeper_objects_are_refused() -> None:
    deep = b"[" * 20_000 + b"]" * 20_000
    with pytest.raises(BadReview, match="nest"):
        read_review(body(having(object="DEEP")).replace(b'"DEEP"', deep))


def test_of_two_members_with_one_name_the_last_counts() -> None:
    text = json.dumps(GOOD)[:-2] + ', "operation": "DELETE"}}'
    assert read_review(text.encode()).operation == "DELETE"
    odd = text[:-2] + ', "name": 5}}'
    assert read_review(odd.encode()).operation == "DELETE"


@pytest.mark.parametrize("odd", [b'{"a" 1}', b'{"a":}', b"{]}"])
def test_an_object_that_cannot_be_taken_apart_is_marked(odd: bytes) -> None:
    # Beside what nests too deeply for a reader, nobody has judged the whole.
    deep = b"[" * 5_000 + b"]" * 5_000
    text = body(having(object="DEEP", oldObject="ODD"))
    review = read_review(text.replace(b'"ODD"', odd).replace(b'"DEEP"', b'{"x":' + deep + b"}"))
    assert (review.readable, review.name) == (False, "checkout")
