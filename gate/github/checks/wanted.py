"""How a head should stand by a decision, in the words that people read on the pull request."""

import re

import msgspec

from gate.core.decision import Decision, Effect, Verdict
from gate.core.instants import format_instant
from gate.core.printable import plain
from gate.core.wording import local_time
from gate.core.zones import zone

NAME = "saturday-gate"
"""The name of the check run and the context of the commit status."""
LONGEST_DESCRIPTION = 140
_MOST_REASONS = 20
_BACKTICKS = re.compile("`+")


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """``title`` (of a check) and ``description`` (of a status) are compared with what stands."""

    blocked: bool
    title: str
    summary: str
    description: str
    external_id: str

    @property
    def check_state(self) -> str:
        """The status of a check run."""
        return "in_progress" if self.blocked else "completed"

    @property
    def status_state(self) -> str:
        """The state of a commit status."""
        return "pending" if self.blocked else "success"


def wanted(decision: Decision, home: str | None) -> Wanted:
    """What a decision asks for; ``home`` is the policy's zone, None where it could not be read.

    A head is blocked where the effect is `block`. The texts of an open gate name no instant: they
    would have to be written anew whenever a later lock is planned.
    """
    blocked = decision.effect is Effect.BLOCK
    title = _blocked_title(decision, home) if blocked else "Open: changes may go out"
    if not blocked and decision.effect is Effect.WARN:
        title = "Open: the policy only warns"
    return Wanted(
        blocked=blocked,
        title=title,
        summary=_summary(decision, title),
        description=title[:LONGEST_DESCRIPTION],
        external_id=decision.id,
    )


def _blocked_title(decision: Decision, home: str | None) -> str:
    if decision.verdict is Verdict.UNDECIDED:
        return "Blocked: the gate could not decide"
    reopening = decision.next_change
    if reopening is None and any(reason.end is None for reason in decision.reasons):
        return "Locked until it is released"
    if reopening is None:
        return "Locked, with no end in the coming 400 days"
    local = local_time(reopening, zone(home or "UTC"))
    return f"Locked until {local} ({format_instant(reopening)})"


def _summary(decision: Decision, title: str) -> str:
    lines = [f"**{title}**", ""]
    shown = decision.reasons[:_MOST_REASONS]
    lines += [f"- {_code(reason.message or reason.code)}" for reason in shown]
    if (more := len(decision.reasons) - _MOST_REASONS) > 0:
        lines.append(f"- and {more} more")
    if decision.override is not None:
        by, until = decision.override.by, format_instant(decision.override.until)
        lines.append(f"- {_code(f'an override by {by} is in force until {until}')}")
    if decision.effect is Effect.BLOCK:
        lines += [
            "",
            "Nothing is wrong with the code. The check turns green by itself when the gate opens; "
            "labels and comments do not change it, `gate override` does.",
        ]
    return "\n".join(lines)


def _code(text: str) -> str:
    """What people wrote, as code: it mentions nobody and formats nothing."""
    return f"`{_BACKTICKS.sub(chr(39), plain(text))[:1000]}`"
