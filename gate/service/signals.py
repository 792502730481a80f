"""Signals that ask a process to end."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


def set_on(stop: threading.Event, *numbers: signal.Signals) -> None:
    """Set ``stop`` when one of these signals comes.

    A handler runs in the main thread, in the middle of whatever that does, which may be the setting
    of, or the waiting for, this very event with its lock taken. So another thread sets it.
    """

    def handle(*_: object) -> None:
        threading.Thread(target=stop.set, name="signal", daemon=True).start()

    for number in numbers:
        signal.signal(number, handle)


@contextmanager
def stopped_by_signals(stop: threading.Event) -> Iterator[None]:
    """SIGTERM and SIGINT set ``stop`` while the block runs."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    set_on(stop, *before)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
