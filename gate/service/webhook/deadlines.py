"""Deadlines of many requests, looked after together.

A timer for each costs as much as a decision does. Here they are noted in a dictionary that is
looked through some fifty times a second: a deadline is kept to within a fiftieth of a second.
"""

import asyncio
from typing import Any

_LOOK_SECONDS = 0.02


class Deadlines:
    """Cancels futures, tasks among them, that are not done by their deadline."""

    def __init__(self) -> None:
        self._waiting: dict[asyncio.Future[Any], float] = {}

    def watch(self, future: asyncio.Future[Any], at: float) -> None:
        """Cancel ``future``, once, at ``at`` (of its loop's clock) unless forgotten by then."""
        self._waiting[future] = at

    def forget(self, future: asyncio.Future[Any]) -> None:
        """It has no deadline any more."""
        self._waiting.pop(future, None)

    async def run(self) -> None:
        """Look after them, for ever."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            now = loop.time()
            for future in [each for each, at in self._waiting.items() if at <= now]:
                del self._waiting[future]
                future.cancel()
