"""Laws of the listings: locked stretches, load rows and plans of a range."""

from datetime import datetime, timedelta
from itertools import pairwise
from math import ceil
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.property.checks import SPANS, products
from tests.property.effort import examples
from tests.property.product import Product
from tests.property.strategies import JOINS, Case, cases, ranges, requests
from tests.twin.answers import text
from tests.twin.document import duration, exact, instant
from tests.twin.load import RANKS
from tests.twin.zones import DAY, MICROSECOND

Pair = tuple[Case, Product]
Span = tuple[datetime, datetime]


def spans(rows: list[dict[str, Any]]) -> list[Span]:
    return [(instant(row["start"]), instant(row["end"])) for row in rows]


def within(found: list[Span], a: datetime, b: datetime) -> list[Span]:
    """The stretches cut to ``[a, b)``."""
    cut = [(max(start, a), min(end, b)) for start, end in found]
    return [(start, end) for start, end in cut if start < end]


@examples(0.3)
@given(products(), st.data())
def test_stretches_are_sorted_merged_and_where_decisions_are_locked(
    pair: Pair, data: st.DataObject
) -> None:
    case, product = pair
    request = data.draw(requests())
    start, end = data.draw(ranges(case))
    rows = product.windows(request, start, end)
    found = spans(rows)
    assert all(start <= a < b <= end for a, b in found)
    assert all(one[1] < other[0] for one, other in pairwise(found))
    moments = [start, end - MICROSECOND]
    for a, b in data.draw(st.permutations(found))[:3]:
        moments += [a, b - MICROSECOND, a + (b - a) / 2]
        moments += [t for t in (a - MICROSECOND, b) if start <= t < end]
    for t in moments:
        locked = product.decide(request, t)["phase"] == "locked"
        assert locked == any(a <= t < b for a, b in found), t


@examples(0.3)
@given(products(), st.data())
def test_causes_are_whole_and_meet_their_stretch(pair: Pair, data: st.DataObject) -> None:
    case, product = pair
    request = data.draw(requests())
    start, end = data.draw(ranges(case))
    first, last = start - 30 * DAY, end + 30 * DAY
    wide = [cause for row in product.windows(request, first, last) for cause in row["causes"]]
    known = {str(cause) for cause in wide}
    # Ranges that begin or end just where a cause does, those of few windows and of levels before.
    wide.sort(key=lambda cause: cause.get("date") or "")
    edges = [
        instant(cause[side]) for cause in wide[:20] for side in ("start", "end") if cause[side]
    ]
    inside = [edge for edge in edges if first + DAY < edge < last - DAY]
    parts = [(start, end), *(part for e in inside for part in ((e - DAY, e), (e, e + DAY)))]
    for row in (row for part in parts for row in product.windows(request, *part)):
        assert row["causes"]
        for cause in row["causes"]:
            assert not {"message", "level"} & set(cause)
            assert instant(cause["start"]) < instant(row["end"])
            assert cause["end"] is None or instant(row["start"]) < instant(cause["end"])
            # Zones are those that meet the stretch; what has none is the same in every range.
            assert cause.get("zones") or str(cause) in known


@examples(0.3)
@given(products(), st.data())
def test_a_range_is_the_sum_of_its_parts(pair: Pair, data: st.DataObject) -> None:
    case, product = pair
    request = data.draw(requests())
    start, end = data.draw(ranges(case))
    middle = start + MICROSECOND * data.draw(st.integers(0, (end - start) // MICROSECOND))
    whole = spans(product.windows(request, start, end))
    for a, b in ((start, middle), (middle, end)):
        if a < b:
            assert spans(product.windows(request, a, b)) == within(whole, a, b)


@examples(0.3)
@given(products(), st.data())
def test_load_rows_follow_their_own_arithmetic(pair: Pair, data: st.DataObject) -> None:
    case, product = pair
    start, end = data.draw(ranges(case))
    step = max((end - start) / 7, MICROSECOND)
    capacity = case.twin.policy.load["capacity"]
    rows = product.load(start, end, step)
    assert [row["at"] for row in rows] == [
        text(start + i * step) for i in range(ceil((end - start) / step))
    ]
    for row in rows:
        needed = row["needed"]
        least = exact(capacity["units_per_replica"]) * (needed - 1)
        assert needed == 0 or float(least) <= row["demand"]
        assert row["demand"] <= float(exact(capacity["units_per_replica"]) * needed)
        kept = min(max(needed, capacity["floor"]), capacity["ceiling"])
        assert row["required_replicas"] == kept
        assert row["shortfall"] == max(0, needed - capacity["ceiling"])
        rungs = [capacity["floor"], capacity["high"]]
        assert RANKS[row["level"]] == sum(needed > rung for rung in rungs)


@examples(0.3)
@given(products(), st.data())
def test_the_plan_covers_all_demand_and_no_more(pair: Pair, data: st.DataObject) -> None:
    """The floor at any instant is that of the most that ``[t − hold, t + ahead]`` needs."""
    case, product = pair
    start, end = data.draw(ranges(case))
    ahead, hold = data.draw(st.sampled_from(SPANS)), data.draw(st.sampled_from(SPANS))
    continuous = data.draw(st.booleans())
    plan = product.plan(start, end, ahead=ahead, hold=hold, continuous=continuous)
    marks = [instant(row["at"]) for row in plan]
    assert marks[0] == start
    assert all(one < other for one, other in pairwise(marks))
    assert marks[-1] < end
    keys = ("min", "level", "shortfall")
    for one, other in pairwise(plan):
        assert [one[key] for key in keys] != [other[key] for key in keys]
    capacity = case.twin.policy.load["capacity"]
    rungs = dict(zip(RANKS, ("floor", "high", "ceiling"), strict=True))
    offsets = data.draw(st.lists(st.integers(0, (end - start) // MICROSECOND - 1), max_size=4))
    for t in [*marks[:3], *(mark - MICROSECOND for mark in marks[1:4])] + [
        start + i * MICROSECOND for i in offsets
    ]:
        row = plan[sum(mark <= t for mark in marks) - 1]
        edges = [x for x in case.twin.loads.breakpoints if t - hold < x <= t + ahead]
        loads = [product.load(x, x + MICROSECOND, MICROSECOND)[0] for x in (t - hold, *edges)]
        most = max(loads, key=lambda load: load["needed"])
        assert (row["level"], row["shortfall"]) == (most["level"], most["shortfall"])
        rung = capacity[rungs[most["level"]]]
        assert row["min"] == (most["required_replicas"] if continuous else rung)
        assert row["max"] == capacity["ceiling"]


@examples(0.3)
@given(cases(locks=False), st.sampled_from(JOINS), st.data())
def test_level_stretches_start_and_end_at_the_level_and_are_a_join_apart(
    case: Case, join: str, data: st.DataObject
) -> None:
    at = data.draw(st.sampled_from(["HIGH", "MAXIMUM"]))
    alone = case.with_(windows=[], level_lock={"at": at, "join": join})
    product = Product(alone)
    edges = alone.twin.loads.breakpoints
    if not edges:
        return
    found = spans(product.windows({}, edges[0] - DAY, edges[-1] + DAY))
    for (_, before), (after, _) in pairwise(found):
        assert after - before >= max(duration(join), MICROSECOND)

    def high(t: datetime) -> bool:
        level = product.load(t, t + MICROSECOND, MICROSECOND)[0]["level"]
        return RANKS[str(level)] >= RANKS[at]

    for start, end in found[:4]:
        assert high(start)
        assert high(end - MICROSECOND)
        inside = [start, *(x for x in edges if start < x < end), end]
        highs = [t for t in inside[:-1] if high(t)]
        for one, other in pairwise(highs):
            after = inside[inside.index(one) + 1]
            assert other == after or other - after < duration(join)
    assert all(any(a <= x < b for a, b in found) for x in edges if high(x))


@examples(0.3)
@given(st.sampled_from(["2h", "PT1H"]))
def test_an_empty_range_of_weddings_has_a_floor(ahead: str) -> None:
    """The plan of no weddings is one entry, the floor."""
    product = Product(Case({"version": 1, "timezone": "UTC"}, [], [], datetime(2026, 6, 13).date()))  # noqa: DTZ001
    start = instant("2026-06-13T00:00:00Z")
    plan = product.plan(start, start + DAY, ahead=duration(ahead), hold=timedelta(0))
    assert [(row["at"], row["min"], row["level"]) for row in plan] == [(text(start), 10, "NORMAL")]
