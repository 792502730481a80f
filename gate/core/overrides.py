"""Which override, if any, turns a denial into an allow."""

from collections.abc import Iterable
from datetime import datetime

from gate.core.decision import AppliedOverride, Override, Request
from gate.core.policy import OverrideRules
from gate.core.scopes import exempts


def applicable(
    overrides: Iterable[Override], rules: OverrideRules, request: Request, at: datetime
) -> AppliedOverride | None:
    """The first granted override that is valid for the request at an instant, else None."""
    valid = (o for o in overrides if is_valid(o, rules, at) and _concerns(o, rules, request))
    found = min(valid, key=lambda override: (override.granted_at, override.id), default=None)
    if found is None:
        return None
    return AppliedOverride(
        id=found.id,
        by=found.by,
        reason=found.reason,
        until=valid_until(found, rules),
        approved_by=approvers(found, at),
    )


def is_valid(override: Override, rules: OverrideRules, at: datetime) -> bool:
    """Whether the policy honours an override at an instant, whatever it is asked for.

    It needs one of the policy's roles, as many approvers as the policy says, and it lasts no longer
    than ``max_ttl`` from its grant, whatever its own end says.
    """
    return (
        override.granted_at <= at < valid_until(override, rules)
        and not set(rules.roles).isdisjoint(override.roles)
        and len(approvers(override, at)) >= rules.approvals
    )


def valid_until(override: Override, rules: OverrideRules) -> datetime:
    """When the override ends under the policy's longest life."""
    return min(override.until, override.granted_at + rules.max_ttl)


def approvers(override: Override, at: datetime) -> tuple[str, ...]:
    """The distinct people who had approved by an instant; never the one who asked."""
    names = (a.by for a in override.approvals if a.at <= at and a.by != override.by)
    return tuple(dict.fromkeys(names))


def _concerns(override: Override, rules: OverrideRules, request: Request) -> bool:
    return (
        (request.invoker == "human" or rules.automation)
        and (not override.actions or request.action in override.actions)
        and exempts(override.scope, request)
    )
