"""What is compiled in is what the core says, for every scope, action and second."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from gate.cluster.fallback.rules import FOREVER, JUDGED, rules
from gate.cluster.fallback.segments import OPEN, Segments, segments
from gate.core.decision import ManualLock, Phase, Request
from gate.core.instants import SECOND, from_micros, micros
from gate.core.policy import Action, Scope
from gate.core.timeline import Timeline
from gate.core.windows import Span
from tests.core.build import NO_WINDOWS, timeline, us
from tests.property.checks import products
from tests.property.effort import examples
from tests.property.product import Product
from tests.property.strategies import VALUES, Case, instants

WEEKS = timedelta(weeks=4)


def compiled(line: Timeline, start: int, environment: str | None = None) -> Segments:
    return segments(rules(line, environment, Span(start, start + micros_of(WEEKS))))


def micros_of(length: timedelta) -> int:
    return length // timedelta(microseconds=1)


def where(data: st.DataObject) -> tuple[str | None, dict[str, str]]:
    """An environment, and the namespace and maybe the name of an object."""
    environment = data.draw(st.sampled_from([None, *VALUES["environment"]]))
    fields = {"namespace": data.draw(st.sampled_from(VALUES["namespace"]))}
    if data.draw(st.booleans()):
        fields["service"] = data.draw(st.sampled_from(VALUES["service"]))
    return environment, fields


def has_fractions(case: Case) -> bool:
    """Whether a window begins or ends between two seconds."""
    return any("." in str(window.get(key)) for window in case.windows for key in ("start", "end"))


def locked(line: Timeline, request: Request, at: int) -> bool:
    return line.view_at(request, at).phase(at) is Phase.LOCKED


@examples(0.7)
@given(products(), st.data())
def test_locked_is_what_the_core_says(pair: tuple[Case, Product], data: st.DataObject) -> None:
    case, product = pair
    line = product.timeline
    environment, fields = where(data)
    start = micros(case.noon) - micros_of(WEEKS) // 2
    found = compiled(line, start, environment)
    asked = {"action": "deploy", "invoker": "human", **fields}
    if environment:
        asked["environment"] = environment
    edges = (micros(data.draw(instants(case, asked))) for _ in range(6))
    for at in edges:
        if not start <= at < start + micros_of(WEEKS):
            continue
        for action in JUDGED:
            request = msgspec.convert({**asked, "action": action}, Request)
            theirs = locked(line, request, at)
            ours = found.locked(at // SECOND, fields["namespace"], fields.get("service"), (action,))
            assert theirs <= ours, (from_micros(at), asked, action)
            assert ours == theirs or has_fractions(case), (from_micros(at), asked, action)


@examples(0.5)
@given(products(), st.data())
def test_the_end_is_what_the_core_says(pair: tuple[Case, Product], data: st.DataObject) -> None:
    case, product = pair
    environment, fields = where(data)
    start = micros(case.noon) - micros_of(WEEKS) // 2
    found = compiled(product.timeline, start, environment)
    request = msgspec.convert(
        {"action": "deploy", "invoker": "human", "environment": environment, **fields}, Request
    )
    for _ in range(3):
        at = micros(data.draw(instants(case, without_nulls(request))))
        place = fields["namespace"], fields.get("service"), (Action.DEPLOY,)
        if not start <= at < start + micros_of(WEEKS) // 2 or has_fractions(case):
            continue
        around = product.timeline.view_at(request, at).locked_around(at)
        if around is None or around[0] > at:
            continue
        end = found.until(at // SECOND, *place)
        if around[1] < start + micros_of(WEEKS):
            assert end == around[1] // SECOND, (from_micros(at), from_micros(around[1]))
        else:
            assert end is None or end >= (start + micros_of(WEEKS)) // SECOND


def without_nulls(request: Request) -> Mapping[str, str]:
    found: Mapping[str, str] = msgspec.json.decode(msgspec.json.encode(request))
    return found


def second(text: str) -> int:
    return us(text) // SECOND


def test_edges_between_seconds_move_outwards() -> None:
    text = (
        "windows: [{name: w, start: 2026-06-01T00:00:00.5Z, end: 2026-06-01T01:00:00.5Z}]\n"
        "level_lock: {at: never}\n"
    )
    found = compiled(timeline(text), us("2026-05-31T00:00:00Z"))
    assert found.starts == (second("2026-06-01T00:00:00Z"), second("2026-06-01T01:00:01Z"))


def test_exceptions_move_inwards() -> None:
    text = (
        "windows:\n"
        "  - {name: w, start: 2026-06-01T00:00:00Z, end: 2026-06-01T04:00:00Z}\n"
        "  - {name: o, kind: open, start: 2026-06-01T01:00:00.5Z, end: 2026-06-01T02:00:00.5Z}\n"
        "level_lock: {at: never}\n"
    )
    found = compiled(timeline(text), us("2026-05-31T00:00:00Z"))
    assert found.starts[1:3] == (second("2026-06-01T01:00:01Z"), second("2026-06-01T02:00:00Z"))


def test_a_window_over_the_end_of_the_weeks_is_kept_whole() -> None:
    text = "windows: [{name: w, rrule: FREQ=WEEKLY;BYDAY=SA, zones: [Etc/UTC]}]\n"
    start = us("2026-05-30T12:00:00Z")  # four weeks later is a Saturday noon
    found = compiled(timeline(text + "level_lock: {at: never}\n"), start)
    assert found.starts[-1] == second("2026-06-28T00:00:00Z")
    assert found.numbers[-1] == 0


def lock(start: str, end: str | None, **parts: object) -> ManualLock:
    return msgspec.convert(
        {"id": "1", "start": start, "end": end, "by": "alice", "reason": "the cake", **parts},
        ManualLock,
    )


def test_an_open_ended_lock_lasts_beyond_the_weeks() -> None:
    line = timeline(NO_WINDOWS, locks=(lock("2026-06-01T00:00:00Z", None),))
    found = compiled(line, us("2026-05-31T00:00:00Z"))
    assert found.locked(FOREVER - 1, "shop", None)
    assert found.until(second("2026-06-02T00:00:00Z"), "shop", None) is None


def test_a_lock_of_other_actions_is_not_compiled() -> None:
    locks = (lock("2026-06-01T00:00:00Z", None, actions=["config", "rollback"]),)
    found = compiled(timeline(NO_WINDOWS, locks=locks), us("2026-05-31T00:00:00Z"))
    assert found == Segments(formulas=(OPEN,), starts=(), numbers=())


def test_quiet_is_when_nobody_is_locked() -> None:
    locks = (lock("2026-06-01T00:00:00Z", "2026-06-01T01:00:00Z", scope={"namespaces": ["shop"]}),)
    found = compiled(timeline(NO_WINDOWS, locks=locks), us("2026-05-31T00:00:00Z"))
    begin, end = second("2026-06-01T00:00:00Z"), second("2026-06-01T01:00:00Z")
    assert found.quiet(begin - 60, begin - 1)
    assert not found.quiet(begin - 60, begin)
    assert not found.quiet(end - 1, end + 60)
    assert found.quiet(end, end + 60)


def test_scopes_that_mean_the_same_are_one() -> None:
    """Twelve windows of one scope, however written, need one formula."""
    scopes = (
        "{namespaces: [b, a]}",
        "{namespaces: [a, b, a]}",
        "{namespaces: [a, b], services: ['*']}",
    )
    windows = "".join(
        f"  - {{name: w{n}, start: 2026-06-{n + 1:02}T00:00:00Z, end: 2026-06-{n + 1:02}T04:00:00Z,"
        f" scope: {scopes[n % 3]}}}\n"
        for n in range(12)
    )
    found = compiled(
        timeline(f"windows:\n{windows}level_lock: {{at: never}}\n"), us("2026-05-31T00:00:00Z")
    )
    assert len(found.formulas) == 2


def test_now_is_no_part_of_it() -> None:
    """The same inputs compile to the same, whenever."""
    line = timeline("", ("2026-06-13", "Asia/Kolkata", "indian", 900))
    start = micros(datetime(2026, 6, 1, tzinfo=UTC))
    assert compiled(line, start) == compiled(line, start)
    assert Scope() == rules(line, None, Span(start, start + SECOND * 86400 * 20))[0].concern.scope
