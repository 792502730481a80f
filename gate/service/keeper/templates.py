"""What the informer knows of each kind, put together and published."""

import threading
from collections.abc import Callable, Iterable
from itertools import islice

from gate.service.feed import Templates
from gate.service.keeper.told import TEMPLATES_A_MESSAGE

Entry = tuple[str, str, str]
"""Key of the object, uid of its owner, digest of its template."""


class TemplateBoard:
    """Collects from a thread a kind; nothing that workers know is voided before there is better.

    What an earlier keeper told them holds until each kind was listed or is known to be in trouble.
    """

    def __init__(self, kinds: Iterable[str], publish: Callable[[Templates], None]) -> None:
        self._publish = publish
        self._lock = threading.Lock()
        self._troubles: dict[str, str | None] = dict.fromkeys(kinds)
        self._listed: set[str] = set()
        self._waiting: dict[str, Entry] | None = {}

    def listed(self, kind: str, added: Iterable[Entry], removed: Iterable[str]) -> None:
        """A kind was listed whole; ``added`` and ``removed`` are what is other than before."""
        with self._lock:
            self._listed.add(kind)
            self._troubles[kind] = None
            self._change(added, removed)
            self._begin()
            self._tell()

    def changed(self, added: Iterable[Entry], removed: Iterable[str]) -> None:
        """Some objects have come, changed or gone."""
        with self._lock:
            self._change(added, removed)

    def well(self, kind: str) -> None:
        """A kind is followed again."""
        self._now(kind, None)

    def trouble(self, kind: str, text: str) -> None:
        """A kind cannot be followed."""
        self._now(kind, text)

    def _now(self, kind: str, trouble: str | None) -> None:
        with self._lock:
            if self._troubles[kind] != trouble:
                self._troubles[kind] = trouble
                self._begin()
                self._tell()

    def _change(self, added: Iterable[Entry], removed: Iterable[str]) -> None:
        if self._waiting is None:
            self._tell_change(added, removed, synced=self._synced())
            return
        for key in removed:
            self._waiting.pop(key, None)
        self._waiting.update((entry[0], entry) for entry in added)

    def _begin(self) -> None:
        """Tell for the first time, once every kind has been heard of, and one of them listed."""
        known = self._listed | {kind for kind, trouble in self._troubles.items() if trouble}
        if self._waiting is None or not self._listed or known != self._troubles.keys():
            return
        waiting, self._waiting = self._waiting, None
        self._publish(Templates(reset=True, trouble=self._trouble()))
        self._tell_change(waiting.values(), (), synced=False)

    def _tell_change(self, added: Iterable[Entry], removed: Iterable[str], *, synced: bool) -> None:
        gone, left = tuple(removed), iter(added)
        while (batch := tuple(islice(left, TEMPLATES_A_MESSAGE))) or gone:
            self._publish(
                Templates(synced=synced, added=batch, removed=gone, trouble=self._trouble())
            )
            gone = ()

    def _tell(self) -> None:
        self._publish(Templates(synced=self._synced(), trouble=self._trouble()))

    def _synced(self) -> bool:
        return self._waiting is None and self._listed == self._troubles.keys()

    def _trouble(self) -> str | None:
        return "; ".join(trouble for trouble in self._troubles.values() if trouble) or None
