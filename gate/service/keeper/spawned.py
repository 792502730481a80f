"""The keeper as whoever starts it sees it: a process that is told its settings, and to end."""

import signal
import subprocess
import sys

from gate.service.logs import log

ENDING_SECONDS = 30.0


class Spawned:
    """A keeper in a process of its own, from its start on.

    It ends with the thread that made this, or where this process ends.
    """

    def __init__(self, config: bytes) -> None:
        """``config`` are its settings as `gate.service.keeper.config.encode` gives them."""
        # It inherits this: a SIGTERM while it still starts must not keep it from shipping.
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "gate.service.keeper", "-"], stdin=subprocess.PIPE
            )
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        assert self._process.stdin is not None
        self._process.stdin.write(config + b"\n")
        self._process.stdin.flush()

    def ended(self) -> int | None:
        """Its exit code; None while it runs."""
        return self._process.poll()

    def end(self) -> None:
        """It ships what was journaled; what it does not ship now, the next one does."""
        process = self._process
        process.terminate()
        try:
            process.wait(ENDING_SECONDS)
        except subprocess.TimeoutExpired:
            log("keeper-killed", why=f"not done after {ENDING_SECONDS:.0f} s")
            process.kill()
            process.wait()
        if process.stdin is not None:
            process.stdin.close()
