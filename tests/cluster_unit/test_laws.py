"""What holds for every review: agreement with the slow twin, and the laws of the table."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gate.cluster.changes import Why
from gate.cluster.history import History, template_digest
from gate.core.policy import Action
from tests.cluster_unit import twin
from tests.cluster_unit.build import (
    FLOOR,
    KINDS,
    Json,
    actions,
    body,
    change,
    envelope,
    named,
)
from tests.cluster_unit.strategies import (
    ANY_JSON,
    INVOKERS,
    PASTS,
    Past,
    cases,
    objects,
    odd_reviews,
    templates,
)


def history(past: Past) -> History:
    return History((str(at), owner, template_digest(of)) for at, (owner, of) in enumerate(past))


@given(cases(), INVOKERS)
def test_the_twin_agrees(case: tuple[Json, Past], invoker: str) -> None:
    review, past = case
    expected = twin.actions_of(review, invoker=invoker, floor=FLOOR, past=past)
    assert actions(review, history(past), invoker) == expected


@given(odd_reviews(), INVOKERS, PASTS)
def test_no_object_is_an_error(review: Json, invoker: str, past: Past) -> None:
    found = change(review, history(past), invoker)
    assert found.actions == tuple(each for each in Action if each in found.actions)
    assert (found.why in (Why.JUDGED, Why.NOT_UNDERSTOOD)) == bool(found.actions)


@given(ANY_JSON, ANY_JSON, st.sampled_from(sorted(KINDS)), st.booleans())
def test_whatever_the_objects_are_something_is_said(
    new: Any, old: Any, kind: str, as_scale: bool
) -> None:
    fields: Json = {"subResource": "scale"} if as_scale else {}
    for operation in ("CREATE", "UPDATE", "DELETE", "CONNECT"):
        found = change(envelope(new, old, operation, kind=named(kind), **fields))
        if not isinstance(new, dict) and operation == "UPDATE":
            assert found.actions == (Action.DEPLOY,)


@given(
    st.dictionaries(st.text(max_size=3), ANY_JSON, max_size=4),
    st.lists(ANY_JSON, min_size=4, max_size=4),
    st.sampled_from(sorted(KINDS)),
)
def test_metadata_and_status_never_matter(rest: Json, parts: list[Any], kind: str) -> None:
    new = {**rest, "metadata": parts[0], "status": parts[1]}
    old = {**rest, "metadata": parts[2], "status": parts[3]}
    for fields in ({}, {"subResource": "status"}, {"subResource": "scale"}):
        assert actions(envelope(new, old, "UPDATE", kind=named(kind), **fields)) == []


@given(cases(), st.randoms(use_true_random=False))
def test_order_of_keys_and_spaces_change_nothing(case: tuple[Json, Past], random: Any) -> None:
    review, past = case
    shuffled = body(shuffle(review, random))
    spaced = json.dumps(shuffle(review, random), indent=2).encode()
    expected = change(review, history(past))
    assert change(shuffled, history(past)) == expected
    assert change(spaced, history(past)) == expected


@given(st.sampled_from(sorted(KINDS)).flatmap(objects))
def test_numbers_may_be_written_with_a_fraction(of: Json) -> None:
    assert actions(envelope(as_floats(of), of, "UPDATE")) == []
    assert actions(envelope(of, as_floats(of), "UPDATE")) == []


@given(templates(), templates())
def test_equal_digests_are_equal_templates(one: Json, other: Json) -> None:
    equal = twin.equal(twin.bare(one), twin.bare(other))
    assert (template_digest(one) == template_digest(other)) == equal


def shuffle(value: Any, random: Any) -> Any:
    if isinstance(value, list):
        return [shuffle(each, random) for each in value]
    if not isinstance(value, dict):
        return value
    names = list(value)
    random.shuffle(names)
    return {name: shuffle(value[name], random) for name in names}


def as_floats(value: Any) -> Any:
    if isinstance(value, list):
        return [as_floats(each) for each in value]
    if isinstance(value, dict):
        return {name: as_floats(each) for name, each in value.items()}
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value
