"""A session with the database that never waits for ever.

A connection can be half dead: the other side, or something between, takes what is sent and answers
nothing, and the kernel sees no fault. So every wait here has an end, at which the socket is shut
down; whoever waits then hears that the connection is lost.
"""

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psycopg

from gate.store.connect import Target, connect
from gate.store.errors import StoreUnavailable


class Patience:
    """Shuts a socket down unless it is renewed or ended in time."""

    def __init__(self, connection: psycopg.Connection, seconds: float) -> None:
        # A descriptor of its own: the connection's may be closed, and its number used again.
        self._socket = socket.socket(fileno=os.dup(connection.fileno()))
        self._seconds = seconds
        self._lock = threading.Lock()
        self._ended = False
        self.at_an_end = False
        self._deadline = 0.0
        self.renew()
        self._wait()

    def renew(self) -> None:
        """Wait for as long again."""
        self._deadline = time.monotonic() + self._seconds

    def end(self) -> None:
        """Let the socket live."""
        with self._lock:
            self._ended = True
            self._timer.cancel()
            self._socket.close()

    def _wait(self) -> None:
        left = max(self._deadline - time.monotonic(), 0.0)
        self._timer = threading.Timer(left, self._look)
        self._timer.daemon = True
        self._timer.start()

    def _look(self) -> None:
        with self._lock:
            if self._ended:
                return
            if time.monotonic() < self._deadline:
                self._wait()
                return
            self.at_an_end = True
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)


@contextmanager
def answered_within(connection: psycopg.Connection, seconds: float) -> Iterator[Patience]:
    """Break the connection where the block takes longer. Raises `StoreUnavailable` then."""
    patience = Patience(connection, seconds)
    try:
        yield patience
    except psycopg.Error as error:
        if patience.at_an_end:
            raise StoreUnavailable(f"the database did not answer within {seconds:g} s") from error
        raise
    finally:
        patience.end()


@contextmanager
def line(where: Target, answer_seconds: float) -> Iterator[psycopg.Connection]:
    """A session for the block, closed after it. Raises as `gate.store.connect.connect` does."""
    connection = connect(where, guard=lambda made: answered_within(made, answer_seconds))
    try:
        yield connection
    finally:
        connection.close()
