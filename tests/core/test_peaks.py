"""The peak of a range, against the definition read slowly."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from gate.core.demand import BEFORE_ALL, Demand, level_of
from gate.core.instants import micros
from gate.core.peaks import peak
from tests.core.build import policy

CAPACITY = policy().load.capacity


@st.composite
def demands(draw: st.DrawFn) -> Demand:
    starts = draw(st.lists(st.integers(0, 60), unique=True, max_size=10).map(sorted))
    needs = [0, *draw(st.lists(st.integers(30, 70), min_size=len(starts), max_size=len(starts)))]
    return Demand([BEFORE_ALL, *starts], [float(n) for n in needs], needs, [0] * len(needs))


@given(
    demand=demands(), start=st.integers(0, 40), length=st.integers(1, 40),
    ahead=st.integers(0, 10), hold=st.integers(0, 10),
)  # fmt: skip
def test_the_peak_is_the_most_that_the_plan_covers(
    demand: Demand, start: int, length: int, ahead: int, hold: int
) -> None:
    def needed(instant: int) -> int:
        return demand.needed[demand.index(instant)]

    span = range(start, start + length)
    covered = [max(needed(u) for u in range(t - hold, t + ahead + 1)) for t in span]
    found = peak(demand, CAPACITY, start, start + length, ahead=ahead, hold=hold)
    assert found.needed == max(covered)
    assert micros(found.at) == start + covered.index(max(covered))
    assert found.level == level_of(found.needed, CAPACITY)
    assert found.shortfall == max(0, found.needed - CAPACITY.ceiling)
    # Each instant beyond the ceiling lies in one stretch, and none besides.
    beyond = [(micros(b.start), micros(b.end), b.short) for b in found.beyond]
    inside = {t for begin, end, _ in beyond for t in range(begin, end)}
    assert inside == {t for t in span if needed(t) > CAPACITY.ceiling}
    for begin, end, short in beyond:
        assert short == max(needed(t) for t in range(begin, end)) - CAPACITY.ceiling
    assert all(one[1] < after[0] for one, after in pairwise(beyond))
