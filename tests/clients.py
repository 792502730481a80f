"""Clients that work without pause while something is done to what they ask."""

import threading
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Self


class Clients:
    """A thread each, from the beginning of the block to its end, which ``over`` tells them."""

    def __init__(self, works: Iterable[Callable[[], None]]) -> None:
        self.over = threading.Event()
        self._threads = [threading.Thread(target=work) for work in works]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.over.set()
        for thread in self._threads:
            thread.join()
