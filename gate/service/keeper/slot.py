"""Handing the newest of something to another thread."""

import threading
from typing import Generic, TypeVar

T = TypeVar("T")


class Slot(Generic[T]):
    """Holds one value; a newer one takes its place where nobody has taken it yet."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._value: T | None = None
        self._closed = False

    def put(self, value: T) -> None:
        """Hand over, without waiting."""
        with self._changed:
            self._value = value
            self._changed.notify()

    def put_back(self, value: T) -> None:
        """Give a value back that was taken, unless a newer one is there."""
        with self._changed:
            if self._value is None:
                self._value = value

    def take(self) -> T | None:
        """Wait for a value; None once the slot is closed and empty."""
        with self._changed:
            self._changed.wait_for(lambda: self._value is not None or self._closed)
            value, self._value = self._value, None
            return value

    def wait(self, seconds: float) -> None:
        """Wait for a newer value or the end, but no longer than that."""
        with self._changed:
            self._changed.wait_for(lambda: self._value is not None or self._closed, seconds)

    def close(self) -> None:
        """Nothing more will come."""
        with self._changed:
            self._closed = True
            self._changed.notify()

    @property
    def closed(self) -> bool:
        """Whether nothing more will come."""
        return self._closed
