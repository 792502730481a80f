"""What holds of every target and every plan."""

from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gate.cluster.scaling.reading import read_target
from gate.cluster.scaling.values import HPA, SCALED_OBJECT, Wish
from gate.cluster.scaling.wanting import wanted
from gate.core.decision import Level
from tests.core.build import policy
from tests.scaling.build import AT, NOTHING, document, plan, spec_of, taken, written

REPLICAS = st.integers(1, 120)
CAPACITY = policy().load.capacity


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    low = draw(st.none() | REPLICAS)
    high = draw(st.integers(low or 1, 150))
    if draw(st.booleans()):
        return document(low, high)
    return document(low, draw(st.sampled_from([high, None])) if (low or 0) <= 100 else high,
                    kind=SCALED_OBJECT)  # fmt: skip


WISHES = st.builds(
    Wish,
    cause=st.sampled_from(["plan", "manual", "emergency", "fallback"]),
    level=st.sampled_from(Level),
    min=st.integers(0, 120),
    max=st.none() | st.integers(120, 160),
    reason=st.just("a reason"),
    never_lower=st.booleans(),
)


@given(documents(), st.lists(WISHES, max_size=6))
def test_restoring_undoes_whatever_was_applied(before: dict[str, Any], wishes: list[Wish]) -> None:
    found = before
    for number, wish in enumerate(wishes):
        found = taken(found, wish, AT + timedelta(hours=number))[1]
    made, after = taken(found, NOTHING)
    assert after["spec"] == before["spec"]
    assert after["metadata"]["annotations"] == before["metadata"]["annotations"]
    assert (made.kept, made.error) == (None, None)


@given(documents(), WISHES)
def test_a_second_step_changes_nothing(before: dict[str, Any], wish: Wish) -> None:
    _, once = taken(before, wish)
    made, twice = taken(once, wish, AT + timedelta(hours=1))
    assert (made.patch, twice) == (None, once)


@given(documents(), WISHES, st.lists(st.tuples(st.booleans(), WISHES), max_size=5))
def test_what_a_target_has_is_what_was_wished_and_never_less_than_its_own(
    before: dict[str, Any], wish: Wish, more: list[tuple[bool, Wish]]
) -> None:
    own = read_target(before).now
    found = before
    for _, each in [(False, wish), *more]:
        found = taken(found, each)[1]
        now = read_target(found).now
        assert max(own.min, each.min) <= now.min <= now.max
        if not each.never_lower:
            assert now.min == max(own.min, each.min)
            assert now.max == max(own.max, now.min, each.max or 0)


CHANGES = st.tuples(REPLICAS, REPLICAS).map(lambda two: (min(two), max(two)))


@given(REPLICAS, st.integers(0, 50), st.lists(st.tuples(CHANGES | st.none(), st.integers(0, 60))))
def test_whatever_others_do_the_range_stays_one_and_ends_without_annotations(
    low: int, more: int, history: list[tuple[tuple[int, int] | None, int]]
) -> None:
    before = document(low, low + more)
    found = before
    for change, asked in history:
        if change is not None:
            spec = {"minReplicas": change[0], "maxReplicas": change[1]}
            found = written(found, {"spec": spec}, "tester")
        made, found = taken(found, plan(asked))
        floor, ceiling = spec_of(found)
        assert floor is not None
        assert ceiling is not None
        assert floor <= ceiling
        assert made.error is None or made.kept is not None
        if made.error is None:
            assert floor >= asked
        again, _ = taken(found, plan(asked))
        assert again.patch is None
    _, after = taken(found, NOTHING)
    assert after["metadata"]["annotations"] == {}


@given(st.sampled_from(Level), st.sampled_from(Level), documents())
def test_a_higher_level_never_asks_for_less(one: Level, two: Level, found: dict[str, Any]) -> None:
    order = list(Level)
    low, high = sorted((one, two), key=order.index)
    there = read_target(found, HPA if found["kind"] == HPA else SCALED_OBJECT)
    asked = [wanted(there, level, CAPACITY, at=AT).min for level in (low, high)]
    assert asked == sorted(asked)
