"""Compiled inputs with what was observed: a timeline of the demand that holds."""

from collections.abc import Mapping
from datetime import UTC, datetime

from msgspec.structs import replace

from gate.core.instants import micros
from gate.core.observed import ObservedFacts, Seen, effective
from gate.core.timeline import compile_timeline
from gate.inputs.reading import Compiled, Unreadable


def observes(inputs: Compiled | Unreadable) -> bool:
    """Whether there is a policy that observes load, and bookings to hold against it."""
    return isinstance(inputs, Compiled) and inputs.policy.load.observed is not None


def with_seen(booked: Compiled, seen: Seen, before: Compiled | None = None) -> Compiled:
    """The inputs of a policy that observes load, with what was seen.

    ``before`` is what this gave for the same bookings at an earlier time: its timeline, with all
    that was looked up in it, is kept where the demand has not changed.
    """
    found = effective(booked.policy, booked.timeline.calendar, seen)
    known = before.facts.observed if before is not None else None
    if before is not None and known is not None and _same_demand(known, found.facts):
        timeline = before.timeline
    elif not found.facts.starts:
        timeline = booked.timeline
    else:
        timeline = compile_timeline(booked.policy, found.calendar, booked.timeline.locks)
    return Compiled(timeline=timeline, facts=replace(booked.facts, observed=found.facts))


def observed_now(
    inputs: Compiled | Unreadable,
    at: datetime | None,
    environ: Mapping[str, str],
    *,
    first: datetime | None = None,
) -> Compiled | Unreadable:
    """The inputs of somebody who asks once, with what the policy's source says.

    As of ``at``, or of now where that lies ahead; ``first`` is the earliest instant that is looked
    at, where that is another. Whatever happens to the source is told in the facts. Inputs of a
    policy that observes nothing come back as they are, and nothing is asked.
    """
    if not isinstance(inputs, Compiled) or not observes(inputs):
        return inputs
    # Only who has such a policy pays for the import of an HTTP client.
    from gate.load_sources.opening import look_once  # noqa: PLC0415

    now = datetime.now(UTC)
    moment = now if at is None else min(at, now)
    seen = look_once(
        inputs.policy,
        inputs.timeline.calendar,
        micros(moment),
        environ,
        first=None if first is None else micros(first),
    )
    return with_seen(inputs, seen)


def trouble_of(inputs: Compiled | Unreadable) -> str | None:
    """What to tell people of the source of observed load; None where there is nothing to tell."""
    facts = inputs.facts.observed if isinstance(inputs, Compiled) else None
    if facts is None or (facts.state == "fresh" and facts.trouble is None):
        return None
    why = facts.trouble or "there is no observation that is new enough"
    return f"observed load is {facts.state}: {why}; the bookings stand, and what was raised by it"


def _same_demand(one: ObservedFacts, other: ObservedFacts) -> bool:
    return (one.starts, one.entered) == (other.starts, other.entered)
