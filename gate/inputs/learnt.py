"""Calendars compiled by learnt factors, where the policy uses them."""

from collections.abc import Sequence

from gate.calendars import compile_sources
from gate.calendars.source import Source
from gate.core.demand import Calendar
from gate.core.learning import with_factors
from gate.core.learnt import CultureFactor, epochs, spliced
from gate.core.policy import LoadModel, Policy


def with_learnt(
    policy: Policy, own: Calendar, sources: Sequence[Source], factors: Sequence[CultureFactor]
) -> Calendar:
    """The calendar of these files by the factors in force at each instant.

    ``own`` is the same by the policy's own factors.
    """

    def compiled(load: LoadModel) -> Calendar:
        return own if load == policy.load else compile_sources(sources, load).calendar

    pieces = []
    for epoch in epochs(factors, policy):
        plain = with_factors(policy.load, epoch.factors, least=False)
        least = with_factors(policy.load, epoch.factors, least=True)
        calendar = compiled(plain)
        pieces.append((epoch.start, calendar, calendar if least == plain else compiled(least)))
    return spliced(policy, own, pieces)
