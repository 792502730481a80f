"""What goes with pre-scaling and must not hold it up: cache settings, and shortfalls to come.

The worker says what it goes by whenever it has looked, which costs nothing; a thread of its own
brings the cache settings where they changed, and looks ahead now and then.
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta

import msgspec
from kubernetes.client import ApiClient

from gate.cluster.scaling.room import Report
from gate.core.decision import Level
from gate.core.demand import Demand
from gate.core.policy import Capacity, LevelName
from gate.service.keeper.kube import ClusterUnavailable
from gate.service.logs import log
from gate.service.scaling.cache import apply_cache
from gate.service.scaling.room import shortfalls
from gate.store.connect import Target as Store

_LOOK_SECONDS = 0.5
_SAID = 5
"""So many problems are told at once: those of a hundred namespaces are mostly the same."""


class Situation(msgspec.Struct, frozen=True, kw_only=True):
    """What pre-scaling goes by at an instant; ``namespaces`` are those with a target.

    ``demand`` and ``capacity`` are None where no plan is known: nothing is then looked ahead to.
    ``ahead`` and ``hold`` are the plan's, in microseconds; ``namespace`` restricts it to one.
    """

    at: datetime
    level: Level | None
    cache: dict[LevelName, dict[str, str]]
    namespaces: frozenset[str]
    demand: Demand | None
    capacity: Capacity | None
    ahead: int
    hold: int
    namespace: str | None = None


class Amiss(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that a person should know: ``about`` names it, the same for as long as it lasts."""

    about: str
    summary: str
    detail: str


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """``every``: how often it is looked ahead, for ``days``; ``retry``: after what failed."""

    days: int = 7
    every: timedelta = timedelta(hours=1)
    retry: timedelta = timedelta(minutes=2)


class Beside:
    """A `Worker`. ``tell`` hears all that is amiss, whenever that may have changed."""

    name = "prescale-beside"

    def __init__(
        self,
        connect: Callable[[], ApiClient],
        tell: Callable[[Sequence[Amiss]], None],
        *,
        store: Store | None = None,
        pace: Pace = Pace(),  # noqa: B008 - frozen
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._connect = connect
        self._tell = tell
        self._store = store
        self._pace = pace
        self._monotonic = monotonic
        self._wake = threading.Event()
        self._situation: Situation | None = None
        self._cached: list[Amiss] = []
        self._foreseen: list[Amiss] = []
        self._cache_due = self._look_due = 0.0
        self._seen: tuple[object, ...] = ()
        self._afresh = False

    def know(self, situation: Situation | None) -> None:
        """What holds now; None: somebody else is in charge, and nothing is done."""
        before, self._situation = self._situation, situation
        if situation is None:
            self._afresh = True
        if situation is None or before is None or _basis(before) != _basis(situation):
            self._wake.set()

    def run(self, stop: threading.Event) -> None:
        """Work until told to stop."""
        while not stop.is_set():
            self._wake.clear()
            if self._afresh:
                self._afresh = False
                self._forget()
            situation = self._situation
            if situation is not None:
                self._round(situation)
            self._wake.wait(_LOOK_SECONDS)

    def _forget(self) -> None:
        """Nothing is remembered: whoever was in charge meanwhile may have done anything."""
        self._seen = ()
        self._cached, self._foreseen = [], []
        self._cache_due = self._look_due = 0.0

    def _round(self, situation: Situation) -> None:
        """What is due. A change of what it goes by makes everything due at once."""
        seen = _basis(situation)
        if seen != self._seen:
            self._seen = seen
            self._cache_due = self._look_due = 0.0
        now = self._monotonic()
        brings, looks = now >= self._cache_due, now >= self._look_due
        if brings:
            self._cache_due = now + self._until_next(self._bring(situation))
        if looks:
            self._look_due = now + self._until_next(self._look_ahead(situation))
        # Whoever took over meanwhile tells it.
        if (brings or looks) and self._situation is not None:
            self._tell([*self._cached, *self._foreseen])

    def _until_next(self, went_well: bool) -> float:
        return (self._pace.every if went_well else self._pace.retry).total_seconds()

    def _bring(self, situation: Situation) -> bool:
        """Bring the cache settings; whether all of them stand."""
        with self._connect() as client:
            run = apply_cache(
                client,
                situation.cache,
                situation.level,
                situation.namespaces,
                at=situation.at,
                store=self._store,
            )
        problems = () if run is None else run.problems
        summary = "cache settings are not as planned"
        self._cached = []
        if problems:
            detail = "; ".join(problems[:_SAID])
            self._cached.append(Amiss(about="cache", summary=summary, detail=detail))
        return not problems

    def _look_ahead(self, situation: Situation) -> bool:
        """Judge the days to come, where a plan is known; False where that was not possible."""
        if situation.demand is None or situation.capacity is None:
            self._foreseen = []
            return True
        try:
            with self._connect() as client:
                report = shortfalls(
                    client,
                    situation.demand,
                    situation.capacity,
                    at=situation.at,
                    span=timedelta(days=self._pace.days),
                    namespace=situation.namespace,
                    ahead=situation.ahead,
                    hold=situation.hold,
                )
        except ClusterUnavailable as error:
            summary = "whether the floors to come will fit is not known"
            self._foreseen = [Amiss(about="capacity", summary=summary, detail=str(error))]
            return False
        if self._situation is not None:
            log("capacity-foreseen", level=report.level, needed=report.peak.needed,
                at=str(report.peak.at), short=report.short)  # fmt: skip
        self._foreseen = list(amiss(report))
        return True


def amiss(report: Report) -> Iterator[Amiss]:
    """The shortfalls of a report, one of the whole and one a target and cause."""
    beyond = [finding for room, finding in report.shortfalls() if room is None]
    if beyond:
        yield Amiss(
            about="capacity/ceiling",
            summary="the coming days need more replicas than the ceiling",
            detail="; ".join(f"{each.message}: {each.mend}" for each in beyond),
        )
    for room, finding in report.shortfalls():
        if room is not None:
            place = f"{room.kind}/{room.namespace}/{room.name}"
            yield Amiss(
                about=f"capacity/{finding.code}/{place}",
                summary=f"a floor of the coming days will not stand: {finding.code}",
                detail=f"{finding.message}: {finding.mend}",
            )


def _basis(situation: Situation) -> tuple[object, ...]:
    """What makes another look worth while; the instant alone does not."""
    return (
        situation.level,
        situation.cache,
        situation.namespaces,
        id(situation.demand),
        situation.capacity,
    )
