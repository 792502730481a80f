"""Which rules can lock a change in a cluster, what they concern, and when they hold.

The environment is the compiler's and a cluster knows no repository, so both are settled here, by
the core's own `covers` and `exempts`; namespace and name are left for the moment of the change.
"""

from collections.abc import Iterable, Iterator
from typing import Literal

import msgspec
from msgspec.structs import replace

from gate.core.decision import Request
from gate.core.instants import SECOND, micros
from gate.core.intervals import Interval, merged
from gate.core.policy import Action, Scope
from gate.core.scopes import covers, exempts
from gate.core.timeline import Timeline
from gate.core.windows import Span, compile_window

Kind = Literal["lock", "open", "manual"]

JUDGED = (Action.DEPLOY, Action.RESTART, Action.SCALE_DOWN, Action.SCALE_UP)
"""What the fallback lock judges, strictest first: a rollback counts as a deploy, configuration is
the webhook's alone."""

FOREVER = 1 << 40
"""The end, in seconds, of what has none."""


class Concern(msgspec.Struct, frozen=True, kw_only=True):
    """Which changes a rule concerns: globs for namespace and name, and the actions of a lock.

    None or empty: any. A name that is not known is protected: `exempting` concerns leave it out.
    """

    namespaces: tuple[str, ...] | None = None
    services: tuple[str, ...] | None = None
    actions: tuple[Action, ...] = ()
    exempting: bool = False

    @property
    def scope(self) -> Scope:
        """The globs as a scope of the core."""
        return Scope(namespaces=self.namespaces, services=self.services)

    def holds(self, namespace: str, name: str | None, actions: Iterable[Action]) -> bool:
        """Whether a change of these actions, to an object of this name, is concerned."""
        request = Request(
            action=Action.DEPLOY, invoker="automation", namespace=namespace, service=name
        )
        test = exempts if self.exempting else covers
        acting = not self.actions or not set(self.actions).isdisjoint(actions)
        return acting and test(self.scope, request)


class Rule(msgspec.Struct, frozen=True):
    """What of one kind holds for one concern: merged intervals, in whole seconds since 1970."""

    kind: Kind
    concern: Concern
    intervals: tuple[Interval, ...]


def rules(timeline: Timeline, environment: str | None, span: Span) -> list[Rule]:
    """The rules that hold at some time of the span (microseconds), one for a kind and a concern.

    Windows and the level lock count where they begin before the span's end, and then whole; manual
    locks as long as they last. Edges between two seconds move outwards for locks and inwards for
    exceptions, so that a clock of seconds never opens early.
    """
    gathered: dict[tuple[Kind, Concern], list[Interval]] = {}
    for kind, concern, intervals in _sources(timeline, environment, span):
        gathered.setdefault((kind, concern), []).extend(intervals)
    found = (
        Rule(kind, concern, tuple(_in_seconds(kind, intervals)))
        for (kind, concern), intervals in gathered.items()
    )
    return [rule for rule in found if rule.intervals]


Source = tuple[Kind, Concern, list[Interval]]


def _sources(timeline: Timeline, environment: str | None, span: Span) -> Iterator[Source]:
    policy = timeline.policy
    for window in policy.windows:
        exempting = window.kind == "open"
        if _meets(window.scope, environment, exempting=exempting):
            presence = timeline.calendar.presence
            compiled = compile_window(window, policy.timezone, presence, span)
            concern = _concern(window.scope, exempting=exempting)
            yield window.kind, concern, _whole(compiled.intervals, span)
    if _meets(policy.level_lock.scope, environment, exempting=False):
        concern = _concern(policy.level_lock.scope, exempting=False)
        yield "lock", concern, _whole(timeline.stretches, span)
    for lock in timeline.locks:
        judged = tuple(action for action in JUDGED if action in lock.actions)
        meets = _meets(lock.scope, environment, exempting=False)
        if not meets or (lock.actions and not judged):
            continue
        acting = () if judged == JUDGED else judged
        end = FOREVER * SECOND if lock.end is None else micros(lock.end)
        concern = replace(_concern(lock.scope, exempting=False), actions=acting)
        yield "manual", concern, [(micros(lock.start), end)] if end > span.start else []


def _whole(intervals: Iterable[Interval], span: Span) -> list[Interval]:
    return [(a, b) for a, b in intervals if a < span.end and b > span.start]


def _meets(scope: Scope, environment: str | None, *, exempting: bool) -> bool:
    """Whether the parts of a scope that are known beforehand let the rule apply."""
    known = Scope(environments=scope.environments, repositories=scope.repositories)
    request = Request(action=Action.DEPLOY, invoker="automation", environment=environment)
    return (exempts if exempting else covers)(known, request)


def _concern(scope: Scope, *, exempting: bool) -> Concern:
    """Globs in one order, so that the same concern is met once.

    Every change here has a namespace, so that `*` says nothing of it; a lock does not ask for a
    name that may be any, while an exception needs one that is known.
    """
    namespaces, services = (
        None if globs is None else tuple(sorted(set(globs)))
        for globs in (scope.namespaces, scope.services)
    )
    if namespaces and "*" in namespaces:
        namespaces = None
    if services and "*" in services:
        services = ("*",) if exempting else None
    return Concern(namespaces=namespaces, services=services, exempting=exempting)


def _in_seconds(kind: Kind, intervals: Iterable[Interval]) -> list[Interval]:
    if kind == "open":
        return merged((-(-a // SECOND), b // SECOND) for a, b in intervals)
    return merged((a // SECOND, -(-b // SECOND)) for a, b in intervals)
