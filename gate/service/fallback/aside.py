"""Standing aside: while the webhook answers, the lock leaves the judgement to it.

Only the webhook knows overrides and rollbacks. So while a lock holds, or is near, the webhook is
probed through the API server; as long as it answers, every protected namespace gets an instant
shortly ahead until which the policy lets everything pass. When it does not answer any more, what
was given is taken back; where that cannot be done, it ends by itself.
"""

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import msgspec

from gate.cluster.fallback.segments import Segments
from gate.cluster.fallback.times import STANDBY_UNTIL, instant_text
from gate.service.fallback.board import Board
from gate.service.fallback.cluster import Cluster, Place, Seen
from gate.service.keeper.kube import ClusterUnavailable
from gate.service.logs import log

_PARALLEL = 8


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """``standby`` is how far ahead an instant lies, ``renewal`` how often it is written anew,
    ``ahead`` how long before a lock that begins. A probe is tried ``attempts`` times, ``gap``
    apart: one replica that is replaced is no failure.
    """

    standby: timedelta = timedelta(seconds=30)
    renewal: timedelta = timedelta(seconds=10)
    ahead: timedelta = timedelta(minutes=1)
    attempts: int = 3
    gap: timedelta = timedelta(seconds=1)


class StandingAside:
    """Runs until told to stop; ``segments`` answers with what is compiled now, or None."""

    def __init__(
        self,
        cluster: Cluster,
        segments: Callable[[], Segments | None],
        board: Board,
        pace: Pace = Pace(),  # noqa: B008 - frozen
    ) -> None:
        self._cluster = cluster
        self._segments = segments
        self._board = board
        self._pace = pace
        self._turn = 0
        self._given: frozenset[str] = frozenset()

    def run(self, stop: threading.Event) -> None:
        """A round every ``renewal``, whatever happens in one."""
        while not stop.is_set():
            try:
                self.round(stop)
            except ClusterUnavailable as error:
                self._board.alert("cluster", str(error))
            # Without these rounds the lock would never stand aside: they go on whatever happens.
            except Exception as error:
                self._board.alert("cluster", f"a defect: {type(error).__name__}: {error}")
            else:
                self._board.alert("cluster", None)
            stop.wait(self._pace.renewal.total_seconds())

    def round(self, stop: threading.Event) -> None:
        """Write the instants anew where a lock holds or is near and the webhook answers.

        Raises `ClusterUnavailable`.
        """
        segments = self._segments()
        seen = self._cluster.seen()
        self._note(seen)
        if segments is None or not self._near(segments, seen):
            self._given = frozenset()
            return
        places = self._cluster.places()
        self._board.figure("namespaces", len(places))
        if not places:
            return
        answered_at = self._answered(places, stop)
        self._board.figure("webhook_answers", answered_at is not None)
        if answered_at is not None:
            self._board.alert("webhook", None)
            self._give(places, answered_at + self._pace.standby)
        else:
            self._board.alert("webhook", "the webhook does not answer: the fallback lock judges")
            self._take_back(places)

    def _near(self, segments: Segments, seen: Seen) -> bool:
        """Whether a lock holds or begins shortly, by the time or by any clock of the lock.

        The Lease of an API server that died during a lock stays there for up to two hours.
        """
        moments = [seen.now, *(each.renewed for each in seen.readings if each.renewed)]
        ahead = int(self._pace.ahead.total_seconds())
        seconds = [int(moment.timestamp()) for moment in moments]
        return not all(segments.quiet(second, second + ahead) for second in seconds)

    def _answered(self, places: list[Place], stop: threading.Event) -> datetime | None:
        """When the webhook answered, None where it did not; each time another place is asked."""
        place = places[self._turn % len(places)]
        self._turn += 1
        for attempt in range(self._pace.attempts):
            if attempt:
                stop.wait(self._pace.gap.total_seconds())
            probe = self._cluster.probe(place.name)
            if probe.answered:
                return probe.now
        return None

    def _give(self, places: list[Place], until: datetime) -> None:
        text = instant_text(int(until.timestamp())) + "Z"
        given = self._write((place.name for place in places), text)
        if given and not self._given:
            log("standing-aside", namespaces=len(given))
        self._given = given
        self._board.figure("standby_until_seconds", until.timestamp())

    def _take_back(self, places: list[Place]) -> None:
        held = [place.name for place in places if STANDBY_UNTIL in place.annotations]
        if self._given:
            log("standing-aside-ended", namespaces=len(held))
        self._write(held, None)
        self._given = frozenset()
        self._board.figure("standby_until_seconds", 0)

    def _write(self, names: Iterable[str], text: str | None) -> frozenset[str]:
        """Annotate; the namespaces in which that went well. The first failure is an alert."""
        failed: list[ClusterUnavailable] = []

        def one(name: str) -> str | None:
            try:
                self._cluster.annotate(name, {STANDBY_UNTIL: text})
            except ClusterUnavailable as error:
                failed.append(error)
                return None
            return name

        with ThreadPoolExecutor(_PARALLEL) as pool:
            done = frozenset(name for name in pool.map(one, names) if name is not None)
        self._board.alert("standby", str(failed[0]) if failed else None)
        return done

    def _note(self, seen: Seen) -> None:
        known = [each.renewed for each in seen.readings if each.renewed]
        if known:
            self._board.figure("clock_age_seconds", (seen.now - min(known)).total_seconds())
        self._board.alert("leases", lease_trouble(seen))


def lease_trouble(seen: Seen, longest: timedelta = timedelta(minutes=1)) -> str | None:
    """What is wrong with the lock's clocks: there is none, one has no time, or one stands still."""
    if not seen.readings:
        return "the API servers keep no identity Leases: the fallback lock refuses every change"
    for each in seen.readings:
        if each.renewed is None:
            return f"Lease {each.name} has no renewTime: the fallback lock refuses every change"
        age = seen.now - each.renewed
        if age > longest:
            return (
                f"Lease {each.name} was renewed {int(age.total_seconds())} s ago: of an API server"
                " that died? What was locked then stays locked until that Lease is gone"
            )
    return None
