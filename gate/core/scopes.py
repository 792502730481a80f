"""Which requests a scope concerns."""

from fnmatch import fnmatchcase

from gate.core.decision import Request
from gate.core.policy import Scope


def covers(scope: Scope, request: Request) -> bool:
    """Whether a lock of this scope concerns the request.

    Every list must match; a field that the request leaves out matches: what is not known is
    protected.
    """
    return _matches(scope, request, unknown=True)


def exempts(scope: Scope, request: Request) -> bool:
    """Whether an exception of this scope applies: only where every field it names is given."""
    return _matches(scope, request, unknown=False)


def _matches(scope: Scope, request: Request, *, unknown: bool) -> bool:
    pairs = (
        (scope.environments, request.environment),
        (scope.namespaces, request.namespace),
        (scope.services, request.service),
        (scope.repositories, request.repository),
    )
    return all(
        any(fnmatchcase(value, glob) for glob in globs) if value else unknown
        for globs, value in pairs
        if globs is not None
    )
