"""What goes wrong on purpose: a fault is tried on every request, before it is answered."""

import re
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Fault:
    """Which requests fail, and how.

    Of the requests that match verb and path, ``skip`` pass first, then ``times`` fail (None: all).
    ``done``: the fault comes after the request was carried out. ``hang_seconds``: no answer for so
    long. ``cut``: the connection breaks instead of an answer.
    """

    verb: str
    path: str
    status: int = 502
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = None
    skip: int = 0
    times: int | None = 1
    done: bool = False
    hang_seconds: float = 0.0
    cut: bool = False
    seen: int = 0

    def strikes(self, verb: str, path: str) -> bool:
        """Whether this request fails; counts it."""
        if verb not in self.verb.split("|") or not re.search(self.path, path):
            return False
        self.seen += 1
        struck = self.seen - self.skip
        return struck > 0 and (self.times is None or struck <= self.times)


@dataclass
class Secondary:
    """At most ``limit`` writes in ``seconds``; one more, and 403 with ``Retry-After``."""

    limit: int
    seconds: float
    retry_after: str
    taken: list[float] = field(default_factory=list)
    refused_until: float = 0.0

    def refuses(self, now: float) -> bool:
        """Whether a write at `now` (monotonic) is one too many; counts it where it is not."""
        if now < self.refused_until:
            return True
        self.taken = [at for at in self.taken if at > now - self.seconds]
        if len(self.taken) >= self.limit:
            self.refused_until = now + float(self.retry_after)
            self.taken = []
            return True
        self.taken.append(now)
        return False
