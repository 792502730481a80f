"""The policy as a value: what a valid policy document means, with every default filled in.

Built only by :mod:`gate.core.document` (from YAML or JSON) or decoded from a trusted cache; a
`Policy` that exists is valid. Numbers that enter the load formula are exact (`Fraction`).
"""

from datetime import date, datetime, timedelta
from enum import StrEnum
from fractions import Fraction
from typing import Literal

import msgspec

Invoker = Literal["human", "automation"]
VerdictWord = Literal["allow", "deny"]
Mode = Literal["enforce", "warn"]
LevelName = Literal["NORMAL", "HIGH", "MAXIMUM"]


class Action(StrEnum):
    """What a change does; the order is the contract's order of strictness for equals."""

    DEPLOY = "deploy"
    CONFIG = "config"
    RESTART = "restart"
    SCALE_DOWN = "scale-down"
    SCALE_UP = "scale-up"
    ROLLBACK = "rollback"


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """Which requests a rule concerns: shell-style globs, case-sensitive. None: any value."""

    environments: tuple[str, ...] | None = None
    namespaces: tuple[str, ...] | None = None
    services: tuple[str, ...] | None = None
    repositories: tuple[str, ...] | None = None


class Recurring(msgspec.Struct, frozen=True, kw_only=True, tag="recurring"):
    """A window that recurs by an RFC 5545 RRULE over local dates.

    ``from_minutes`` (0…1439) and ``to_minutes`` (1…1440) are minutes after local midnight, the
    latter of the last of ``days`` local dates.
    """

    rrule: str
    since: date
    except_dates: tuple[date, ...]
    from_minutes: int
    to_minutes: int
    days: int


class LocalSpan(msgspec.Struct, frozen=True, kw_only=True, tag="local"):
    """A one-off window in local time (naive datetimes), read in each zone of its window."""

    start: datetime
    end: datetime


class InstantSpan(msgspec.Struct, frozen=True, kw_only=True, tag="instants"):
    """A one-off window between two instants (aware datetimes, UTC)."""

    start: datetime
    end: datetime


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of time that the policy names.

    ``zones`` holds ``home``, ``venues`` or IANA keys; it is empty for an `InstantSpan`.
    """

    name: str
    kind: Literal["lock", "open"]
    when: Recurring | LocalSpan | InstantSpan
    zones: tuple[str, ...]
    scope: Scope


class LevelLock(msgspec.Struct, frozen=True, kw_only=True):
    """Lock while the level is ``at`` or more; gaps shorter than ``join`` are filled."""

    at: Literal["HIGH", "MAXIMUM", "never"]
    join: timedelta
    scope: Scope


class ByInvoker(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict of one action in one phase, for each invoker."""

    human: VerdictWord
    automation: VerdictWord


class Cells(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the action table. Phase `open` always allows and has no cell."""

    lead: ByInvoker
    locked: ByInvoker


class OverrideRules(msgspec.Struct, frozen=True, kw_only=True):
    """Who may override a denial, with how many approvers and for how long at most."""

    roles: tuple[str, ...]
    approvals: int
    max_ttl: timedelta
    automation: bool


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """Maps a Kubernetes user and/or group (globs; both must match) to an invoker and an actor."""

    invoker: Invoker
    user: str | None = None
    group: str | None = None
    actor: str | None = None


class GitHubRules(msgspec.Struct, frozen=True, kw_only=True):
    """What GitHub's doors guard.

    ``bases``: globs of the base branches whose pull requests carry the check; None: the
    repository's default branch. ``on_lock``: whether a deployment that asks during a lock waits
    for its end, or is rejected.
    """

    bases: tuple[str, ...] | None
    on_lock: Literal["wait", "reject"]


class TokenGrant(msgspec.Struct, frozen=True, kw_only=True):
    """Workflows whose tokens are taken: globs on claims, all of which must match."""

    repository: str
    ref: str | None = None
    environment: str | None = None
    job_workflow_ref: str | None = None


class TokenRules(msgspec.Struct, frozen=True, kw_only=True):
    """Whose OIDC tokens a gate server takes: of this issuer, for this audience, on this list."""

    issuer: str
    audience: str
    allow: tuple[TokenGrant, ...]


class Culture(msgspec.Struct, frozen=True, kw_only=True):
    """A wedding culture: load factor at its usual number of guests, and its usual days."""

    factor: Fraction
    guests: int
    days: int


class Season(msgspec.Struct, frozen=True, kw_only=True):
    """The season's factor and its months (1…12) by hemisphere or country."""

    factor: Fraction
    north: tuple[int, ...]
    south: tuple[int, ...]
    countries: dict[str, tuple[int, ...]]


class Capacity(msgspec.Struct, frozen=True, kw_only=True):
    """What a replica carries, in demand units, and the rungs of the replica ladder."""

    units_per_replica: Fraction
    floor: int
    high: int
    ceiling: int
    fallback: int
    emergency: int


LONGEST_HOLD = timedelta(days=7)
"""The most that an observation holds what it raised, be the window around it as long as it may."""


class PrometheusSource(msgspec.Struct, frozen=True, kw_only=True, tag="prometheus"):
    """Where load is observed: a PromQL query, whose series may carry a zone and a culture."""

    url: str
    query: str
    zone_label: str | None
    culture_label: str | None


class CsvSource(msgspec.Struct, frozen=True, kw_only=True, tag="csv"):
    """Where load is observed: a file of ``timestamp,value`` that something else writes."""

    file: str


class LearnedRules(msgspec.Struct, frozen=True, kw_only=True):
    """What may be learnt of the cultures' factors from observed load.

    ``use``: whether learnt factors enter the demand. A factor is learnt from ``at_least_samples``
    or more, and kept within ``bounds``, which are multiples of the culture's own.
    """

    use: bool
    at_least_samples: int
    bounds: tuple[Fraction, Fraction]


class ObservedRules(msgspec.Struct, frozen=True, kw_only=True):
    """Observed load, which may raise the demand above what is booked.

    A value of the source times ``units_per_value`` is demand in units. An observation is fresh for
    ``max_age``; without a fresh one for ``fails_after`` the source counts as failed. What was
    raised stands for ``hold`` at least.
    """

    source: PrometheusSource | CsvSource
    units_per_value: Fraction
    max_age: timedelta
    fails_after: timedelta
    hold: timedelta
    learned: LearnedRules


class LoadModel(msgspec.Struct, frozen=True, kw_only=True):
    """The factors of the demand formula. ``hours`` maps a local hour to the factor from it on.

    ``cache``: cache and warm-up settings of the platform as written, by level, NORMAL first; empty
    where the gate is to set none (see `gate.core.cache`). ``observed`` is None where only bookings
    count.
    """

    cultures: dict[str, Culture]
    venues: dict[str, Fraction]
    settings: dict[str, Fraction]
    season: Season
    saturday: Fraction
    hours: dict[int, Fraction]
    capacity: Capacity
    cache: dict[LevelName, dict[str, str]] = {}
    observed: ObservedRules | None = None


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """A valid policy, defaults filled in. ``sha256`` is of the file's bytes (lower-case hex)."""

    sha256: str
    name: str | None
    timezone: str
    mode: Mode
    on_undecided: Literal["block", "allow"]
    lead: timedelta
    windows: tuple[Window, ...]
    level_lock: LevelLock
    actions: dict[Action, Cells]
    override: OverrideRules
    exempt: tuple[str, ...]
    identities: tuple[Identity, ...]
    github: GitHubRules
    tokens: TokenRules
    load: LoadModel
