"""What the ledger row of a new lock or override says of it."""

from typing import Any

import msgspec

from gate.ledger.acts.entries import Entry, instant


def described(entry: Entry) -> dict[str, Any]:
    """Reason, scope, actions, times and roles, as JSON values; what is not given is left out."""
    scope = {name: globs for name, globs in msgspec.to_builtins(entry.scope).items() if globs}
    details: dict[str, Any] = {
        "reason": entry.reason,
        "scope": scope,
        "actions": entry.actions,
        "roles": entry.roles,
        "start": instant(entry.starts_at),
        "end": None if entry.ends_at is None else instant(entry.ends_at),
    }
    return details
