"""The pre-scaling worker in a thread of the test, over one namespace, by a plan that can change."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from gate.service.following import Following
from gate.service.load.observing import Observing
from gate.service.load.watch import Watch
from gate.service.outbox import Outbox
from gate.service.scaling.standing import StandingHolds
from gate.service.scaling.worker.clock import ServerClock
from gate.service.scaling.worker.planning import Planning
from gate.service.scaling.worker.prescaler import PrescaleWorker, Settings
from gate.service.scaling.worker.service import AHEAD, HOLD, connector, identity
from gate.store.connect import Target, connect
from tests.cluster.faulty import Proxy
from tests.cluster.prescaling import Prescaling
from tests.controlplane.plane import ControlPlane
from tests.controlplane.processes import wait_for

GUESTS = {"NORMAL": 0, "HIGH": 90_000, "MAXIMUM": 202_500}
"""So many guests of one wedding that stands all day need 0, 20 and 45 replicas."""
OWN, HIGH, MAXIMUM = (10, 30), (35, 35), (50, 50)
"""Ranges of a target whose own values are 10 to 30."""


class Site(Prescaling):
    """One namespace with targets, and the plan that holds now."""

    def __init__(self, plane: ControlPlane, namespace: str, folder: Path) -> None:
        super().__init__(plane, namespace, folder)
        self.plan("NORMAL")

    def plan(self, level: str) -> None:
        """Have the plan be of a level, from yesterday to tomorrow."""
        first = (datetime.now(UTC) - timedelta(days=1)).date()
        row = f"now,{first},UTC,{GUESTS[level]},3\n" if GUESTS[level] else ""
        self.put(self.calendar, f"id,date,timezone,guests,days\n{row}")

    @staticmethod
    def put(path: Path, text: str) -> None:
        """Replace a file whole."""
        fresh = path.with_suffix(".new")
        fresh.write_text(text)
        fresh.replace(path)

    def until(self, wanted: tuple[int, int], name: str = "web", *, seconds: float = 20.0) -> None:
        """Wait for floor and ceiling of a target."""
        wait_for(f"{name} is at {wanted}", lambda: self.range(name) == wanted, seconds=seconds)

    @contextmanager
    def working(
        self,
        *,
        proxy: Proxy | None = None,
        where: Target | None = None,
        local: Callable[[], datetime] | None = None,
        ahead: timedelta = AHEAD,
        **settings: Any,
    ) -> Iterator[PrescaleWorker]:
        """A worker, until the end of the block."""
        path = proxy.kubeconfig() if proxy else self.plane.kubeconfig()
        following = Following(str(self.policy), [str(self.calendar)])
        observing = Observing(following, Watch({}), every_seconds=0.2)
        planning = Planning(observing, ahead=ahead, hold=HOLD)
        chosen: dict[str, Any] = {"namespace": self.namespace, "identity": identity(), **settings}
        worker = PrescaleWorker(
            connector(str(path), {}),
            planning,
            Settings(lease_namespace=self.namespace, **chosen),
            Outbox(where),
            standing=None if where is None else StandingHolds(where),
            clock=None if local is None else ServerClock(local),
        )
        with asking(observing), running(worker):
            yield worker


@contextmanager
def asking(observing: Observing) -> Iterator[None]:
    """Ask the policy's source of observed load, if it has one, until the end of the block."""
    stop = threading.Event()
    thread = threading.Thread(target=observing.run, args=[stop], name="load")
    thread.start()
    try:
        yield
    finally:
        stop.set()
        observing.end()
        thread.join()


@contextmanager
def running(worker: PrescaleWorker) -> Iterator[None]:
    """Run a worker in a thread, until the end of the block."""
    stop, failed = threading.Event(), list[BaseException]()

    def run() -> None:
        try:
            worker.run(stop)
        except BaseException as error:
            failed.append(error)
            raise

    thread = threading.Thread(target=run, name="worker")
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(timeout=20.0)
        assert not thread.is_alive()
        assert not failed


def failures(worker: PrescaleWorker) -> dict[str, str]:
    """What is open: component (without its beginning) to summary and detail."""
    return {
        name.removeprefix("prescale/"): f"{each.summary}: {each.detail}"
        for name, each in worker.said.failures.open.items()
    }


def events(where: Target, columns: str = "*") -> list[Any]:
    """The rows of scaling events, oldest first."""
    order = "ORDER BY planned_at, id"
    with connect(where) as connection:
        text = f"SELECT {columns} FROM infrastructure_scaling_events {order}"
        return connection.execute(text.encode()).fetchall()
