"""Policies that observe load, and what was seen, in a few words."""

from fractions import Fraction

from gate.core.instants import HOUR, micros, parse_instant
from gate.core.observed import Observation, Seen
from gate.core.policy import ObservedRules, Policy
from tests.core.build import policy

MINUTE = HOUR // 60
OBSERVED = "  observed: {source: prometheus, url: http://127.0.0.1:1, query: up}\n"


def observing(text: str = "", observed: str = OBSERVED) -> Policy:
    """A policy in London with further lines, and observed load."""
    return policy(f"{text}load:\n{observed}")


def rules_of(rules: Policy) -> ObservedRules:
    """Its rules on observed load."""
    assert rules.load.observed is not None
    return rules.load.observed


def seen(now: int, *observations: tuple[int, float], since: int | None = None) -> Seen:
    """What was seen as of ``now``, as (instant, units)."""
    return Seen(
        observations=tuple(Observation(at, Fraction(units)) for at, units in observations),
        asked_at=now,
        since=since,
    )


def us(text: str) -> int:
    """An instant in microseconds."""
    return micros(parse_instant(text))
