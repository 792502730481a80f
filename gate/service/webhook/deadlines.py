"""Deadlines of many requests, looked after together.

A timer for each costs as much as a decision does. Here they are noted in a dictionary that is
looked through some fifty times a second: a deadline is kept to within a fiftieth of a second.
"""

import asyncio
from typing import Any

_LOOK_SECONDS = 0.02


class Deadlines:
    """Cancels tasks that are not done by their deadline."""

    def __init__(self) -> None:
        self._tasks: dict[asyncio.Task[Any], float] = {}

    def watch(self, task: asyncio.Task[Any], at: float) -> None:
        """Cancel ``task``, once, at ``at`` (of its loop's clock) unless it is forgotten by then."""
        self._tasks[task] = at

    def forget(self, task: asyncio.Task[Any]) -> None:
        """It has no deadline any more."""
        self._tasks.pop(task, None)

    async def run(self) -> None:
        """Look after them, for ever."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            now = loop.time()
            for task in [each for each, at in self._tasks.items() if at <= now]:
                del self._tasks[task]
                task.cancel()
