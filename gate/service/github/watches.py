"""The watches of a server: one for each repository that GitHub delivers of.

A repository is watched from its first delivery on, and after a restart for as long as its
deliveries are remembered.
"""

import queue
import random
import threading
import time
from collections.abc import Callable, Iterable

from gate.core.backoff import Backoff
from gate.core.decision import Request
from gate.core.policy import Action
from gate.github.client import Connection
from gate.github.timing import RealTiming
from gate.service.github.watch import Judge, Report, Watch
from gate.service.logs import log
from gate.store.connect import Target, store_errors
from gate.store.errors import StoreUnavailable
from gate.store.patience import answered_within, line
from gate.store.queries import query

LOOK_SECONDS = 0.5
_ANSWER_SECONDS = 10.0
_FIRST_RETRY_SECONDS, _LONGEST_RETRY_SECONDS = 1.0, 60.0


def delivered_of(where: Target) -> list[str]:
    """The repositories of the deliveries that are remembered. Raises `StoreUnavailable`."""
    with (
        line(where, _ANSWER_SECONDS) as connection,
        store_errors(),
        answered_within(connection, _ANSWER_SECONDS),
    ):
        return [name for (name,) in connection.execute(query("github", "repositories"))]


class Watches:
    """Watches repositories until told to stop; `resync` says of which, and what to look at."""

    name = "github-checks"

    def __init__(
        self, connection: Connection, judge: Judge, *, known: Callable[[], Iterable[str]]
    ) -> None:
        self._connection = connection
        self._judge = judge
        self._known = known
        self._asked: queue.SimpleQueue[tuple[str, str | None]] = queue.SimpleQueue()

    def resync(self, repository: str, sha: str | None) -> None:
        """Have a repository looked at within seconds, and this commit (None: none in particular)
        read anew. From any thread.
        """
        self._asked.put((repository, sha))

    def run(self, stop: threading.Event) -> None:
        """Work until ``stop`` is set."""
        watches: dict[str, Watch] = {}
        threads: list[threading.Thread] = []
        backoff = Backoff(_FIRST_RETRY_SECONDS, _LONGEST_RETRY_SECONDS, random.random)
        read_at: float | None = time.monotonic()
        while not stop.is_set():
            if read_at is not None and time.monotonic() >= read_at:
                read_at = self._recall(backoff)
            try:
                repository, sha = self._asked.get(timeout=LOOK_SECONDS)
            except queue.Empty:
                continue
            watch = watches.get(repository.casefold())
            if watch is None:
                watch = watches[repository.casefold()] = self._made(repository, stop)
                threads.append(threading.Thread(target=_follow, args=[watch, stop], daemon=True))
                threads[-1].start()
            watch.resync(sha)
        for thread in threads:
            thread.join()

    def _recall(self, backoff: Backoff) -> float | None:
        """Ask for what was watched before a restart; when to try again, where that failed."""
        try:
            for repository in self._known():
                self.resync(repository, None)
        except StoreUnavailable as error:
            log("github-repositories-unknown", error=str(error))
            return time.monotonic() + backoff.next_seconds()
        return None

    def _made(self, repository: str, stop: threading.Event) -> Watch:
        def told(report: Report) -> None:
            swept = report.swept
            if swept.changed or not swept.complete:
                log("github-checks", repository=repository, complete=swept.complete,
                    changed=sum(each.changed for each in swept.outcomes), stopped=swept.stopped,
                    calls=swept.calls, decision=report.decision.id)  # fmt: skip

        return Watch(
            self._connection,
            Request(action=Action.DEPLOY, invoker="automation", repository=repository),
            self._judge,
            timing=RealTiming(stop),
            told=told,
        )


def _follow(watch: Watch, stop: threading.Event) -> None:
    backoff = Backoff(_FIRST_RETRY_SECONDS, _LONGEST_RETRY_SECONDS, random.random)
    while not stop.is_set():
        try:
            watch.run(stop)
        # One repository's trouble is not the others'; the next sweep begins anew.
        except Exception as error:
            log("github-checks-interrupted", error=f"{type(error).__name__}: {error}")
            stop.wait(backoff.next_seconds())
