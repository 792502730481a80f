"""The worker of the fallback lock: keeps it compiled and installed, and stands it aside.

Two loops in threads of their own, so that neither a slow database nor a long compilation keeps the
other from its time.
"""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from gate.cluster.fallback.documents import NAME, POLICY_KIND, PREFIX, Lock, Options, compile_lock
from gate.cluster.fallback.segments import Segments
from gate.core.instants import parse_instant
from gate.core.problems import InputError
from gate.inputs import Compiled
from gate.service.clock import utc_now
from gate.service.fallback.aside import Pace, StandingAside, lease_trouble
from gate.service.fallback.board import Board
from gate.service.fallback.cluster import Cluster
from gate.service.fallback.inputs import Following
from gate.service.keeper.kube import ClusterUnavailable
from gate.service.logs import log

SHORT = timedelta(weeks=2)
"""With fewer compiled weeks left there is an alert."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """How the lock is compiled, and how often what is looked at.

    ``look``: inputs; ``recompile``: what has not changed, to move the weeks on; ``reapply``: the
    cluster's objects are put right again.
    """

    weeks: int = 12
    environment: str | None = None
    own_namespace: str
    metrics: Path | None = None
    look: timedelta = timedelta(seconds=2)
    recompile: timedelta = timedelta(days=1)
    reapply: timedelta = timedelta(minutes=10)
    pace: Pace = Pace()


class Worker:
    """Keeps one cluster's lock. ``clock`` is the time that the weeks are counted from."""

    def __init__(
        self,
        cluster: Cluster,
        inputs: Following,
        settings: Settings,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self.board = Board()
        self._cluster = cluster
        self._inputs = inputs
        self._settings = settings
        self._clock = clock
        self._compiled: Compiled | None = None
        self._lock: Lock | None = None
        self._compiled_at: datetime | None = None
        self._applied_at: datetime | None = None
        self._installed_until: datetime | None = None
        self._aside = StandingAside(cluster, self.segments, self.board, settings.pace)

    def segments(self) -> Segments | None:
        """What is compiled now."""
        return None if self._lock is None else self._lock.segments

    def run(self, stop: threading.Event) -> None:
        """Keep the lock until told to stop. What is given until then ends by itself."""
        log("fallback-started", weeks=self._settings.weeks)
        aside = threading.Thread(target=self._aside.run, args=[stop], name="aside", daemon=True)
        aside.start()
        while not stop.is_set():
            try:
                self.round()
            # What is installed holds on its own; the next round may go well.
            except Exception as error:
                self.board.alert("worker", f"a defect: {type(error).__name__}: {error}")
            else:
                self.board.alert("worker", None)
            stop.wait(self._settings.look.total_seconds())
        aside.join(timeout=self._settings.pace.renewal.total_seconds())
        log("fallback-ended")

    def round(self) -> bool:
        """Compile and install what has changed; whether the lock is installed as it should be."""
        self._compile(self._clock())
        self._apply(self._clock())
        self._note_weeks(self._clock())
        if self._settings.metrics is not None:
            self.board.write(self._settings.metrics)
        return self._lock is not None and self._applied_at is not None

    def _compile(self, now: datetime) -> None:
        fresh = self._inputs.look()
        self.board.alert("inputs", self._inputs.trouble)
        self.board.alert("database", self._inputs.lost)
        if fresh is not None:
            self._compiled = fresh
        elif self._compiled_at is None or now - self._compiled_at < self._settings.recompile:
            return
        if self._compiled is None:
            return
        options = Options(
            at=now,
            weeks=self._settings.weeks,
            environment=self._settings.environment,
            own_namespace=self._settings.own_namespace,
        )
        self._compiled_at = now
        sha256 = self._compiled.facts.calendar.sha256
        try:
            self._lock = compile_lock(self._compiled.timeline, sha256, options)
        except InputError as error:
            self.board.alert("compile", str(error))
            return
        self.board.alert("compile", None)
        self._applied_at = None

    def _apply(self, now: datetime) -> None:
        if self._lock is None:
            return
        if self._applied_at is not None and now - self._applied_at < self._settings.reapply:
            return
        try:
            self._check_clocks()
            for document in self._lock.documents:
                self._cluster.put(document)
        except ClusterUnavailable as error:
            self.board.alert("apply", str(error))
            return
        self.board.alert("apply", None)
        if self._applied_at is None:
            log("applied", until=self._lock.until, policy=self._compiled_sha256())
        self._applied_at, self._installed_until = now, self._lock.until
        self.board.figure("applied_seconds", now.timestamp())

    def _check_clocks(self) -> None:
        """A lock without a clock refuses everything at any time: it is not to be installed."""
        seen = self._cluster.seen()
        if not any(each.renewed for each in seen.readings):
            raise ClusterUnavailable(f"not installed: {lease_trouble(seen)}")

    def _note_weeks(self, now: datetime) -> None:
        """Alert where the lock in the cluster ends soon, whoever installed it."""
        until = self._installed_until or self._read_until()
        if until is None:
            self.board.alert("weeks", "the fallback lock is not installed")
            return
        self.board.figure("compiled_until_seconds", until.timestamp())
        left = until - now
        said = f"the fallback lock knows windows for {max(left, timedelta(0)).days} more days only"
        self.board.alert("weeks", said if left < SHORT else None)

    def _read_until(self) -> datetime | None:
        try:
            document = self._cluster.read(POLICY_KIND, NAME)
        except ClusterUnavailable:
            return None
        return None if document is None else compiled_until(document)

    def _compiled_sha256(self) -> str | None:
        return None if self._compiled is None else self._compiled.policy.sha256


def compiled_until(document: dict[str, object]) -> datetime | None:
    """Until when an installed policy knows windows; None where it does not say."""
    metadata = document.get("metadata")
    notes = metadata.get("annotations") if isinstance(metadata, dict) else None
    text = notes.get(f"{PREFIX}/compiled-until") if isinstance(notes, dict) else None
    try:
        return parse_instant(text) if isinstance(text, str) else None
    except ValueError:
        return None
