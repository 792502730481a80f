"""Learnt factors in the demand: from when they hold, within their bounds, not below in a window."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.calendars.source import Source, read_source
from gate.core.decision import Request
from gate.core.demand import Calendar
from gate.core.instants import HOUR, from_micros, micros
from gate.core.learnt import LearntRow, epochs, factors_of, in_force
from gate.core.observed import protected_time
from gate.core.policy import Action, Policy
from gate.inputs import Compiled, read_inputs
from gate.inputs.learnt import with_learnt
from gate.service.sources import Sources, read_from
from tests.observed.build import observing, us

OBSERVED = "  observed: {source: csv, file: a, learned: {use: true}}\n"
MORE = "  saturday: 2\n"
RULES = observing("windows: [{name: sunday, rrule: FREQ=WEEKLY;BYDAY=SU}]\n", MORE + OBSERVED)
UNUSED = observing("", "  observed: {source: csv, file: a}\n")
CSV = (
    "id,date,timezone,culture,guests\n1,2026-02-14,Europe/London,indian,6000\n"
    "2,2026-02-13,Asia/Kolkata,greek,9000\n"
)
FIRST, LAST = us("2026-02-12T00:00:00Z"), us("2026-02-18T00:00:00Z")


def row(culture: str, at: int, learnt: float | None, policy: Policy = RULES) -> LearntRow:
    own = policy.load.cultures[culture]
    return LearntRow(
        culture=culture, valid_from=from_micros(at), own=str(float(own.factor)),
        guests=own.guests, days=own.days, learnt=learnt,
    )  # fmt: skip


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Source:
    path = tmp_path_factory.mktemp("calendar") / "weddings.csv"
    path.write_text(CSV)
    return read_source(path)


def calendar(source: Source, *rows: LearntRow) -> Calendar:
    from gate.calendars import compile_sources  # noqa: PLC0415

    own = compile_sources([source], RULES.load).calendar
    return with_learnt(RULES, own, [source], factors_of(rows, RULES))


def units(found: Calendar, at: int) -> float:
    return found.demand.units[found.demand.index(at)]


HOURS = st.integers(0, (LAST - FIRST) // HOUR).map(lambda hour: FIRST + hour * HOUR)


@given(
    learnt=st.lists(
        st.tuples(st.sampled_from(["indian", "greek"]), HOURS, st.sampled_from([None, 1.0, 3.0])),
        max_size=4, unique_by=lambda each: each[:2],
    ),
    at=HOURS,
)  # fmt: skip
def test_demand_goes_by_the_factors_in_force(
    source: Source, learnt: list[tuple[str, int, float | None]], at: int
) -> None:
    rows = [row(*each) for each in learnt]
    found, own = calendar(source, *rows), calendar(source)
    protected = any(a <= at < b for a, b in protected_time(RULES, own, FIRST, LAST))
    factors = {"indian": 2.0, "greek": 1.4}
    for culture, valid_from, value in sorted(learnt, key=lambda each: each[1]):
        mine = float(RULES.load.cultures[culture].factor)
        if valid_from <= at:
            factors[culture] = mine if value is None else min(max(value, mine / 2), mine * 2)
            if protected:
                factors[culture] = max(factors[culture], mine)
    # Each culture alone, times its factor: what the calendar weighs by its own.
    indian = units(calendar_of(source, "indian"), at) / 2.0 * factors["indian"]
    greek = units(calendar_of(source, "greek"), at) / 1.4 * factors["greek"]
    assert units(found, at) == pytest.approx(indian + greek)
    starts = found.demand.starts
    assert starts == sorted(set(starts))
    if protected:
        assert units(found, at) >= units(own, at)


def test_in_a_window_a_factor_below_the_policys_own_counts_as_that(source: Source) -> None:
    found, own = calendar(source, row("indian", FIRST, 1.0)), calendar(source)
    greek = calendar_of(source, "greek")
    saturday, sunday, monday = (us(f"2026-02-{day}T12:00:00Z") for day in (14, 15, 16))
    for at, lowered in ((saturday, 0.5), (sunday, 1.0), (monday, 0.5)):
        indian = units(own, at) - units(greek, at)
        assert units(found, at) == pytest.approx(units(greek, at) + indian * lowered)
    raised = calendar(source, row("greek", FIRST, 2.8))
    assert units(raised, saturday) == pytest.approx(units(own, saturday) + units(greek, saturday))


def calendar_of(source: Source, culture: str) -> Calendar:
    from gate.calendars import calendar_from_rows, read_rows  # noqa: PLC0415

    rows = [each for each in read_rows([source.name]) if each.culture == culture]
    return calendar_from_rows(rows, RULES.load)


def test_nothing_is_learnt_where_the_policy_does_not_use_it() -> None:
    rows = [row("indian", FIRST, 3.0)]
    assert factors_of(rows, UNUSED) == ()
    assert [each.factor for each in factors_of(rows, RULES)] == [3]


def test_rows_of_other_cultures_are_passed_over_and_bounds_are_kept() -> None:
    greek = row("greek", FIRST, 9.0)
    rows = [
        LearntRow(culture="martian", valid_from=greek.valid_from, own="1", guests=1, days=1,
                  learnt=2.0),
        LearntRow(culture="indian", valid_from=greek.valid_from, own="2.5", guests=600, days=3,
                  learnt=2.0),
        LearntRow(culture="indian", valid_from=greek.valid_from, own="NaN", guests=600, days=3,
                  learnt=2.0),
        greek,
    ]  # fmt: skip
    (only,) = factors_of(rows, RULES)
    assert (only.culture, only.factor) == ("greek", Fraction("2.8"))


def test_factors_that_are_the_policys_own_make_no_epoch() -> None:
    own = factors_of([row("indian", FIRST, None), row("greek", FIRST, None)], RULES)
    assert epochs(own, RULES) == []
    later = factors_of(
        [row("indian", FIRST, None), row("indian", LAST, 3.0), row("greek", LAST + HOUR, None)],
        RULES,
    )
    assert [(each.start, each.factors) for each in epochs(later, RULES)] == [
        (LAST, {"indian": Fraction(3)}),
    ]  # fmt: skip
    assert in_force(later, RULES, from_micros(LAST - 1)) == {}
    many = factors_of([row("indian", FIRST + n * HOUR, 2.0 + n / 10) for n in range(1, 9)], RULES)
    assert [each.start for each in epochs(many, RULES)] == [FIRST + n * HOUR for n in (5, 6, 7, 8)]


def test_a_decision_names_the_learnt_factors_that_it_goes_by(tmp_path: Path) -> None:
    (tmp_path / "weddings.csv").write_text(CSV)
    (tmp_path / "policy.yaml").write_text(
        f"version: 1\ntimezone: Europe/London\nwindows: []\nload:\n{MORE}{OBSERVED}"
    )
    begins = datetime(2026, 2, 14, 10, tzinfo=UTC)
    files = str(tmp_path / "policy.yaml"), (str(tmp_path / "weddings.csv"),)
    rows = (row("indian", micros(begins), 3.0), row("greek", micros(begins), None))
    found = read_inputs(*files, learnt=rows)
    assert isinstance(found, Compiled)
    asked = Request(action=Action.DEPLOY, invoker="automation")
    before = found.decide(asked, begins - timedelta(seconds=1)).load
    after = found.decide(asked, begins + timedelta(hours=2)).load
    assert before is not None
    assert after is not None
    assert before.learnt == ()
    assert after.learnt
    assert [(each.culture, each.factor) for each in after.learnt] == [("indian", 3.0)]
    served = read_from(Sources(policy=files[0], calendars=files[1], learnt=rows))
    assert isinstance(served, Compiled)
    assert served.timeline.calendar == found.timeline.calendar
    plain = read_inputs(*files)
    assert isinstance(plain, Compiled)
    load = plain.decide(asked, begins).load
    assert load is not None
    assert not load.learnt
