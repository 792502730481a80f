"""How often who may ask: a bucket of tokens for each."""

from collections import OrderedDict
from collections.abc import Callable

_REMEMBERED = 10_000


class Rates:
    """``rate`` a second for each key, ``burst`` at once; ``clock`` gives seconds.

    Of more than ten thousand keys those are forgotten that were heard of least recently.
    """

    def __init__(self, rate: float, burst: int, clock: Callable[[], float]) -> None:
        self._rate = rate
        self._burst = float(burst)
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, key: str) -> float:
        """Seconds to wait before the next try: 0 where this one is in time, and counts."""
        left = self._left(key)
        if left < 1.0:
            return (1.0 - left) / self._rate
        self._keep(key, left - 1.0)
        return 0.0

    def wait(self, key: str) -> float:
        """The same, without counting a try."""
        left = self._left(key)
        return 0.0 if left >= 1.0 else (1.0 - left) / self._rate

    def _left(self, key: str) -> float:
        at, left = self._buckets.get(key, (self._clock(), self._burst))
        return min(self._burst, left + max(self._clock() - at, 0.0) * self._rate)

    def _keep(self, key: str, left: float) -> None:
        self._buckets[key] = (self._clock(), left)
        self._buckets.move_to_end(key)
        if len(self._buckets) > _REMEMBERED:
            self._buckets.popitem(last=False)
