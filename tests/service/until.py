"""Waiting for what another thread or process brings about, with an end."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
_LOOK_SECONDS = 0.005


def until(found: Callable[[], T], seconds: float = 10.0, what: str = "") -> T:
    """The first true answer of `found`; the test fails where there is none in time."""
    deadline = time.monotonic() + seconds
    while not (answer := found()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:g} s: {what or found}")
        time.sleep(_LOOK_SECONDS)
    return answer
