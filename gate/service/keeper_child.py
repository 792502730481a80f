"""The keeper as a child of a server that is one process: started, looked after, ended."""

import asyncio
import signal
import subprocess
import sys

from gate.service.keeper.config import KeeperConfig, encode
from gate.service.logs import log

_LOOK_SECONDS = 0.5
_MORE_SECONDS = 10.0


class KeeperChild:
    """Runs ``python -m gate.service.keeper``, and another one where that ends by itself.

    For the main thread's event loop: on Linux the child ends with the thread that started it.
    """

    def __init__(self, config: KeeperConfig) -> None:
        self._config = config
        self._process: subprocess.Popen[bytes] | None = None
        self._ending = False

    def start(self) -> None:
        """Start it."""
        # It inherits this: a SIGTERM while it still starts must not keep it from shipping.
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        try:
            self._process = process = subprocess.Popen(
                [sys.executable, "-m", "gate.service.keeper", "-"], stdin=subprocess.PIPE
            )
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        assert process.stdin is not None
        # The settings hold the database's address: arguments are seen by everyone.
        process.stdin.write(encode(self._config) + b"\n")
        process.stdin.flush()

    async def look_after(self) -> None:
        """Start another one whenever it has ended, for ever."""
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            if not self._ending and self._process is not None:
                code = self._process.poll()
                if code is not None:
                    log("keeper-died", code=code)
                    self._close_input(self._process)
                    self.start()

    async def end(self) -> bool:
        """Have it ship what is there, and end; whether it did, in the time that it has for that."""
        self._ending = True
        process = self._process
        if process is None:
            return True
        process.terminate()
        seconds = self._config.drain_seconds + _MORE_SECONDS
        try:
            code = await asyncio.to_thread(process.wait, seconds)
        except subprocess.TimeoutExpired:
            log("keeper-killed", why=f"not done after {seconds:.0f} s")
            process.kill()
            code = await asyncio.to_thread(process.wait)
        self._close_input(process)
        return code == 0

    @staticmethod
    def _close_input(process: "subprocess.Popen[bytes]") -> None:
        if process.stdin is not None:
            process.stdin.close()
