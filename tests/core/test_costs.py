"""What ways to provide replicas cost, against sums over every microsecond."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from gate.core.costs import Cost, Reaction, Way, costs, reactive
from gate.core.demand import BEFORE_ALL, Demand
from gate.core.instants import HOUR, SECOND
from gate.core.plan import plan_at
from gate.core.policy import Capacity
from tests.core.build import policy

CAPACITY = policy().load.capacity
SPAN = 60


@st.composite
def demands(draw: st.DrawFn) -> Demand:
    starts = draw(st.lists(st.integers(0, 90), unique=True, max_size=12).map(sorted))
    needs = [0, *draw(st.lists(st.integers(0, 60), min_size=len(starts), max_size=len(starts)))]
    return Demand([BEFORE_ALL, *starts], [float(n) for n in needs], needs, [0] * len(needs))


@st.composite
def reactions(draw: st.DrawFn) -> Reaction:
    return Reaction(
        delay=draw(st.integers(0, 20)),
        stabilization=draw(st.integers(0, 20)),
        target=draw(st.integers(1, 100)),
    )


def needed_at(demand: Demand, instant: int) -> int:
    return demand.needed[demand.index(instant)]


def held(replicas: int, capacity: Capacity = CAPACITY) -> int:
    return min(max(replicas, capacity.floor), capacity.ceiling)


def hpa_at(demand: Demand, reaction: Reaction, t: int) -> int:
    back = range(t - reaction.delay - reaction.stabilization, t - reaction.delay + 1)
    wanted = max(Fraction(100 * needed_at(demand, u), reaction.target) for u in back)
    return held(-(-wanted.numerator // wanted.denominator))


@given(
    demand=demands(), start=st.integers(0, 40), length=st.integers(1, SPAN),
    ahead=st.integers(0, 20), hold=st.integers(0, 20), reaction=reactions(),
)  # fmt: skip
def test_every_way_is_the_sum_over_its_instants(
    demand: Demand, start: int, length: int, ahead: int, hold: int, reaction: Reaction
) -> None:
    end = start + length
    provided: dict[Way, list[int]] = {
        "static-maximum": [CAPACITY.ceiling] * length,
        "static-floor": [CAPACITY.floor] * length,
        "reactive-hpa": [hpa_at(demand, reaction, t) for t in range(start, end)],
    }
    for way, continuous in (("rungs", False), ("continuous", True)):
        provided[way] = [  # type: ignore[index]
            plan_at(demand, CAPACITY, t, ahead=ahead, hold=hold, continuous=continuous).min
            for t in range(start, end)
        ]
    expected = []
    for way, each in provided.items():
        pairs = zip((needed_at(demand, t) for t in range(start, end)), each, strict=True)
        missing = [max(0, needed - there) for needed, there in pairs]
        expected.append(
            Cost(
                way=way,
                replica_micros=sum(each),
                short_micros=sum(1 for gap in missing if gap),
                short_replica_micros=sum(missing),
                worst_short=max(missing),
            )
        )
    found = costs(demand, CAPACITY, start, end, ahead=ahead, hold=hold, reaction=reaction)
    assert list(found) == expected


@given(
    demand=demands(), start=st.integers(0, 40), length=st.integers(1, SPAN),
    ahead=st.integers(0, 20), hold=st.integers(0, 20), reaction=reactions(),
)  # fmt: skip
def test_the_plan_costs_less_than_the_maximum_and_is_short_no_longer(
    demand: Demand, start: int, length: int, ahead: int, hold: int, reaction: Reaction
) -> None:
    found = {
        each.way: each
        for each in costs(
            demand, CAPACITY, start, start + length, ahead=ahead, hold=hold, reaction=reaction
        )
    }
    most, least = found["static-maximum"], found["static-floor"]
    rungs, continuous = found["rungs"], found["continuous"]
    assert least.replica_micros <= continuous.replica_micros <= rungs.replica_micros
    assert rungs.replica_micros <= most.replica_micros
    # Up to the ceiling, both plans cover all demand; beyond it nothing does.
    for plan in (rungs, continuous):
        assert plan.short_micros == most.short_micros
        assert plan.short_replica_micros == most.short_replica_micros
        assert plan.worst_short == most.worst_short
    for each in found.values():
        assert each.short_micros <= least.short_micros
        assert most.short_replica_micros <= each.short_replica_micros
        assert (each.short_micros == 0) == (each.worst_short == 0) == (not each.short_hours)


@given(demand=demands(), reaction=reactions())
def test_an_autoscaler_without_delay_or_memory_is_the_continuous_plan_of_the_moment(
    demand: Demand, reaction: Reaction
) -> None:
    prompt = Reaction(delay=0, stabilization=0)
    found = {
        each.way: each
        for each in costs(demand, CAPACITY, 0, SPAN, ahead=0, hold=0, reaction=prompt)
    }
    assert found["reactive-hpa"].replica_micros == found["continuous"].replica_micros
    slower = {each.way: each for each in costs(demand, CAPACITY, 0, SPAN, reaction=reaction)}
    assert slower["static-maximum"] == found["static-maximum"]


def test_a_load_of_an_hour_is_short_by_the_delay_of_the_autoscaler() -> None:
    day = 24 * HOUR
    demand = Demand([BEFORE_ALL, 10 * HOUR, 11 * HOUR], [0.0, 0.0, 0.0], [0, 40, 0], [0, 1, 0])
    reaction = Reaction(delay=120 * SECOND, stabilization=300 * SECOND)
    found = {each.way: each for each in costs(demand, CAPACITY, 0, day, reaction=reaction)}
    hpa = found["reactive-hpa"]
    assert hpa.short_hours == Fraction(2, 60)
    assert hpa.worst_short == 30
    assert hpa.short_replica_hours == Fraction(1)
    # An hour at 40, its end 5 min later than the delay alone: 65 min of 30 replicas above 10.
    assert hpa.replica_hours == 240 + Fraction(30 * 65, 60)
    # From half an hour before until an hour after.
    assert found["rungs"].replica_hours == 240 + 40 * Fraction(5, 2)
    assert found["continuous"].replica_hours == 240 + 30 * Fraction(5, 2)
    assert found["rungs"].short_hours == found["continuous"].short_hours == 0
    assert found["static-floor"].short_hours == 1


def test_headroom_is_replicas_above_what_is_needed() -> None:
    demand = Demand([BEFORE_ALL, 0], [0.0, 0.0], [0, 21], [0, 1])
    steps = list(reactive(demand, CAPACITY, 10, 20, Reaction(delay=0, target=60)))
    assert steps[-1][1] == 35
