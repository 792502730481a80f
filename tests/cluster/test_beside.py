"""What goes beside pre-scaling: cache settings brought, shortfalls told, by a thread of its own."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from gate.core.decision import Level
from gate.core.demand import BEFORE_ALL, Demand
from gate.core.instants import HOUR, micros
from gate.core.plan import AHEAD, HOLD
from gate.service.keeper.kube import named_client
from gate.service.scaling.worker.beside import Amiss, Beside, Pace, Situation
from tests.cluster.prescaling import Prescaling
from tests.controlplane.plane import ControlPlane
from tests.core.build import policy

AT = datetime(2026, 6, 8, tzinfo=UTC)
SATURDAY = micros(AT) + 5 * 24 * HOUR
PROMPT = Pace(retry=timedelta(seconds=0.2))


class Heard:
    """What was told last, and how often."""

    def __init__(self) -> None:
        self.amiss: Sequence[Amiss] | None = None
        self.times = 0

    def __call__(self, amiss: Sequence[Amiss]) -> None:
        self.amiss = amiss
        self.times += 1

    @property
    def about(self) -> list[str]:
        return [each.about for each in self.amiss or ()]


def situation(namespace: str, needed: int = 40, level: Level = Level.NORMAL) -> Situation:
    """A Saturday that needs so many replicas for an hour."""
    steps = [BEFORE_ALL, SATURDAY, SATURDAY + HOUR]
    demand = Demand(steps, [0.0, 0.0, 0.0], [0, needed, 0], [0, 1, 0])
    return Situation(
        at=AT,
        level=level,
        cache={"NORMAL": {"ttl": "60"}, "HIGH": {"ttl": "300"}},
        namespaces=frozenset({namespace}),
        demand=demand,
        capacity=policy().load.capacity,
        ahead=AHEAD,
        hold=HOLD,
        namespace=namespace,
    )


@contextmanager
def working(config: str, heard: Heard) -> Iterator[Beside]:
    """One in a thread of its own."""
    beside = Beside(lambda: named_client(config, {}), heard, pace=PROMPT)
    stop = threading.Event()
    thread = threading.Thread(target=beside.run, args=[stop])
    thread.start()
    try:
        yield beside
    finally:
        stop.set()
        thread.join(20)
        assert not thread.is_alive()


def ttl(plane: ControlPlane, namespace: str) -> str | None:
    answer = plane.request("GET", f"/api/v1/namespaces/{namespace}/configmaps/saturday-gate-cache")
    return answer.body["data"]["ttl"] if answer.status == 200 else None


@pytest.fixture
def stage(control_plane: ControlPlane, namespace: str, tmp_path: Path) -> Prescaling:
    made = Prescaling(control_plane, namespace, tmp_path)
    made.deployment(replicas=10)
    made.hpa()
    return made


def test_settings_follow_the_level_and_shortfalls_the_plan(stage: Prescaling) -> None:
    plane, namespace, heard = stage.plane, stage.namespace, Heard()
    with working(str(plane.kubeconfig()), heard) as beside:
        beside.know(situation(namespace))
        plane.wait_for("the first word", lambda: heard.amiss is not None)
        assert (heard.about, ttl(plane, namespace)) == ([], "60")
        beside.know(situation(namespace, needed=67, level=Level.HIGH))
        plane.wait_for("the shortfall", lambda: heard.about == ["capacity/ceiling"])
        assert ttl(plane, namespace) == "300"
        assert heard.amiss is not None
        assert "17 beyond the ceiling of 50" in heard.amiss[0].detail
        beside.know(situation(namespace))
        plane.wait_for("it has ended", lambda: heard.about == [])
        assert ttl(plane, namespace) == "60"


def test_the_same_again_asks_nothing(stage: Prescaling) -> None:
    plane, namespace, heard = stage.plane, stage.namespace, Heard()
    with working(str(plane.kubeconfig()), heard) as beside:
        now = situation(namespace)
        beside.know(now)
        plane.wait_for("the first word", lambda: heard.times == 1)
        for second in range(1, 30):
            beside.know(replace(now, at=AT + timedelta(seconds=second)))
        beside.know(replace(now, level=Level.HIGH))
        plane.wait_for("the second word", lambda: heard.times == 2)
    assert heard.times == 2


def test_who_is_not_in_charge_does_nothing(stage: Prescaling) -> None:
    plane, namespace, heard = stage.plane, stage.namespace, Heard()
    with working(str(plane.kubeconfig()), heard) as beside:
        now = situation(namespace)
        beside.know(now)
        plane.wait_for("the first word", lambda: heard.times == 1)
        beside.know(None)
        path = f"/api/v1/namespaces/{namespace}/configmaps/saturday-gate-cache"
        plane.request("DELETE", path).ok()
        beside.know(now)
        plane.wait_for("in charge again: brought again", lambda: ttl(plane, namespace) == "60")


def test_a_target_that_will_not_fit_is_named(stage: Prescaling) -> None:
    plane, namespace, heard = stage.plane, stage.namespace, Heard()
    plane.request("DELETE", f"/apis/apps/v1/namespaces/{namespace}/deployments/web").ok()
    with working(str(plane.kubeconfig()), heard) as beside:
        beside.know(situation(namespace))
        place = f"HorizontalPodAutoscaler/{namespace}/web"
        plane.wait_for("it is told", lambda: heard.about == [f"capacity/target/{place}"])


def test_what_cannot_be_asked_is_tried_again(stage: Prescaling) -> None:
    plane, heard = stage.plane, Heard()
    config = str(plane.kubeconfig("nobody", ["nothing"]))
    with working(config, heard) as beside:
        beside.know(situation(stage.namespace))
        plane.wait_for("it was tried again", lambda: heard.times >= 3)
        assert heard.about == ["cache", "capacity"]
        assert heard.amiss is not None
        assert "403" in heard.amiss[1].detail


def test_without_a_plan_nothing_is_looked_ahead_to(stage: Prescaling) -> None:
    plane, heard = stage.plane, Heard()
    unknown = replace(situation(stage.namespace), level=None, demand=None, capacity=None)
    with working(str(plane.kubeconfig()), heard) as beside:
        beside.know(unknown)
        plane.wait_for("the first word", lambda: heard.times == 1)
    assert heard.about == []
    assert ttl(plane, stage.namespace) is None
