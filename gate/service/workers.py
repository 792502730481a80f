"""Work beside the doors, in threads: watchers of GitHub, and what else follows the clock."""

import random
import threading
from typing import Protocol

from gate.core.backoff import Backoff
from gate.service.logs import log

_FIRST_RETRY_SECONDS, _LONGEST_RETRY_SECONDS = 1.0, 60.0
ENDING_SECONDS = 15.0


class Worker(Protocol):
    """Something that works until it is told to stop."""

    @property
    def name(self) -> str:
        """What the log calls it."""

    def run(self, stop: threading.Event) -> None:
        """Work until ``stop`` is set, and return soon after that."""


class Workers:
    """Runs workers, and again those that end by themselves, later and later."""

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self, worker: Worker) -> None:
        """Run one in a thread of its own."""
        thread = threading.Thread(target=self._run, args=[worker], name=worker.name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def end(self, seconds: float = ENDING_SECONDS) -> None:
        """Have all end; who has not done so after ``seconds`` ends with the process."""
        self._stop.set()
        for thread in self._threads:
            thread.join(seconds)
            if thread.is_alive():
                log("worker-stuck", worker=thread.name)

    def _run(self, worker: Worker) -> None:
        backoff = Backoff(_FIRST_RETRY_SECONDS, _LONGEST_RETRY_SECONDS, random.random)
        while not self._stop.is_set():
            try:
                worker.run(self._stop)
                why = "it returned"
            # The next attempt may succeed; the other workers and the doors go on meanwhile.
            except Exception as error:
                why = f"{type(error).__name__}: {error}"
            if not self._stop.is_set():
                log("worker-ended", worker=worker.name, why=why)
                self._stop.wait(backoff.next_seconds())
