"""How long to wait before the next attempt."""

from collections.abc import Callable


class Backoff:
    """Doubles from ``first_seconds`` to ``longest_seconds``; each wait is half to all of that.

    ``share`` answers with a random number from 0 to 1: those who failed together do not come back
    in step. Who is alone needs none, and always waits all of it.
    """

    def __init__(
        self,
        first_seconds: float,
        longest_seconds: float,
        share: Callable[[], float] = lambda: 1.0,
    ) -> None:
        self._first_seconds = first_seconds
        self._longest_seconds = longest_seconds
        self._share = share
        self._seconds = first_seconds

    def next_seconds(self) -> float:
        """The wait before the next attempt."""
        seconds = self._seconds * (0.5 + 0.5 * self._share())
        self._seconds = min(2 * self._seconds, self._longest_seconds)
        return seconds

    def reset(self) -> None:
        """Begin anew: an attempt has succeeded."""
        self._seconds = self._first_seconds
