"""What people read beside a deployment that the gate has answered, or lets wait.

GitHub takes at most 1 024 characters; reasons that do not fit any more are counted instead.
"""

from collections.abc import Iterable

from gate.core.decision import Decision, Effect, Verdict
from gate.core.instants import format_instant
from gate.core.wording import local_time
from gate.core.zones import zone
from gate.github.action.markdown import code, sentence

LONGEST_COMMENT = 1024
_ROOM_FOR_REST = 60


def holding(decision: Decision, environment: str, home: str | None) -> str:
    """Why the deployment waits, and until when; ``home`` is the policy's zone, None: unknown."""
    where = code(environment)
    if decision.verdict is Verdict.UNDECIDED:
        head = f"**Saturday Gate could not decide** about this deployment to {where}, so it waits."
        tail = "It is tried again by itself."
    else:
        head = f"**Saturday Gate holds this deployment to {where}** {_until(decision, home)}."
        tail = "It is approved by itself when it may go out."
    return _composed(head, decision, tail)


def rejecting(decision: Decision, environment: str, home: str | None) -> str:
    """Why it is rejected, and when to run it again."""
    head = f"**Saturday Gate rejects this deployment to {code(environment)}**:"
    return _composed(f"{head} locked {_until(decision, home)}.", decision, "Run it again then.")


def approving(decision: Decision, home: str | None) -> str:
    """Why it may go out."""
    override = decision.override
    if override is not None:
        until = local_time(override.until, zone(home or "UTC"))
        head = f"Approved: an override of {sentence(override.by)} holds until {until}."
        return _composed(head, decision, f"Its reason: {sentence(override.reason)}")
    if decision.effect is Effect.ALLOW:
        return f"Approved: changes may go out.\n\nDecision {code(decision.id)}"
    head = "Approved: the policy only warns."
    if decision.verdict is Verdict.UNDECIDED:
        head = "Approved, though the gate could not decide: the policy lets such changes go out."
    return _composed(head, decision, "")


def _until(decision: Decision, home: str | None) -> str:
    reopening = decision.next_change
    if reopening is None and any(reason.end is None for reason in decision.reasons):
        return "until it is released"
    if reopening is None:
        return "with no end in the coming 400 days"
    local = local_time(reopening, zone(home or "UTC"))
    return f"until {local} ({format_instant(reopening)})"


def _composed(head: str, decision: Decision, tail: str) -> str:
    end = "\n\n".join(part for part in (tail, f"Decision {code(decision.id)}") if part)
    head, end = head[: LONGEST_COMMENT // 2], end[-LONGEST_COMMENT // 3 :]
    room = LONGEST_COMMENT - len(head) - len(end) - len("\n\n" * 2) - _ROOM_FOR_REST
    reasons = _fitting((sentence(str(reason.message)) for reason in decision.reasons), room)
    return "\n\n".join(part for part in (head, reasons, end) if part)


def _fitting(messages: Iterable[str], room: int) -> str:
    lines: list[str] = []
    left_out = 0
    for message in messages:
        line = f"- {message}"
        if left_out or len(line) + 1 > room:
            left_out += 1
            continue
        lines.append(line)
        room -= len(line) + 1
    if left_out:
        lines.append(f"- and {left_out} more")
    return "\n".join(lines)
