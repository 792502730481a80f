"""The question and the answer: `Request` in, `Decision` out, in the field order of the contract.

`msgspec` encodes these as the contract's JSON as they stand: absent optional fields are UNSET or
omitted, datetimes are UTC and print as RFC 3339 with ``Z``.
"""

from datetime import date as Date  # noqa: N812  (a field is called `date`)
from datetime import datetime
from enum import StrEnum
from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType

from gate.core.policy import Action, Invoker, Scope


class Phase(StrEnum):
    """Where an instant stands for a request."""

    OPEN = "open"
    LEAD = "lead"
    LOCKED = "locked"


class Verdict(StrEnum):
    """What the policy says."""

    ALLOW = "allow"
    DENY = "deny"
    UNDECIDED = "undecided"


class Effect(StrEnum):
    """What happens, after mode and override."""

    ALLOW = "allow"
    WARN = "warn"
    BLOCK = "block"


class Level(StrEnum):
    """Which replica rung the demand needs."""

    NORMAL = "NORMAL"
    HIGH = "HIGH"
    MAXIMUM = "MAXIMUM"


class Request(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """May this change go out? The four scope fields and the actor are None where not known."""

    action: Action
    invoker: Invoker
    environment: str | None = None
    namespace: str | None = None
    service: str | None = None
    repository: str | None = None
    actor: str | None = None
    uid: str | None = None


class ManualLock(msgspec.Struct, frozen=True, kw_only=True):
    """A named person's stop: ``[start, end)``, end None while it is open-ended.

    ``actions`` empty: every action.
    """

    id: str
    start: datetime
    end: datetime | None
    by: str
    reason: str
    scope: Scope = Scope()
    actions: tuple[Action, ...] = ()


class Override(msgspec.Struct, frozen=True, kw_only=True):
    """A named person's exception (break-glass), as recorded; the policy judges whether it is valid.

    In force at most in ``[granted_at, until)``; a revoked one has its ``until`` cut to then.
    ``approvals``: (approver, instant, roles of the approver) in order of time.
    """

    id: str
    by: str
    roles: tuple[str, ...]
    reason: str
    granted_at: datetime
    until: datetime
    approvals: tuple["Approval", ...] = ()
    scope: Scope = Scope()
    actions: tuple[Action, ...] = ()


class Approval(msgspec.Struct, frozen=True, kw_only=True):
    """One approver's word for an override."""

    by: str
    at: datetime
    roles: tuple[str, ...] = ()


class AppliedOverride(msgspec.Struct, frozen=True, kw_only=True):
    """The override that turned this denial into an allow."""

    id: str
    by: str
    reason: str
    until: datetime
    approved_by: tuple[str, ...]


ReasonCode = Literal[
    "window",
    "level",
    "manual-lock",
    "lead",
    "policy-invalid",
    "calendar-invalid",
    "calendar-stale",
    "store-unavailable",
]
Cause = Literal["window", "level", "manual-lock"]


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """One cause of a denial, a lead, or an undecided answer; UNSET fields do not belong to it."""

    code: ReasonCode
    cause: Cause | UnsetType = UNSET
    window: str | UnsetType = UNSET
    date: Date | UnsetType | None = UNSET
    zones: tuple[str, ...] | UnsetType = UNSET
    level: Level | UnsetType = UNSET
    lock: str | UnsetType = UNSET
    by: str | UnsetType = UNSET
    start: datetime | UnsetType = UNSET
    end: datetime | UnsetType | None = UNSET
    message: str | UnsetType = UNSET


ObservedState = Literal["fresh", "stale", "missing", "failed"]


class ObservedLoad(msgspec.Struct, frozen=True, kw_only=True):
    """The observation that a decision rests on, where the policy observes load.

    ``state`` is that of the source. ``at`` and ``demand`` (in units) are those of the observation
    that entered: it raised the demand, and what it raised stands until ``until``. Where none did,
    and the bookings stand, ``until`` is None, and the others are the latest observation's.
    """

    source: Literal["prometheus", "csv"]
    state: ObservedState
    at: datetime | None
    demand: float | None
    until: datetime | None


class LearntFactor(msgspec.Struct, frozen=True, kw_only=True):
    """A culture's factor that was learnt from observed load, and is not the policy's own."""

    culture: str
    factor: float


class LoadNow(msgspec.Struct, frozen=True, kw_only=True):
    """Load at the decision's instant; ``demand`` in units, the rest in replicas and weddings.

    ``observed`` is there where the policy observes load, ``learnt`` where it uses what was learnt
    from that and there is something.
    """

    demand: float
    needed: int
    required_replicas: int
    shortfall: int
    weddings_today: int
    observed: ObservedLoad | UnsetType = UNSET
    learnt: tuple[LearntFactor, ...] | UnsetType = UNSET


class PolicyRef(msgspec.Struct, frozen=True, kw_only=True):
    """Which policy decided: its name and the digest of its bytes (null where unreadable)."""

    name: str | None
    sha256: str | None


class CalendarRef(msgspec.Struct, frozen=True, kw_only=True):
    """Which calendar decided, and its number of weddings that are not cancelled."""

    sha256: str | None
    weddings: int | None


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """The answer. ``id`` and ``recorded`` belong to the door that gives it; see `stamped`."""

    id: str = ""
    at: datetime
    verdict: Verdict
    effect: Effect
    phase: Phase | None
    level: Level | None
    request: Request
    reasons: tuple[Reason, ...]
    locked_from: datetime | None
    locked_until: datetime | None
    next_change: datetime | None
    load: LoadNow | None
    override: AppliedOverride | None
    recorded: bool = False
    policy: PolicyRef
    calendar: CalendarRef
    tzdata: str
