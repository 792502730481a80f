"""The background process as the keeper sees it: started, listened to, started again."""

import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress

import msgspec

from gate.core.backoff import Backoff
from gate.service.feed import Message, Shipping, Templates, decode
from gate.service.keeper.config import KeeperConfig
from gate.service.logs import log

ENDED = "the keeper's background process has ended; it is started again"
_PROGRAM = "gate.service.keeper.background"
_LASTING_SECONDS = 60.0
_LOOK_SECONDS = 0.3


class Background:
    """Publishes what the process says; ``drained`` tells how it ended when it was told to."""

    def __init__(self, config: KeeperConfig, publish: Callable[[Message], None]) -> None:
        self._config = config
        self._publish = publish
        self.drained = False

    def run(self, stop: threading.Event) -> None:
        """Keep it running until told to stop; then it ships what there is, for a bounded time.

        It runs at the end in any case: told to stop before it began, or while a dead one waits for
        its successor, there may be something to ship.
        """
        backoff = Backoff(0.2, 10.0, random.random)
        while True:
            began = time.monotonic()
            code = self._run_once(stop)
            if stop.is_set():
                self.drained = code == 0
                return
            log("background-ended", code=code)
            self._publish(Shipping(trouble=ENDED))
            self._publish(Templates(trouble=ENDED))
            if time.monotonic() - began > _LASTING_SECONDS:
                backoff.reset()
            stop.wait(backoff.next_seconds())

    def _run_once(self, stop: threading.Event) -> int:
        process = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", _PROGRAM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # What a terminal sends to whoever runs in it is the supervisor's to act on.
            process_group=0,
        )
        listening = threading.Thread(target=self._listen, args=[process], daemon=True)
        listening.start()
        assert process.stdin is not None
        with suppress(OSError):
            process.stdin.write(msgspec.json.encode(self._config) + b"\n")
            process.stdin.flush()
        while listening.is_alive() and not stop.is_set():
            stop.wait(_LOOK_SECONDS)
        # Its input's end tells it to end.
        with suppress(OSError):
            process.stdin.close()
        try:
            return process.wait(timeout=self._config.drain_seconds)
        except subprocess.TimeoutExpired:
            log("background-killed", after_seconds=self._config.drain_seconds)
            process.kill()
            return process.wait()
        finally:
            listening.join()

    def _listen(self, process: "subprocess.Popen[bytes]") -> None:
        assert process.stdout is not None
        with process.stdout as lines:
            for line in lines:
                with suppress(msgspec.MsgspecError):
                    self._publish(decode(line))
