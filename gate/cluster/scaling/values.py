"""The values of pre-scaling: a target, what is wished for it, and the step between the two."""

from datetime import datetime
from typing import Any, Literal

import msgspec

from gate.core.decision import Level

Kind = Literal["HorizontalPodAutoscaler", "ScaledObject"]
Cause = Literal["plan", "manual", "emergency", "fallback"]
HoldCause = Literal["manual", "emergency"]
Field = Literal["min", "max"]

HPA: Kind = "HorizontalPodAutoscaler"
SCALED_OBJECT: Kind = "ScaledObject"

PRESCALE_LABEL = "saturday-gate.io/prescale"
"""The label, ``"true"``, by which an autoscaler opts in."""
RUNGS = "saturday-gate.io/rungs"
ORIGINAL = "saturday-gate.io/original"
RAISED = "saturday-gate.io/raised"
HELD = "saturday-gate.io/held"
"""The annotations of a target: its own rungs; the values that are its own while the gate has raised
them; what the gate set last; the floors that people asked for."""
FIELD_MANAGER = "saturday-gate-prescale"
"""The name under which the gate writes floors."""
MOST_AGAIN = 2
"""How often a value that someone lowered is raised again."""
MOST_REPLICAS = 2**31 - 1
"""Kubernetes counts replicas in 32 bits."""


class Range(msgspec.Struct, frozen=True):
    """The floor and the ceiling of an autoscaler, in replicas."""

    min: int
    max: int


class Rungs(msgspec.Struct, frozen=True):
    """A target's own rungs, in replicas; never decreasing, at least 1."""

    floor: int
    high: int
    ceiling: int


class Raised(msgspec.Struct, frozen=True, kw_only=True):
    """What the gate set last, why, and how often it had to set it again.

    ``absent`` names the fields that were not there before, to be taken away again on release.
    """

    min: int
    max: int
    cause: Cause
    again: int
    at: datetime
    absent: tuple[Field, ...] = ()

    @property
    def range(self) -> Range:
        """The values themselves."""
        return Range(self.min, self.max)


class Hold(msgspec.Struct, frozen=True, kw_only=True):
    """A floor that a person asked for until an instant; ``max`` None: as large as it must be."""

    id: str
    cause: HoldCause
    min: int
    max: int | None = None
    until: datetime
    by: str
    reason: str


class Reference(msgspec.Struct, frozen=True):
    """What an autoscaler scales, or what owns it; ``uid`` is empty where none is told."""

    kind: str
    name: str
    uid: str = ""

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}"


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """An autoscaler as it stands.

    ``original`` are its own values, where an annotation of this very object (same uid) has them;
    without it, ``now`` is its own. ``absent`` are fields that the object leaves to their default.
    ``managers`` tells who wrote a field last, the gate left out; ``is_going`` that it is being
    deleted. ``notes`` are for people; ``error`` says why it must be left alone.
    """

    namespace: str
    name: str
    kind: Kind
    uid: str
    resource_version: str
    now: Range
    rungs: Rungs | None = None
    original: Range | None = None
    raised: Raised | None = None
    holds: tuple[Hold, ...] = ()
    scales: Reference | None = None
    owner: Reference | None = None
    absent: tuple[Field, ...] = ()
    managers: dict[Field, str] = msgspec.field(default_factory=dict)
    written_by_gate: frozenset[Field] = frozenset()
    labelled: bool = True
    is_going: bool = False
    notes: tuple[str, ...] = ()
    error: str | None = None

    @property
    def key(self) -> tuple[str, str, str]:
        """Namespace, name, kind: what names it in one cluster."""
        return self.namespace, self.name, self.kind

    @property
    def own(self) -> Range:
        """The values that are its own."""
        return self.original or self.now

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """The floor that a target should have at least, and which of the causes asks for it.

    ``min`` 0 asks for nothing: the target's own values. ``max`` None: as large as it must be.
    ``level`` None: not known (fallback). ``never_lower``: what stands is not lowered either.
    ``holds`` are those that should stand on the target; None: those that do.
    """

    cause: Cause
    level: Level | None
    min: int
    reason: str
    max: int | None = None
    never_lower: bool = False
    holds: tuple[Hold, ...] | None = None


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """What one run does to a target at ``at``: ``before`` → ``after`` by ``patch`` (None: nothing).

    ``patch`` is a JSON merge patch that carries the resourceVersion. ``kept`` says whose change
    was left, ``error`` why the target does not stand as wished, ``note`` what a person should know.
    """

    target: Target
    before: Range
    after: Range
    level: Level | None
    cause: Cause
    at: datetime
    reason: str = ""
    patch: dict[str, Any] | None = None
    kept: str | None = None
    error: str | None = None
    note: str | None = None

    @property
    def changed(self) -> bool:
        """Whether the floor or the ceiling moves; a patch may concern annotations alone."""
        return self.before != self.after

    @property
    def released(self) -> bool:
        """Whether this gives the target back its own values."""
        return (
            self.patch is not None
            and self.target.original is not None
            and ORIGINAL in self.patch["metadata"].get("annotations", {})
            and self.patch["metadata"]["annotations"][ORIGINAL] is None
        )
