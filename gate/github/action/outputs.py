"""The outputs of the Action: a decision as texts."""

from datetime import datetime

import msgspec

from gate.core.decision import Decision
from gate.core.instants import format_instant


def outputs(decision: Decision) -> dict[str, str]:
    """Each output by its name; null is the empty string."""
    return {
        "verdict": decision.verdict.value,
        "effect": decision.effect.value,
        "phase": decision.phase or "",
        "level": decision.level or "",
        "next-change": _instant(decision.next_change),
        "locked-until": _instant(decision.locked_until),
        "decision-id": decision.id,
        "recorded": "true" if decision.recorded else "false",
        "reasons": msgspec.json.encode(decision.reasons).decode(),
    }


def _instant(instant: datetime | None) -> str:
    return format_instant(instant) if instant is not None else ""
