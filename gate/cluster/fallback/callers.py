"""CEL for who makes a change: exempt, a person, or automation."""

from collections.abc import Iterable

from gate.cluster.fallback.cel import FALSE, TRUE, both, grouped, literals
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
    expression = default
    for identity in reversed(tuple(identities)):
        verdict = TRUE if identity.invoker == "human" else FALSE
        fits = _fits(identity)
        expression = (
            verdict if fits == TRUE else f"{grouped(fits)} ? {verdict} : {grouped(expression)}"
        )
    return expression


def _fits(identity: Identity) -> str:
    terms = []
    if identity.user is not None:
        terms.append(matches(_KNOWN, (identity.user,)))
    if identity.group is not None:
        inside = matches("g", (identity.group,))
        terms.append(f"has(request.userInfo.groups) && request.userInfo.groups.exists(g, {inside})")
    return both(terms)
