"""Calls of an API server from many threads: patient where it is busy, brief where it is gone."""

import random
import threading
import time
from collections.abc import Callable
from typing import Any

import msgspec

from gate.core.backoff import Backoff
from gate.service.keeper.kube import ClusterUnavailable, Refused, called

TOO_MANY = 429
_BUSY = frozenset({500, 502, 503, 504})


class Patience(msgspec.Struct, frozen=True, kw_only=True):
    """For how long, in seconds, a run tries again; one error of the server, so many times.

    ``busy``: from the first call of the run on, where the server asks for less (429).
    ``unreachable``: since it answered last, whichever thread asked.
    """

    busy: float = 60.0
    unreachable: float = 8.0
    errors: int = 5
    first_retry: float = 0.2
    longest_retry: float = 3.0


class Caller:
    """Makes the calls of one run; any thread may use it. ``calls`` is how many were sent."""

    def __init__(
        self,
        patience: Patience = Patience(),  # noqa: B008 - frozen
        *,
        monotonic: Callable[[], float] = time.monotonic,
        wait: Callable[[float], object] | None = None,
        share: Callable[[], float] = random.random,
    ) -> None:
        self._patience = patience
        self._monotonic = monotonic
        self._stopped = threading.Event()
        self._wait = wait or self._stopped.wait
        self._share = share
        self._lock = threading.Lock()
        self._began = monotonic()
        self._lost_since: float | None = None
        self._gone: tuple[float, ClusterUnavailable] | None = None
        self._quiet_until = 0.0
        self.calls = 0

    def __call__(self, what: str, call: Callable[[], Any]) -> Any:
        """The answer, after retries. Raises `Refused`, or `ClusterUnavailable` of what came last.

        An answer that is lost on its way is asked for again: a call must bear being made twice.
        Once the server has been given up, other calls fail at once, until as long again has passed.
        """
        patience, errors = self._patience, 0
        backoff = Backoff(patience.first_retry, patience.longest_retry, self._share)
        while True:
            self._keep_quiet()
            self._count(what)
            try:
                answer = called(what, call)
            except Refused as error:
                self._answered()
                errors += 1
                if not self._may_retry(error, errors):
                    raise
                self._heed(error)
                self._wait(backoff.next_seconds())
            except ClusterUnavailable as error:
                if self._is_gone(error):
                    raise
                self._wait(backoff.next_seconds())
            else:
                self._answered()
                return answer

    def stop(self) -> None:
        """Let no more calls begin, and nobody wait."""
        self._stopped.set()

    def _count(self, what: str) -> None:
        if self._stopped.is_set():
            raise ClusterUnavailable(f"cannot {what}: told to stop")
        now = self._monotonic()
        with self._lock:
            if self._gone is not None and now - self._gone[0] < self._patience.unreachable:
                raise ClusterUnavailable(str(self._gone[1])) from self._gone[1]
            self.calls += 1

    def _may_retry(self, error: Refused, errors: int) -> bool:
        within = self._monotonic() - self._began < self._patience.busy
        if error.status == TOO_MANY:
            return within
        return error.status in _BUSY and within and errors < self._patience.errors

    def _heed(self, error: Refused) -> None:
        """The pause that the server asks for holds for every thread."""
        seconds = error.retry_after_seconds
        if seconds > 0:
            with self._lock:
                self._quiet_until = max(self._quiet_until, self._monotonic() + seconds)

    def _keep_quiet(self) -> None:
        with self._lock:
            left = self._quiet_until - self._monotonic()
        if left > 0:
            # Not all at once when it is over.
            self._wait(left + 0.5 * self._share())

    def _answered(self) -> None:
        with self._lock:
            self._lost_since = self._gone = None

    def _is_gone(self, error: ClusterUnavailable) -> bool:
        now = self._monotonic()
        with self._lock:
            if self._lost_since is None:
                self._lost_since = now
            if now - self._lost_since >= self._patience.unreachable:
                self._gone = now, error
            return self._gone is not None
