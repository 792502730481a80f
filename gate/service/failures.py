"""What has failed and is not mended yet, said in the log and kept in ``infrastructure_failures``.

A failure is a component that is not well; it is opened once however often it is told, its words may
change, and it is resolved when the component is well again. All of it works without a database.
"""

import os
import threading
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Literal

import msgspec

from gate.core.ids import RANDOM_BYTES, uuid7
from gate.service.clock import utc_now
from gate.service.logs import log
from gate.service.outbox import Outbox, Write

Severity = Literal["info", "warning", "critical"]
_FILE = "failures"


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """``component`` is who is not well, ``summary`` what it is (the same words each time),
    ``detail`` what may change meanwhile."""

    component: str
    severity: Severity
    summary: str
    detail: str = ""


class Failures:
    """The failures of one process, whose components all begin with ``prefix``."""

    def __init__(
        self, outbox: Outbox, *, by: str, prefix: str, clock: Callable[[], datetime] = utc_now
    ) -> None:
        self._outbox = outbox
        self._by = by
        self._prefix = prefix
        self._clock = clock
        self._open: dict[str, Failure] = {}
        self._guard = threading.Lock()

    @property
    def open(self) -> Mapping[str, Failure]:
        """What is open now, by component."""
        with self._guard:
            return dict(self._open)

    def tell(self, failure: Failure) -> bool:
        """Open it, or change its words; True where this is news. Another of its component ends."""
        with self._guard:
            before = self._open.get(failure.component)
            if before == failure:
                return False
            self._open[failure.component] = failure
        if before is not None and before.summary != failure.summary:
            self._outbox.put(self._resolved(failure.component, f"became: {failure.summary}"))
        fields = msgspec.structs.asdict(failure)
        at = self._clock()
        row = {
            "id": uuid7(int(at.timestamp() * 1000), os.urandom(RANDOM_BYTES)),
            "at": at,
            **fields,
        }
        self._outbox.put(Write(_FILE, "open_failure", row))
        news = before is None or before.summary != failure.summary
        if news:
            log("failure", **fields)
        return news

    def well(self, component: str, remedy: str = "it is well again") -> bool:
        """Resolve the component's failure; True where there was one."""
        with self._guard:
            before = self._open.pop(component, None)
        if before is None:
            return False
        log("failure-over", component=component, summary=before.summary, remedy=remedy)
        self._outbox.put(self._resolved(component, remedy))
        return True

    def only(self, components: Iterable[str], remedy: str) -> None:
        """Resolve what an earlier process left open, all but these components and the open ones."""
        kept = sorted({*components, *self.open})
        values = {"prefix": self._prefix, "kept": kept, "by": self._by, "remedy": remedy}
        self._outbox.put(Write(_FILE, "resolve_others", {**values, "at": self._clock()}))

    def _resolved(self, component: str, remedy: str) -> Write:
        values = {"component": component, "by": self._by, "remedy": remedy, "at": self._clock()}
        return Write(_FILE, "resolve_failure", values)
