"""Ids of what is answered and not recorded: they name no row of the ledger."""

import os
import time
from collections.abc import Callable

from gate.core.ids import RANDOM_BYTES, uuid7

_POOL = 4096


class Identifiers:
    """UUIDv7 of the present moment; random bytes are drawn in bulk.

    ``clock`` gives nanoseconds since 1970, ``random`` as many random bytes as it is asked for.
    Not safe to share between threads.
    """

    def __init__(
        self,
        clock: Callable[[], int] = time.time_ns,
        random: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self._clock = clock
        self._random = random
        self._pool = b""
        self._at = 0

    def next(self) -> str:
        """A new identifier."""
        at = self._at
        if at >= len(self._pool):
            self._pool, at = self._random(RANDOM_BYTES * _POOL), 0
        self._at = at + RANDOM_BYTES
        return uuid7(self._clock() // 1_000_000, self._pool[at : at + RANDOM_BYTES])
