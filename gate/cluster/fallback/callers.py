"""CEL for who makes a change: exempt, a person, or automation."""

from collections.abc import Iterable

from gate.cluster.fallback.cel import TRUE, both, grouped, literal, literals
from gate.cluster.fallback.globs import matches
from gate.core.policy import Identity

SERVICE_ACCOUNTS = "system:serviceaccount:*"
USER = "has(request.userInfo.username) ? request.userInfo.username : ''"
"""The user's name, which the API server leaves out where it is empty."""
_KNOWN = "variables.user"


def not_exempt(names: Iterable[str]) -> str:
    """Whether the user is none of these, by exact name."""
    unique = tuple(dict.fromkeys(names))
    return f"!(({USER}) in {literals(unique)})" if unique else TRUE


def is_human(identities: Iterable[Identity]) -> str:
    """Whether ``variables.user`` counts as a person: by the first identity that fits, else everyone
    does but service accounts.
    """
    default = f"!({matches(_KNOWN, (SERVICE_ACCOUNTS,))})"
    # A list and not a chain of conditions: CEL takes no more than some hundred within one another.
    listed = [f"{grouped(_fits(each))} ? {literal(each.invoker)} : ''" for each in identities]
    if not listed:
        return default
    found = f"[{', '.join(listed)}].filter(i, i != '')"
    return f"({found} + [{default} ? 'human' : 'automation'])[0] == 'human'"


def _fits(identity: Identity) -> str:
    terms = []
    if identity.user is not None:
        terms.append(matches(_KNOWN, (identity.user,)))
    if identity.group is not None:
        inside = matches("g", (identity.group,))
        terms.append(f"has(request.userInfo.groups) && request.userInfo.groups.exists(g, {inside})")
    return both(terms)
