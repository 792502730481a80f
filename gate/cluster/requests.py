"""From an admission review to the requests that the policy judges: who asks, for what, for whom."""

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

import msgspec

from gate.cluster.changes import Why
from gate.cluster.review import Review, User
from gate.cluster.scanning import Members
from gate.core.decision import Decision, Effect, Request, Verdict
from gate.core.document.defaults import DEFAULT_EXEMPT
from gate.core.policy import Action, Identity, Invoker, Policy

NEVER_MATCHED = "kube-system"
"""The namespace that is never matched, beside the gate's own."""

_SERVICE_ACCOUNT = "system:serviceaccount:"
# Users are few; names made up on purpose must not fill the memory.
_MAX_CALLERS = 4096
_VERDICTS = (Verdict.DENY, Verdict.UNDECIDED, Verdict.ALLOW)
_EFFECTS = (Effect.BLOCK, Effect.WARN, Effect.ALLOW)
_ACTIONS = tuple(Action)


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks, as the policy sees them."""

    invoker: Invoker
    actor: str
    exempt: bool


class Callers:
    """Users of the cluster as one policy sees them; ``policy`` is None where it cannot be read.

    Without a policy the default rule and the default list of exempt users hold.
    """

    def __init__(self, policy: Policy | None) -> None:
        self._exempt = frozenset(DEFAULT_EXEMPT if policy is None else policy.exempt)
        self._identities: tuple[Identity, ...] = () if policy is None else policy.identities
        self._by_group = any(identity.group is not None for identity in self._identities)
        self._known: dict[object, Caller] = {}

    def of(self, user: User) -> Caller:
        """The caller that a user is."""
        key = (user.username, user.groups) if self._by_group else user.username
        caller = self._known.get(key)
        if caller is None:
            if len(self._known) >= _MAX_CALLERS:
                self._known.clear()
            caller = self._known[key] = self._caller(user)
        return caller

    def _caller(self, user: User) -> Caller:
        name = user.username
        automated = name.startswith(_SERVICE_ACCOUNT)
        invoker: Invoker = "automation" if automated else "human"
        actor = name
        found = next((each for each in self._identities if _is(each, user)), None)
        if found is not None:
            invoker, actor = found.invoker, found.actor or name
        return Caller(invoker=invoker, actor=actor, exempt=name in self._exempt)


def set_aside(review: Review, caller: Caller, own_namespace: str | None) -> Why | None:
    """Why a request is let pass whatever it is, None where it is to be looked at.

    ``own_namespace`` is the gate's own, None where it runs in none.
    """
    if review.namespace and review.namespace in {NEVER_MATCHED, own_namespace}:
        return Why.NAMESPACE
    return Why.EXEMPT if caller.exempt else None


def requests_of(
    review: Review, actions: Iterable[Action], caller: Caller, environment: str | None
) -> tuple[Request, ...]:
    """A request for each action, on the object that the review names."""
    service = _name_of(review)
    return tuple(
        Request(
            action=action,
            invoker=caller.invoker,
            environment=environment or None,
            namespace=review.namespace or None,
            service=service,
            actor=caller.actor,
            uid=review.uid,
        )
        for action in actions
    )


def strictest(decisions: Sequence[Decision]) -> Decision:
    """The decision that stands for all of a request: by verdict, then effect, then action."""
    return decisions[0] if len(decisions) == 1 else min(decisions, key=_strictness)


def _strictness(decision: Decision) -> tuple[int, int, int]:
    return (
        _VERDICTS.index(decision.verdict),
        _EFFECTS.index(decision.effect),
        _ACTIONS.index(decision.request.action),
    )


def _is(identity: Identity, user: User) -> bool:
    named = identity.user is None or fnmatchcase(user.username, identity.user)
    return named and (
        identity.group is None
        or any(fnmatchcase(group, identity.group) for group in user.groups or ())
    )


class _Named(msgspec.Struct):
    name: str | None = None
    generateName: str | None = None  # noqa: N815  (the API's name)


_named = msgspec.json.Decoder(_Named).decode


def _name_of(review: Review) -> str | None:
    """The object's name; of one that the API server has yet to name, what its name will begin with.

    A request to delete all objects of a kind does not name each; the object itself does.
    """
    if review.name:
        return review.name
    return _own_name(review.object) or _own_name(review.old_object)


def _own_name(members: Members | None) -> str | None:
    raw = members.get("metadata") if members else None
    try:
        metadata = _Named() if raw is None else _named(raw)
    except (ValueError, RecursionError):
        return None
    return metadata.name or metadata.generateName or None
