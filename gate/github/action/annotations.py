"""What a run's reader is told of a decision: one annotation, or a plain line.

A refusal says what, until when (in the policy's home zone) and what to do about it.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

import msgspec

from gate.core.decision import Decision, Effect, Phase, Request, Verdict
from gate.core.document.show import duration_text
from gate.core.instants import format_instant
from gate.core.policy import Policy
from gate.core.printable import plain
from gate.core.wording import allowed_actions, lasting, local_time, override_command
from gate.core.zones import zone
from gate.github.action.commands import Kind, command, log_line

_NAMED_REASONS = 3
_LONGEST_PART = 60
LONGEST_SENTENCE = 500
"""What others wrote is cut at this many characters."""
_NEAR = timedelta(hours=24)
_VERY_NEAR = timedelta(hours=2)
"""A lock that is nearer than these is announced, the second more urgently."""


class Way(msgspec.Struct, frozen=True):
    """Something to do about a refusal, and the command for it, where there is one."""

    text: str
    command: str | None = None


class Telling(msgspec.Struct, frozen=True, kw_only=True):
    """A headline and what stands below it; ``kind`` None: a plain line, no annotation."""

    kind: Kind | None
    title: str
    lines: tuple[str, ...]

    def rendered(self) -> list[str]:
        """The lines of the log."""
        if self.kind is None:
            return self.plainly()
        body = "\n".join(self.lines) or self.title
        return [command(self.kind, body, title=f"Saturday Gate: {self.title}")]

    def plainly(self) -> list[str]:
        """The same without an annotation."""
        return [log_line(text) for text in (self.title, *self.lines)]


def telling(
    decision: Decision,
    policy: Policy | None,
    *,
    has_record: bool,
    reporting: bool = False,
    annotated: bool = False,
) -> Telling:
    """What to say of a decision.

    ``policy`` is the one that decided, None where it is not at hand; ``has_record``: overrides can
    be seen, because a server or a database is asked; ``reporting``: a refusal fails nothing;
    ``annotated``: the causes have annotations of their own.
    """
    kind: Kind | None = None
    if annotated:
        pass
    elif decision.effect is Effect.BLOCK:
        kind = "warning" if reporting else "error"
    elif decision.effect is Effect.WARN:
        kind = "warning"
    elif _lock_is_near(decision):
        kind = "notice"
    lines = [*_reasons(decision), *_times(decision, policy)]
    if decision.effect is Effect.BLOCK:
        lines += _ways(decision, policy, has_record=has_record)
    return Telling(kind=kind, title=headline(decision, policy), lines=tuple(lines))


def headline(decision: Decision, policy: Policy | None) -> str:
    """``deploy to production denied until Sun 14 Jun 2026 08:00 +0100``."""
    what = f"{decision.request.action}{_target(decision.request)}"
    if decision.verdict is Verdict.UNDECIDED:
        so = "so blocked" if decision.effect is Effect.BLOCK else "but not blocked"
        return f"{what} undecided, {so}"
    if decision.verdict is Verdict.ALLOW:
        near = decision.next_change if _lock_is_near(decision) else None
        if near is None:
            return f"{what} allowed"
        soon = "but very soon locked" if near - decision.at <= _VERY_NEAR else "but a lock is near"
        return f"{what} allowed, {soon}: until {shown(near, policy)}"
    if decision.effect is Effect.ALLOW:
        return f"{what} allowed by override"
    until = decision.next_change
    when = f"until {shown(until, policy)}" if until else "for 400 days or more"
    only = ", but only warned" if decision.effect is Effect.WARN else ""
    return f"{what} denied {when}{only}"


def shown(instant: datetime, policy: Policy | None) -> str:
    """An instant in the home zone, or in UTC where none is known."""
    return (
        local_time(instant, zone(policy.timezone))
        if policy is not None
        else format_instant(instant)
    )


def shortened(text: str, limit: int) -> str:
    """The text, at most so many characters of it."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def reason_texts(decision: Decision, limit: int) -> Iterator[str]:
    """The messages of the first reasons, each of bounded length, and how many more there are."""
    for reason in decision.reasons[:limit]:
        message = reason.message if isinstance(reason.message, str) else reason.code
        yield shortened(plain(message), LONGEST_SENTENCE)
    if (others := len(decision.reasons) - limit) > 0:
        yield f"and {others} more"


def ways_out(decision: Decision, policy: Policy | None, *, has_record: bool) -> Iterator[Way]:
    """What stays allowed, whom to ask, and the command that they run."""
    if policy is None or decision.phase is None or decision.phase is Phase.OPEN:
        return
    request = decision.request
    allowed = allowed_actions(policy, decision.phase, request.invoker)
    yield Way(f"still allowed: {', '.join(allowed) or 'nothing'}")
    rules = policy.override
    if not rules.roles:
        yield Way("no role may override this")
        return
    roles = plain(" or ".join(rules.roles))
    if not has_record:
        yield Way(f"ask {roles}; overrides count where the Action is given server or dsn")
        return
    asked = override_command(
        request, rules.roles[0], ending=("--for", duration_text(rules.max_ttl))
    )
    start = "" if _may_use(policy, request) else ", and start the workflow by hand after it"
    yield Way(f"ask {roles} to override{start}", plain(asked))


def _may_use(policy: Policy, request: Request) -> bool:
    return request.invoker == "human" or policy.override.automation


def _ways(decision: Decision, policy: Policy | None, *, has_record: bool) -> Iterator[str]:
    for way in ways_out(decision, policy, has_record=has_record):
        yield way.text if way.command is None else f"{way.text}: {way.command}"
    if decision.verdict is Verdict.UNDECIDED:
        yield "nothing may go out until the gate can decide: mend what is named, then run again"


def _reasons(decision: Decision) -> Iterator[str]:
    yield from reason_texts(decision, _NAMED_REASONS)
    if (used := decision.override) is not None:
        yield plain(f"override {used.id} of {used.by} until {format_instant(used.until)}")


def _times(decision: Decision, policy: Policy | None) -> Iterator[str]:
    change = decision.next_change
    if change is None:
        return
    turned = "denied" if decision.verdict is Verdict.ALLOW else "allowed again"
    ahead = lasting(change - decision.at)
    yield f"{turned} from {shown(change, policy)}, in {ahead}"


def _lock_is_near(decision: Decision) -> bool:
    change = decision.next_change
    return (
        decision.verdict is Verdict.ALLOW and change is not None and change - decision.at <= _NEAR
    )


def _target(request: Request) -> str:
    parts = (request.environment, request.namespace, request.service)
    named = "/".join(shortened(plain(part), _LONGEST_PART) for part in parts if part)
    return f" to {named}" if named else ""
