"""Two times are told apart, once each, and what is late says what is missing."""

from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec.structs import replace

from gate.cluster.scaling.values import Range, Reference, Target
from gate.service.scaling.worker.readiness import Readiness
from gate.service.scaling.worker.watching import Key, Workload
from tests.scaling.build import target as built

START = datetime(2026, 6, 6, 12, tzinfo=UTC)


def target(**known: Any) -> Target:
    return replace(built(), **known)


class Noted:
    """What was noted, in seconds from the start."""

    def __init__(self) -> None:
        self.said: list[tuple[str, str, float]] = []

    def desired(self, event: str, at: datetime) -> None:
        self.said.append(("desired", event, (at - START).total_seconds()))

    def ready(self, event: str, at: datetime) -> None:
        self.said.append(("ready", event, (at - START).total_seconds()))


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def raised(floor: int = 50, **other: Any) -> Target:
    return target(now=Range(floor, floor), scales=Reference("Deployment", "web"), **other)


def workload(replicas: int, ready: int, trouble: str | None = None) -> dict[Key, Workload]:
    each = Workload(
        uid="w", kind="Deployment", namespace=raised().namespace, name="web",
        replicas=replicas, ready=ready, trouble=trouble,
    )  # fmt: skip
    return {each.key: each}


def waiting(minutes: float = 5) -> tuple[Readiness, Noted]:
    noted = Noted()
    readiness = Readiness(noted, timedelta(minutes=minutes))
    readiness.begin(raised(), "event", START)
    return readiness, noted


def test_desired_then_ready_each_once() -> None:
    readiness, noted = waiting()
    assert readiness.kinds == {"Deployment"}
    readiness.look({}, workload(10, 10), after(1))
    readiness.look({raised().uid: 50}, workload(10, 10), after(2))
    readiness.look({raised().uid: 50}, workload(50, 30), after(3))
    (done,) = readiness.look({raised().uid: 50}, workload(50, 50), after(4))
    assert noted.said == [("desired", "event", 2.0), ("ready", "event", 4.0)]
    assert done.event == "event"
    assert readiness.kinds == frozenset()
    assert readiness.look({}, workload(50, 50), after(5)) == []


def test_the_workload_that_wants_it_counts_without_the_autoscalers_word() -> None:
    readiness, noted = waiting()
    readiness.look({}, workload(50, 50), after(2))
    assert noted.said == [("desired", "event", 2.0), ("ready", "event", 2.0)]


def test_ready_replicas_of_before_are_not_the_floor() -> None:
    readiness, noted = waiting()
    readiness.look({}, workload(10, 60), after(2))
    assert noted.said == []


def test_a_later_floor_takes_the_place_of_the_earlier() -> None:
    readiness, noted = waiting()
    readiness.begin(raised(60), "later", after(1))
    readiness.look({}, workload(50, 50), after(2))
    assert noted.said == []
    readiness.look({}, workload(60, 60), after(3))
    assert {event for _, event, _ in noted.said} == {"later"}


def test_what_is_late_says_what_is_missing() -> None:
    readiness, _ = waiting(minutes=5)
    readiness.look({}, workload(50, 37, "exceeded quota"), after(10))
    assert readiness.late(after(299)) == []
    assert readiness.next_late(after(10)) == after(300)
    (late,) = readiness.late(after(300))
    assert (late.floor, late.ready) == (50, 37)
    assert late.said == (
        "5 min after the floor of 50 was set, 13 replicas of Deployment/web are not Ready"
        " (exceeded quota)"
    )
    assert readiness.next_late(after(300)) is None


def test_a_floor_in_the_place_of_a_late_one_is_late() -> None:
    readiness, _ = waiting(minutes=5)
    readiness.begin(raised(60), "later", after(200))
    assert readiness.next_late(after(200)) == after(300)
    assert [each.floor for each in readiness.late(after(300))] == [60]
    readiness.look({}, workload(60, 60), after(310))
    readiness.begin(raised(70), "another", after(320))
    assert readiness.late(after(330)) == []


def test_a_floor_that_nobody_wants_and_a_workload_that_is_not_there_are_told_apart() -> None:
    readiness, _ = waiting()
    readiness.look({}, workload(10, 10), after(10))
    assert "asked for 10 replicas only" in readiness.late(after(400))[0].said
    readiness.look({}, {}, after(10))
    (late,) = readiness.late(after(400))
    assert late.ready is None
    assert "Deployment/web is not known" in late.said


def test_nothing_is_waited_for_on_targets_that_are_gone_or_of_unknown_kinds() -> None:
    readiness, _ = waiting()
    readiness.only([("elsewhere", "web", "HorizontalPodAutoscaler")])
    assert readiness.awaited == ()
    readiness.begin(target(now=Range(5, 5), scales=Reference("Rollout", "web")), "event", START)
    readiness.begin(target(now=Range(5, 5), scales=None), "event", START)
    assert readiness.awaited == ()
