"""What is learnt of the cultures' factors."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.core.learning import LoadedHour, learn, with_factors
from gate.core.policy import LearnedRules
from tests.core.build import policy

LOAD = policy().load
RULES = LearnedRules(use=True, at_least_samples=10, bounds=(Fraction("0.5"), Fraction(2)))


def ratios(samples: list[LoadedHour], rules: LearnedRules = RULES) -> dict[str, float]:
    return {each.culture: float(each.factor / each.own) for each in learn(samples, LOAD, rules)}


def hour(booked: dict[str, float], **true: float) -> LoadedHour:
    """An hour of which everything was observed as one number."""
    whole = sum(units * true.get(name, 1.0) for name, units in booked.items())
    return LoadedHour(booked=booked, observed={"*": whole})


def test_one_culture_alone_is_a_ratio_drawn_towards_its_own() -> None:
    samples = [hour({"indian": float(n % 7 + 1)}, indian=1.5) for n in range(700)]
    assert ratios(samples)["indian"] == pytest.approx(1.5, abs=0.002)
    few = ratios(samples[:14])["indian"]
    # One sample's weight of ten is the policy's own word.
    assert few == pytest.approx((14 * 1.5 + 1) / 15, abs=0.001)


def test_cultures_are_told_apart_in_a_sum() -> None:
    samples = [
        hour({"indian": 10.0 + n % 5, "british": 3.0 + n % 7, "greek": 1.0 * (n % 3)},
             indian=1.4, british=0.7)
        for n in range(2000)
    ]  # fmt: skip
    found = ratios(samples)
    assert found == pytest.approx({"indian": 1.4, "british": 0.7, "greek": 1.0}, abs=0.02)


def test_cultures_that_always_marry_together_share_the_difference() -> None:
    found = ratios([hour({"indian": 5.0, "greek": 5.0}, indian=2.0) for _ in range(100)])
    assert found["indian"] == pytest.approx(found["greek"], abs=0.001)
    assert found["indian"] == pytest.approx(1.5, abs=0.01)


def test_what_is_observed_by_culture_is_learnt_by_culture() -> None:
    samples = [
        LoadedHour(booked={"indian": 10.0, "greek": 10.0}, observed={"indian": 15.0})
        for _ in range(50)
    ]
    found = ratios(samples)
    assert found["indian"] == pytest.approx(1.5, abs=0.02)
    assert found["greek"] == 0.5


def test_a_culture_with_too_few_samples_is_not_learnt() -> None:
    samples = [hour({"indian": 4.0}, indian=1.2)] * 9 + [hour({"greek": 4.0}, greek=1.2)] * 10
    assert list(ratios(samples)) == ["greek"]
    assert [each.samples for each in learn(samples, LOAD, RULES)] == [10]
    assert learn([], LOAD, RULES) == []
    assert learn([LoadedHour(booked={"indian": 0.0}, observed={"*": 1.0})] * 99, LOAD, RULES) == []


def test_the_unlearnt_count_with_their_own_factor() -> None:
    samples = [hour({"greek": 10.0, "martian": 5.0}, greek=1.5) for _ in range(400)]
    assert ratios(samples)["greek"] == pytest.approx(1.5, abs=0.01)


@given(
    st.lists(
        st.builds(
            LoadedHour,
            booked=st.dictionaries(st.sampled_from(["indian", "greek", "other"]),
                                   st.floats(0, 1e6), max_size=3),
            observed=st.dictionaries(st.sampled_from(["*", "indian", "greek"]),
                                     st.floats(0, 1e9), max_size=2),
        ),
        max_size=30,
    ),
    st.sampled_from([Fraction(1, 10), Fraction(1)]),
    st.sampled_from([Fraction(1), Fraction(7, 3)]),
)  # fmt: skip
def test_it_stays_within_the_bounds_whatever_was_seen(
    samples: list[LoadedHour], low: Fraction, high: Fraction
) -> None:
    rules = LearnedRules(use=True, at_least_samples=2, bounds=(low, high))
    for each in learn(samples, LOAD, rules):
        assert low * each.own <= each.factor <= high * each.own
        assert each.samples >= 2


@given(scale=st.integers(2, 9))
def test_more_seen_of_everything_is_never_learnt_as_less(scale: int) -> None:
    booked = [{"indian": 3.0 + n % 4, "greek": 2.0 + n % 3} for n in range(40)]
    low = ratios([hour(each, indian=0.8, greek=0.9) for each in booked])
    more = ratios(
        [hour(each, indian=0.8 + scale / 10, greek=0.9 + scale / 10) for each in booked]
    )  # fmt: skip
    assert all(more[name] >= low[name] for name in low)


def test_a_model_with_other_factors() -> None:
    factors = {"indian": Fraction(1), "greek": Fraction(3)}
    plain = with_factors(LOAD, factors, least=False)
    least = with_factors(LOAD, factors, least=True)
    assert [(m.cultures["indian"].factor, m.cultures["greek"].factor) for m in (plain, least)] == [
        (Fraction(1), Fraction(3)), (Fraction(2), Fraction(3)),
    ]  # fmt: skip
    assert plain.cultures["british"] == LOAD.cultures["british"]
