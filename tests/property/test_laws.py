"""Laws that hold whatever the policy: they need no second implementation to be checked."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.property.checks import products
from tests.property.effort import examples
from tests.property.loads import weddings
from tests.property.product import Product, comparable
from tests.property.strategies import (
    EARLIEST,
    LATEST,
    REACH,
    Case,
    cases,
    instants,
    manual_locks,
    ranges,
    requests,
    windows,
)
from tests.twin.answers import text
from tests.twin.document import instant
from tests.twin.load import RANKS
from tests.twin.zones import MICROSECOND

Pair = tuple[Case, Product]
PHASES = ("open", "lead", "locked")


@examples(0.5)
@given(products(), st.data())
def test_the_next_change_changes_the_verdict_and_nothing_before_it_does(
    pair: Pair, data: st.DataObject
) -> None:
    case, product = pair
    request = data.draw(requests())
    at = data.draw(instants(case, request))
    now = product.decide(request, at)
    change = instant(now["next_change"]) if now["next_change"] else None
    last = at + REACH if change is None else change - MICROSECOND
    assert at <= last <= at + REACH
    lasting = (last - at) // MICROSECOND
    between = [data.draw(st.integers(0, lasting)) for _ in range(5)]
    for t in (last, *(at + i * MICROSECOND for i in between)):
        assert product.decide(request, t)["verdict"] == now["verdict"]
    if change is not None:
        assert product.decide(request, change)["verdict"] != now["verdict"]


def never_eases(pair: Pair, other: Case, request: dict[str, str], moments: list[datetime]) -> None:
    """The other case is at least as strict, at every instant.

    A phase never falls. A verdict follows its phase only where the table denies when locked
    whatever it denies in the lead: a table may well say ``lead: deny, locked: allow``.
    """
    case, product = pair
    stricter = Product(other)
    cell = request.get("action", "deploy"), request.get("invoker", "automation")
    cells = case.twin.policy.cells
    follows = (cells[cell[0], "lead", cell[1]], cells[cell[0], "locked", cell[1]]) != (
        "deny",
        "allow",
    )
    for at in moments:
        before, after = product.decide(request, at), stricter.decide(request, at)
        assert PHASES.index(after["phase"]) >= PHASES.index(before["phase"])
        assert RANKS[after["level"]] >= RANKS[before["level"]]
        if follows and before["verdict"] == "deny":
            assert after["verdict"] == "deny"


def _moments(data: st.DataObject, request: dict[str, str], *both: Case) -> list[datetime]:
    return [data.draw(instants(case, request)) for case in both for _ in range(3)]


@examples(0.3)
@given(products(), st.data())
def test_a_lock_more_never_allows_what_was_denied(pair: Pair, data: st.DataObject) -> None:
    case, _ = pair
    zone = case.document["timezone"]
    more = data.draw(windows(case.focus, zone)) | {"kind": "lock", "name": "more"}
    place = data.draw(st.integers(0, len(case.windows)))
    other = case.with_(windows=[*case.windows[:place], more, *case.windows[place:]])
    if data.draw(st.booleans()):
        lock = data.draw(manual_locks(case.focus)) | {"id": "more"}
        other = other.with_(locks=[*case.locks, lock])
    request = data.draw(requests())
    never_eases(pair, other, request, _moments(data, request, case, other))


@examples(0.3)
@given(cases(), st.data())
def test_an_open_window_more_never_locks(case: Case, data: st.DataObject) -> None:
    more = data.draw(windows(case.focus, case.document["timezone"]))
    more |= {"kind": "open", "name": "more"}
    opened = case.with_(windows=[*case.windows, more])
    request = data.draw(requests())
    never_eases((opened, Product(opened)), case, request, _moments(data, request, case, opened))


@examples(0.3)
@given(products(), st.data())
def test_a_wedding_more_never_lowers_level_or_phase(pair: Pair, data: st.DataObject) -> None:
    case, product = pair
    # An open window in the zones of venues grows with the weddings, too, and then may ease.
    assume(not any(w.kind == "open" and "venues" in w.zones for w in case.twin.policy.windows))
    zone = case.document["timezone"]
    more = data.draw(st.lists(weddings(zone, case.focus, ("other", "indian")), min_size=1))
    rows = [*({"id": f"more{i}", **row} for i, row in enumerate(more)), *case.rows]
    other = case.with_(rows=rows)
    request = data.draw(requests())
    moments = _moments(data, request, case, other)
    never_eases(pair, other, request, moments)
    for at in moments:
        second = at, at + MICROSECOND, MICROSECOND
        assert Product(other).load(*second)[0]["needed"] >= product.load(*second)[0]["needed"]


@examples(0.3)
@given(products(), st.data())
def test_the_order_of_weddings_and_windows_changes_nothing(pair: Pair, data: st.DataObject) -> None:
    case, product = pair
    rows = data.draw(st.permutations(case.rows))
    shuffled = case.with_(rows=rows)
    shuffled = shuffled.with_(windows=data.draw(st.permutations(case.windows)))
    names = [window["name"] for window in shuffled.windows]
    other = Product(shuffled)
    request = data.draw(requests())
    for at in _moments(data, request, case):
        before, after = product.decide(request, at), other.decide(request, at)
        # Reasons stand in the order of the windows, then of their dates.
        windows_in = [reason["window"] for reason in after["reasons"] if "window" in reason]
        assert windows_in == sorted(windows_in, key=names.index)
        for answer in (before, after):
            answer["reasons"].sort(key=lambda reason: reason.get("window", ""))
            answer["policy"].pop("sha256")
        assert comparable(before) == comparable(after)
    start, end = data.draw(ranges(case))
    spans = [
        [(row["start"], row["end"]) for row in one.windows(request, start, end)]
        for one in (product, other)
    ]
    assert spans[0] == spans[1]


@contextmanager
def machine_in(zone: str) -> Iterator[None]:
    """The machine's own time zone is another one for a while."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = zone
    time.tzset()
    try:
        yield
    finally:
        if before is None:
            del os.environ["TZ"]
        else:
            os.environ["TZ"] = before
        time.tzset()


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "America/St_Johns", "UTC-13:37"])
@examples(0.1)
@given(case=cases(), data=st.data())
def test_the_zone_of_the_machine_changes_nothing(
    zone: str, case: Case, data: st.DataObject
) -> None:
    request = data.draw(requests())
    at = data.draw(instants(case, request))
    start, end = data.draw(ranges(case))

    def answers() -> list[Any]:
        product = Product(case)
        hour = timedelta(hours=1)
        return [
            product.decide(request, at),
            product.windows(request, start, end),
            product.plan(start, end, ahead=hour, hold=hour),
        ]

    at_home = answers()
    with machine_in(zone):
        assert answers() == at_home


@pytest.mark.parametrize("beyond", [timedelta(0), MICROSECOND], ids=["exactly", "beyond"])
@examples(0.3)
@given(case=cases(locks=False), data=st.data())
def test_an_edge_nine_thousand_six_hundred_hours_away(
    beyond: timedelta, case: Case, data: st.DataObject
) -> None:
    """A lock round the instant, whose edges lie just within or just beyond what is told."""
    at = case.noon + timedelta(microseconds=data.draw(st.integers(0, 10**12)))
    away = REACH + beyond
    at = min(max(at, EARLIEST + away), LATEST - 2 * away)
    whole = {"name": "whole", "start": text(at - away), "end": text(at + away)}
    locked = Product(case.with_(windows=[whole], level_lock={"at": "never"}, lead="0s"))
    seen = beyond == timedelta(0)
    decision = locked.decide({"action": "deploy"}, at)
    expected = (text(at - away), text(at + away)) if seen else (None, None)
    assert (decision["locked_from"], decision["locked_until"]) == expected
    assert decision["reasons"][0]["start"] == text(at - away)
    assert decision["reasons"][0]["end"] == text(at + away)
    if decision["verdict"] == "deny":
        assert decision["next_change"] == expected[1]
    later = {"name": "later", "start": text(at + away), "end": text(at + away + away)}
    ahead = Product(case.with_(windows=[later], level_lock={"at": "never"}, lead="0s"))
    opening = ahead.decide({"action": "deploy"}, at)
    assert opening["phase"] == "open"
    if decision["verdict"] == "deny":
        assert opening["next_change"] == expected[1]
