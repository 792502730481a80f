"""Time as an argument: what the clock says, and waiting that can be ended early."""

import threading
import time
from datetime import UTC, datetime
from typing import Protocol


class Timing(Protocol):
    """The clock and the patience of whoever runs."""

    def now(self) -> datetime:
        """The present instant, UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that only go forward."""
        ...

    def wait(self, seconds: float) -> bool:
        """Let time pass; True, and at once, where the end has been asked for."""
        ...


class RealTiming:
    """The machine's clock; ``stop`` ends every wait."""

    def __init__(self, stop: threading.Event | None = None) -> None:
        self.stop = stop or threading.Event()

    def now(self) -> datetime:
        """The present instant, UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds that only go forward."""
        return time.monotonic()

    def wait(self, seconds: float) -> bool:
        """Sleep unless and until ``stop`` is set."""
        return self.stop.wait(max(0.0, seconds))
