"""The policy of the webhook's tests, and what follows from it by the specification.

What is expected is computed here, from the tables as they are written, and not by the gate.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

HOME = "Europe/London"
ENVIRONMENT = "production"
PHASES = ("locked", "lead", "open")
PRECEDENCE = ("deploy", "config", "restart", "scale-down", "scale-up", "rollback")
"""Of equal verdicts the first of these stands."""
LEAD = timedelta(hours=2)
_ALLOW, _DENY = "allow", "deny"
# By phase: person, service account. No two actions have the same four cells, so that an action
# that is taken for another is noticed by what becomes of it, too.
_CELLS = {
    "deploy": {"lead": (_DENY, _DENY), "locked": (_DENY, _DENY)},
    "config": {"lead": (_ALLOW, _DENY), "locked": (_DENY, _DENY)},
    "restart": {"lead": (_ALLOW, _ALLOW), "locked": (_ALLOW, _DENY)},
    "scale-down": {"lead": (_DENY, _ALLOW), "locked": (_DENY, _DENY)},
    "scale-up": {"lead": (_ALLOW, _ALLOW), "locked": (_DENY, _ALLOW)},
    "rollback": {"lead": (_ALLOW, _DENY), "locked": (_ALLOW, _ALLOW)},
}
_INVOKERS = ("human", "automation")


@dataclass(frozen=True)
class Window:
    """A lock of the namespaces whose names begin so."""

    name: str
    prefix: str
    start: datetime
    end: datetime


@dataclass(frozen=True)
class Windows:
    """Locks around an instant: one that holds, one whose lead holds, one that is nearer than a day.

    Namespaces ``locked-*``, ``lead-*`` and ``soon-*``; all others are open.
    """

    locked: Window
    lead: Window
    soon: Window

    def each(self) -> tuple[Window, ...]:
        """All of them, as in the policy."""
        return (self.locked, self.lead, self.soon)

    def denying(self, action: str, phase: str, invoker: str) -> tuple[Window, datetime]:
        """The window that denies an action in a phase, and until when it does."""
        if phase == "locked":
            return self.locked, self.locked.end
        ends_with_lead = _verdict(action, "locked", invoker) == _ALLOW
        return self.lead, self.lead.start if ends_with_lead else self.lead.end


def windows_at(now: datetime) -> Windows:
    """The locks for tests that run within the hour."""
    now = now.astimezone(UTC).replace(microsecond=0)
    day = timedelta(days=1)
    return Windows(
        Window("wedding-day", "locked", now - day, now + day),
        Window("wedding-eve", "lead", now + LEAD - timedelta(minutes=10), now + day),
        Window("next-wedding", "soon", now + 3 * LEAD, now + day),
    )


def document(windows: Windows, *, mode: str = "enforce") -> str:
    """The policy; JSON is YAML."""
    return json.dumps(
        {
            "version": 1,
            "name": "acceptance",
            "timezone": HOME,
            "mode": mode,
            "lead": f"{LEAD // timedelta(hours=1)}h",
            "windows": [
                {
                    "name": window.name,
                    "start": f"{window.start:%Y-%m-%dT%H:%M:%SZ}",
                    "end": f"{window.end:%Y-%m-%dT%H:%M:%SZ}",
                    "scope": {
                        "namespaces": [f"{window.prefix}-*"],
                        "environments": [ENVIRONMENT],
                    },
                }
                for window in windows.each()
            ],
            "level_lock": {"at": "never"},
            "actions": {
                action: {
                    phase: dict(zip(_INVOKERS, cells, strict=True))
                    for phase, cells in phases.items()
                }
                for action, phases in _CELLS.items()
            },
            "override": {"roles": ["sre-lead"], "max_ttl": "2h"},
        },
        indent=1,
    )


@dataclass(frozen=True)
class Expected:
    """What a change must come to: the decision's action and its verdict."""

    action: str
    verdict: str

    @property
    def denied(self) -> bool:
        return self.verdict == _DENY


def expected(actions: Iterable[str], phase: str, invoker: str) -> Expected:
    """The strictest verdict on what a change does, and the action that it is recorded under."""
    found = {action: _verdict(action, phase, invoker) for action in actions}
    strictest = _DENY if _DENY in found.values() else _ALLOW
    action = min((a for a, v in found.items() if v == strictest), key=PRECEDENCE.index)
    return Expected(action, strictest)


def allowed(phase: str, invoker: str) -> list[str]:
    """The actions that a phase allows an invoker."""
    return [action for action in _CELLS if _verdict(action, phase, invoker) == _ALLOW]


def local(instant: datetime) -> str:
    """An instant as people at home read it, to the minute, with that date's offset."""
    return f"{instant.astimezone(ZoneInfo(HOME)):%a %d %b %Y %H:%M %z}"


def _verdict(action: str, phase: str, invoker: str) -> str:
    return _ALLOW if phase == "open" else _CELLS[action][phase][_INVOKERS.index(invoker)]
