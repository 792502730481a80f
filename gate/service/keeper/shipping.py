"""The journal is shipped, and how far it has come is told."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from gate.journal.layout import SUFFIX
from gate.journal.shipper import Shipper
from gate.service.clock import utc_now
from gate.service.feed import Shipping
from gate.service.logs import log
from gate.store.connect import Target

UNSHIPPED = "no database is named: what the journal holds stays there"
STUCK_SECONDS = 120.0
"""No step of shipping takes as long: it waits for an answer that will not come."""
_TELL_SECONDS = 1.0


class Shipments:
    """Ships a folder and publishes its state, about once a second while it changes.

    ``where`` None: nothing is shipped, which is said. ``on_stuck`` is called where shipping has
    made no step for ``stuck_seconds``: a thread that waits for ever ends only with its process.
    """

    def __init__(
        self,
        folder: str,
        where: Target | None,
        publish: Callable[[Shipping], None],
        *,
        on_stuck: Callable[[], None],
        stuck_seconds: float = STUCK_SECONDS,
    ) -> None:
        self._folder = Path(folder)
        self._publish = publish
        self._shipper = (
            None
            if where is None
            else Shipper(self._folder, where, say=lambda said: log("journal", said=said))
        )
        self._on_stuck = on_stuck
        self._stuck_seconds = stuck_seconds
        self._told: Shipping | None = None
        self._error: str | None = None

    @property
    def left(self) -> int:
        """Records that wait, as of the last look."""
        return self._shipper.state.depth if self._shipper is not None else 0

    def run(self, stop: threading.Event) -> None:
        """Ship until told to stop, and then what is there, for a bounded time."""
        if self._shipper is None:
            log("nothing-is-shipped", said=UNSHIPPED)
            while not stop.wait(_TELL_SECONDS):
                self._tell()
            return
        over = threading.Event()
        telling = threading.Thread(target=self._tell_until, args=[over], daemon=True)
        telling.start()
        try:
            self._shipper.run(stop)
        finally:
            over.set()
            telling.join()

    def _tell_until(self, over: threading.Event) -> None:
        assert self._shipper is not None
        state, stepped_at = self._shipper.state, time.monotonic()
        ended = False
        while not ended:
            self._tell()
            # Each step leaves a state of its own, an equal one, too.
            if self._shipper.state is not state:
                state, stepped_at = self._shipper.state, time.monotonic()
            elif time.monotonic() - stepped_at > self._stuck_seconds:
                log("shipping-stuck", seconds=self._stuck_seconds)
                self._on_stuck()
                stepped_at = time.monotonic()
            ended = over.wait(_TELL_SECONDS)
        self._tell()

    def _tell(self) -> None:
        now = self._state()
        if now.trouble != self._error:
            log("shipping", trouble=now.trouble)
            self._error = now.trouble
        if now != self._told:
            self._told = now
            self._publish(now)

    def _state(self) -> Shipping:
        if self._shipper is None:
            return Shipping(depth_bytes=self._bytes(), trouble=UNSHIPPED)
        state = self._shipper.state
        oldest = state.oldest_at
        age = (utc_now() - oldest).total_seconds() if oldest is not None else 0.0
        return Shipping(
            depth_records=state.depth,
            depth_bytes=self._bytes(),
            oldest_seconds=max(round(age, 3), 0.0),
            shipped_total=state.shipped,
            refused=state.refused,
            damaged=state.damaged,
            trouble=state.last_error,
        )

    def _bytes(self) -> int:
        total = 0
        with suppress(OSError):
            for path in self._folder.iterdir():
                with suppress(OSError):
                    if path.suffix == SUFFIX:
                        total += path.stat().st_size
        return total
