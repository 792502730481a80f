"""Accepting connections, and handing each to a worker that has room for it."""

import selectors
import socket
from collections.abc import Callable

from gate.service.logs import log

BUSY_SECONDS = 0.01
"""How soon workers that took no more are tried again."""
_ACCEPTED_AT_ONCE = 64


class Acceptor:
    """Hands over who comes, while somebody serves; else they wait in the kernel's queue.

    ``hand_over`` gives a connection to a worker; False where none takes any more now. Then the one
    at hand is held, the others wait, and it is tried again soon: a busy moment turns nobody away.
    """

    def __init__(
        self,
        listener: socket.socket,
        selector: selectors.BaseSelector,
        hand_over: Callable[[socket.socket], bool],
        after: Callable[[float, Callable[[], object]], None],
    ) -> None:
        listener.setblocking(False)
        self._listener = listener
        self._selector = selector
        self._hand_over = hand_over
        self._after = after
        self._held: socket.socket | None = None
        self._watched = False
        self.wanted = False

    def want(self, wanted: bool) -> None:
        """Accept from now on, or do not."""
        self.wanted = wanted
        if wanted and self._held is not None:
            self._after(0.0, self._again)
        self._watch()

    def emptied(self) -> bool:
        """Hand over all who wait; False where the workers do not take all of them now."""
        while not self._accept():
            if self._held is not None:
                return False
        return True

    def close(self) -> None:
        """Close the listener; who still waits is cut off."""
        self.want(False)
        if self._held is not None:
            self._held.close()
            self._held = None
        self._listener.close()

    def _watch(self) -> None:
        watched = self.wanted and self._held is None
        if watched and not self._watched:
            self._selector.register(self._listener, selectors.EVENT_READ, self._accept)
        elif self._watched and not watched:
            self._selector.unregister(self._listener)
        self._watched = watched

    def _accept(self) -> bool:
        """Hand over some of who waits; False where there may be more of them."""
        for _ in range(_ACCEPTED_AT_ONCE):
            connection = self._next()
            if connection is None:
                return True
            if not self._hand_over(connection):
                self._held = connection
                self._watch()
                self._after(BUSY_SECONDS, self._again)
                return False
            connection.close()
        return False

    def _next(self) -> socket.socket | None:
        held, self._held = self._held, None
        if held is not None:
            return held
        try:
            return self._listener.accept()[0]
        except BlockingIOError:
            return None
        except OSError as error:
            # Descriptors or memory are short: those who wait get their turn later.
            log("cannot-accept", error=str(error))
            return None

    def _again(self) -> None:
        if self.wanted and self._held is not None:
            self._accept()
            self._watch()
