"""A bound on the bytes that request bodies hold together."""

import asyncio
from collections import deque


class Budget:
    """Bytes that may be held at once; who asks for more than is left waits in turn.

    Not reading is what waiting means here: TCP holds the sender back, and nothing is buffered.
    """

    def __init__(self, total: int) -> None:
        self._left = self._total = total
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    @property
    def held(self) -> int:
        """Bytes that are given out."""
        return self._total - self._left

    async def take(self, size: int) -> None:
        """Wait until ``size`` bytes (at most the total) are this caller's; cancel to give up."""
        if not self._waiting and size <= self._left:
            self._left -= size
            return
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        entry = (size, place)
        self._waiting.append(entry)
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():
                self.give(size)
            else:
                self._waiting.remove(entry)
                self._serve()
            raise

    def give(self, size: int) -> None:
        """Bytes back."""
        self._left += size
        self._serve()

    def _serve(self) -> None:
        while self._waiting and self._waiting[0][0] <= self._left:
            size, place = self._waiting.popleft()
            if not place.done():
                self._left -= size
                place.set_result(None)
