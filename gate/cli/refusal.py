"""A decision as a person reads it: what is protected, until when, what is allowed, whom to ask."""

from collections.abc import Iterator
from datetime import datetime

import click
from msgspec import UNSET

from gate.cli.output import count
from gate.core.decision import Decision, Effect, Phase, Verdict
from gate.core.instants import format_instant
from gate.core.policy import Action, Policy
from gate.core.printable import plain
from gate.core.wording import allowed_actions, local_time, override_command
from gate.core.zones import zone

_LABEL_WIDTH = 9
_COLOURS = {Effect.ALLOW: "green", Effect.WARN: "yellow", Effect.BLOCK: "red"}
_HEADLINES = {
    (Verdict.ALLOW, Effect.ALLOW): "ALLOWED",
    (Verdict.DENY, Effect.ALLOW): "ALLOWED by override",
    (Verdict.DENY, Effect.WARN): "WARNED (mode warn)",
    (Verdict.DENY, Effect.BLOCK): "DENIED",
    (Verdict.UNDECIDED, Effect.WARN): "UNDECIDED (not blocked)",
    (Verdict.UNDECIDED, Effect.BLOCK): "UNDECIDED, so blocked",
}


def render(decision: Decision, policy: Policy | None) -> str:
    """Some lines of text; ``policy`` is None where it could not be read."""
    headline = _HEADLINES[decision.verdict, decision.effect]
    what = f"{decision.request.action} by {decision.request.invoker}{_target(decision)}"
    first = f"{click.style(headline, fg=_COLOURS[decision.effect], bold=True)}  {what}"
    lines = [first, *_facts(decision, policy)]
    return "\n".join(lines) + "\n"


def _facts(decision: Decision, policy: Policy | None) -> Iterator[str]:
    yield _line("at", _time(decision.at, policy))
    for number, reason in enumerate(decision.reasons):
        yield _line("why" if number == 0 else "", str(reason.message))
    if policy is None or decision.phase is None:
        return
    if decision.override is not None:
        applied = decision.override
        yield _line("override", f"{applied.id} of {applied.by}: {applied.reason}")
    if decision.phase is not Phase.OPEN:
        until = decision.locked_until
        yield _line("locked", "until " + _time(until, policy) if until else "no end in 400 days")
    if decision.next_change is not None:
        turned = "denied" if decision.verdict is Verdict.ALLOW else "allowed"
        yield _line("next", f"{turned} from {_time(decision.next_change, policy)}")
    if decision.load is not None:
        yield _line("load", _load(decision))
    if decision.effect is Effect.BLOCK:
        yield _line("allowed", ", ".join(_still_allowed(decision, policy)) or "nothing")
        yield _line("ask", " or ".join(policy.override.roles) or "nobody: no role may override")
        if policy.override.roles and decision.request.invoker == "human":
            yield _line("with", _override_command(decision, policy))


def _line(label: str, text: str) -> str:
    return f"  {label:<{_LABEL_WIDTH}}{plain(text)}"


def _time(instant: datetime, policy: Policy | None) -> str:
    if policy is None:
        return format_instant(instant)
    return f"{local_time(instant, zone(policy.timezone))} ({policy.timezone})"


def _target(decision: Decision) -> str:
    request = decision.request
    parts = (request.environment, request.namespace, request.service, request.repository)
    named = "/".join(part for part in parts if part)
    return f" to {plain(named)}" if named else ""


def _load(decision: Decision) -> str:
    load = decision.load
    assert load is not None
    text = (
        f"level {decision.level}: {count(load.weddings_today, 'wedding')} today,"
        f" demand {load.demand:.6g}, {count(load.needed, 'replica')} needed"
    )
    if load.observed is not UNSET and load.observed.until is not None:
        text += f" (observed {format_instant(load.observed.at)})" if load.observed.at else ""
    return f"{text}, {load.shortfall} beyond the ceiling" if load.shortfall else text


def _still_allowed(decision: Decision, policy: Policy) -> list[Action]:
    assert decision.phase is not None
    return allowed_actions(policy, decision.phase, decision.request.invoker)


def _override_command(decision: Decision, policy: Policy) -> str:
    until = format_instant(decision.at + policy.override.max_ttl)
    role = policy.override.roles[0]
    return override_command(decision.request, role, ending=("--until", until))
