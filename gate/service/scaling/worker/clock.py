"""What time it is: the API server's word, where this machine's clock says something else.

A worker with a wrong clock would raise floors hours late. Its Lease is renewed every second, and
each answer carries the API server's time (``Date``), to the second: so it costs no call.
"""

import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from gate.service.clock import utc_now

TOLERANCE = timedelta(seconds=3)
"""Below this the local clock is taken: the API server tells seconds only, and answers take time."""


class ServerClock:
    """Calling it answers with the time. Safe for several threads."""

    def __init__(
        self,
        local: Callable[[], datetime] = utc_now,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._local = local
        self._monotonic = monotonic
        self._told: tuple[datetime, float] | None = None
        self._guard = threading.Lock()

    def __call__(self) -> datetime:
        """Answer with the local time; where that is off, with the API server's, counted on."""
        local, server = self._local(), self._server()
        return local if server is None or abs(server - local) <= TOLERANCE else server

    @property
    def off(self) -> timedelta | None:
        """By how much the local clock is ahead (negative: behind); None where it is about right."""
        local, server = self._local(), self._server()
        if server is None or abs(server - local) <= TOLERANCE:
            return None
        return local - server

    def hear(self, headers: Mapping[str, str]) -> None:
        """Take the time of an answer that has just come."""
        try:
            told = parsedate_to_datetime(headers.get("Date") or "").astimezone(UTC)
        except (TypeError, ValueError):
            return
        with self._guard:
            # Half of the second that is not told.
            self._told = told + timedelta(seconds=0.5), self._monotonic()

    def _server(self) -> datetime | None:
        with self._guard:
            if self._told is None:
                return None
            told, at = self._told
        return told + timedelta(seconds=self._monotonic() - at)
