"""Decisions that were recorded and may not be in the ledger yet, for those who ask at once."""

import threading
from collections import OrderedDict
from collections.abc import Iterable

from gate.core.decision import Decision

MOST = 20_000
"""As many as a journal may hold back in the time that anybody looks for them here."""


class Recent:
    """The newest ``most`` decisions of this process that nobody has seen in the ledger yet.

    May be used by several threads.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._decisions: OrderedDict[str, Decision] = OrderedDict()

    def add(self, decision: Decision) -> None:
        """Note one that was recorded just now."""
        with self._lock:
            self._decisions[decision.id] = decision
            if len(self._decisions) > self._most:
                self._decisions.popitem(last=False)

    def get(self, identifier: str) -> Decision | None:
        """The one of this id."""
        with self._lock:
            return self._decisions.get(identifier)

    def newest_first(self) -> list[Decision]:
        """All of them."""
        with self._lock:
            return list(reversed(self._decisions.values()))

    def forget(self, identifiers: Iterable[str]) -> None:
        """These are in the ledger."""
        with self._lock:
            for identifier in identifiers:
                self._decisions.pop(identifier, None)
