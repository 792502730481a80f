"""How long a request may take: a share of what the API server says that it waits."""

import re

from gate.service.webhook.settings import Limits

_DURATION = re.compile(rb"(\d{1,9}(?:\.\d{1,9})?)(ms|us|ns|h|m|s)")
_UNITS = {b"h": 3600.0, b"m": 60.0, b"s": 1.0, b"ms": 1e-3, b"us": 1e-6, b"ns": 1e-9}
_REMEMBERED = 64
_known: dict[bytes, float | None] = {}


def seconds_for(query: bytes, limits: Limits) -> float:
    """Seconds for the work, by the ``timeout`` of a query, else by the limits."""
    if query not in _known:
        if len(_known) >= _REMEMBERED:
            _known.clear()
        _known[query] = timeout_of(query)
    asked = _known[query]
    return (limits.request_seconds if asked is None else asked) * limits.work_share


def timeout_of(query: bytes) -> float | None:
    """Seconds of ``timeout=10s`` in a query (a Go duration), None where there is none to read."""
    for part in query.split(b"&"):
        name, _, value = part.partition(b"=")
        if name == b"timeout":
            found = list(_DURATION.finditer(value))
            if found and b"".join(match[0] for match in found) == value:
                return sum(float(match[1]) * _UNITS[match[2]] for match in found)
    return None
