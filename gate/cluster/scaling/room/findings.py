"""What is found of a target ahead of its peak."""

from datetime import datetime
from typing import Literal

import msgspec

from gate.cluster.scaling.values import Kind
from gate.core.decision import Level
from gate.core.peaks import Peak

Code = Literal["ceiling", "target", "nodes", "quota", "limit-range", "budget", "maximum"]


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is in the way, and what to do.

    ``short``: the floor would not stand; else it deserves a look. ``missing``: replicas, where they
    can be counted.
    """

    code: Code
    short: bool
    message: str
    mend: str
    missing: int | None = None


class Room(msgspec.Struct, frozen=True, kw_only=True):
    """Whether there is room for one target.

    ``floor`` is its floor now, ``peak`` the one of the coming days, ``ready`` its Pods that are
    Ready (None where they are not known), ``add`` the Pods that still need a place. What was not
    looked at is in ``unconsidered``.
    """

    namespace: str
    name: str
    kind: Kind
    floor: int
    peak: int
    ready: int | None
    add: int
    fits: bool
    findings: tuple[Finding, ...] = ()
    unconsidered: tuple[str, ...] = ()


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """Capacity over ``[at, until)``: the peak, what is short of the whole, and each target.

    ``troubles`` say which targets could not be listed.
    """

    at: datetime
    until: datetime
    ceiling: int
    level: Level
    peak: Peak
    findings: tuple[Finding, ...]
    targets: tuple[Room, ...]
    troubles: tuple[str, ...] = ()

    @property
    def short(self) -> bool:
        """Whether anything would be short."""
        return any(each.short for each in self.findings) or not all(t.fits for t in self.targets)

    def shortfalls(self) -> list[tuple[Room | None, Finding]]:
        """Everything that would be short, the whole first."""
        found: list[tuple[Room | None, Finding]] = [(None, f) for f in self.findings if f.short]
        found += [(room, f) for room in self.targets for f in room.findings if f.short]
        return found
