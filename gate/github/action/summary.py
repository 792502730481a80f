"""A decision as the summary of a step, and as a short comment on a pull request."""

from collections.abc import Iterator

import msgspec

from gate.core.decision import Decision, Effect, LoadNow, Verdict
from gate.core.instants import format_instant
from gate.core.policy import Policy
from gate.core.wording import lasting
from gate.github.action.annotations import (
    LONGEST_SENTENCE,
    headline,
    reason_texts,
    shortened,
    shown,
    ways_out,
)
from gate.github.action.markdown import code, sentence, table

_NAMED_REASONS = 12
_LONGEST_NAME = 200
_LONGEST_COMMAND = 1000
_MARKS = {Effect.ALLOW: "✅", Effect.WARN: "⚠️", Effect.BLOCK: "⛔"}


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """A decision, the policy that made it (None where it is not at hand), and what is known beside.

    ``has_record``: overrides count here. ``problems``: what is wrong with the files.
    """

    decision: Decision
    policy: Policy | None
    has_record: bool
    problems: tuple[str, ...] = ()


def summary(told: Told, picture: list[str]) -> str:
    """The step's summary; ``picture`` are lines of Markdown, none where there is none."""
    lines = [f"## {_headline(told)}", "", *table(_rows(told)), ""]
    if picture:
        lines += ["### The coming two weeks", "", *picture, ""]
    return "\n".join(lines) + "\n"


def comment(told: Told, waiting: str | None, link: str | None) -> str:
    """The comment's text; ``waiting`` says what the run waits for, ``link`` is its address."""
    lines = [f"**{_headline(told)}**", ""]
    if waiting is not None:
        lines += [f"⏳ {sentence(waiting)}", ""]
    lines += [f"- {sentence(text)}" for text in _why(told)]
    lines += [f"- {way}" for way in _ways(told)]
    lines += ["", f"{_at(told)}{f' · [the run]({link})' if link else ''}"]
    return "\n".join(lines) + "\n"


def _headline(told: Told) -> str:
    mark = _MARKS[told.decision.effect]
    return f"{mark} Saturday Gate: {sentence(headline(told.decision, told.policy))}"


def _rows(told: Told) -> Iterator[tuple[str, str]]:
    decision, policy = told.decision, told.policy
    request = decision.request
    yield "verdict", f"**{decision.verdict}**, effect **{decision.effect}**"
    by = f" ({code(_short(request.actor))})" if request.actor else ""
    yield "change", f"{code(request.action)} by {request.invoker}{by}"
    if target := _target(told):
        yield "to", target
    yield "at", _at(told)
    if decision.phase is not None:
        yield "phase", f"{decision.phase}, level {decision.level}"
    if why := [*_why(told)]:
        yield "why", "<br>".join(map(sentence, why))
    if decision.locked_until is not None:
        yield "locked until", shown(decision.locked_until, policy)
    if (change := decision.next_change) is not None:
        turned = "denied" if decision.verdict is Verdict.ALLOW else "allowed"
        when = f"{shown(change, policy)}, in {lasting(change - decision.at)}"
        yield "next change", f"{turned} from {when}"
    if ways := [*_ways(told)]:
        yield "what to do", "<br>".join(ways)
    if (used := decision.override) is not None:
        text = f"{used.by} until {shown(used.until, policy)}: {used.reason}"
        yield "override", sentence(_short(text))
    yield from _facts(told)


def _facts(told: Told) -> Iterator[tuple[str, str]]:
    decision = told.decision
    if (load := decision.load) is not None:
        beyond = f", {load.shortfall} beyond the ceiling" if load.shortfall else ""
        yield (
            "load",
            f"weddings today: {load.weddings_today}, demand {load.demand:.6g},"
            f" replicas needed: {load.needed}{beyond}{_seen(load)}",
        )
    recorded = "yes" if decision.recorded else "no"
    yield "recorded", f"{recorded}, decision {code(_short(decision.id))}"
    named = decision.policy
    if named.sha256 is not None:
        name = f"{code(_short(named.name))}, " if named.name else ""
        yield "policy", f"{name}sha256 {code(named.sha256[:64])}"
    if (calendar := decision.calendar).sha256 is not None:
        count = f"{calendar.weddings} weddings, " if calendar.weddings is not None else ""
        yield "calendar", f"{count}sha256 {code(calendar.sha256[:64])}"


def _seen(load: LoadNow) -> str:
    """What of the load was observed, where the policy observes it."""
    if load.observed is msgspec.UNSET:
        return ""
    if load.observed.until is None or load.observed.at is None:
        return f"; observed load is {load.observed.state}, the bookings stand"
    return f"; observed at {format_instant(load.observed.at)}"


def _why(told: Told) -> Iterator[str]:
    if told.problems:
        for problem in told.problems[:_NAMED_REASONS]:
            yield shortened(problem, LONGEST_SENTENCE)
        if (others := len(told.problems) - _NAMED_REASONS) > 0:
            yield f"and {others} more"
        return
    yield from reason_texts(told.decision, _NAMED_REASONS)


def _ways(told: Told) -> Iterator[str]:
    """What to do, as Markdown."""
    if told.decision.effect is not Effect.BLOCK:
        return
    for way in ways_out(told.decision, told.policy, has_record=told.has_record):
        command = f": {code(_short(way.command, _LONGEST_COMMAND))}" if way.command else ""
        yield f"{sentence(_short(way.text))}{command}"


def _target(told: Told) -> str:
    request = told.decision.request
    fields = ("environment", "namespace", "service", "repository")
    named = ((field, getattr(request, field)) for field in fields)
    return ", ".join(f"{field} {code(_short(value))}" for field, value in named if value)


def _at(told: Told) -> str:
    home = f" ({told.policy.timezone})" if told.policy is not None else ""
    return f"{shown(told.decision.at, told.policy)}{home}"


def _short(text: str, limit: int = _LONGEST_NAME) -> str:
    return shortened(text, limit)
