"""Demand by learnt factors: from when they hold on, and never below the bookings in a window.

Factors are effective-dated: the demand of an instant goes by those in force then. In protected time
(`gate.core.observed`: lock windows, peaks of the bookings) a factor below the policy's own counts
as that, so that nothing learnt lowers what the bookings ask for while it matters.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from fractions import Fraction

import msgspec

from gate.core.demand import Calendar, Demand
from gate.core.instants import micros
from gate.core.intervals import Interval, clipped, subtracted
from gate.core.observed import append_steps, protected_time
from gate.core.policy import Culture, Policy

MOST_EPOCHS = 4
"""So many sets of factors are told apart; what held before them counts as the policy's own."""
_FOREVER = 1 << 62


class LearntRow(msgspec.Struct, frozen=True, kw_only=True):
    """What the database holds of a culture from an instant on.

    ``own``, ``guests`` and ``days`` are those of the policy of that time; ``learnt`` is None where
    nothing was learnt, or is not to hold any more.
    """

    culture: str
    valid_from: datetime
    own: str
    guests: int
    days: int
    learnt: float | None


class CultureFactor(msgspec.Struct, frozen=True, kw_only=True):
    """A factor that holds for the demand from an instant on."""

    culture: str
    valid_from: datetime
    factor: Fraction


class Epoch(msgspec.Struct, frozen=True, kw_only=True):
    """Factors that hold together from ``start`` (microseconds) until the next epoch's."""

    start: int
    factors: dict[str, Fraction]


def factors_of(rows: Sequence[LearntRow], policy: Policy) -> tuple[CultureFactor, ...]:
    """What was learnt of the cultures of a policy, where that uses it, in order of time.

    Rows of a culture that the policy gives other values are passed over; what was learnt is kept
    within the policy's bounds.
    """
    observed = policy.load.observed
    if observed is None or not observed.learned.use:
        return ()
    found: list[CultureFactor] = []
    for row in sorted(rows, key=lambda row: (row.valid_from, row.culture)):
        culture = policy.load.cultures.get(row.culture)
        if culture is None or not _is_of(row, culture):
            continue
        factor = culture.factor if row.learnt is None else Fraction(repr(row.learnt))
        low, high = (bound * culture.factor for bound in observed.learned.bounds)
        found.append(
            CultureFactor(
                culture=row.culture,
                valid_from=row.valid_from,
                factor=min(max(factor, low), high),
            )
        )
    return tuple(found)


def _is_of(row: LearntRow, culture: Culture) -> bool:
    try:
        own = Fraction(row.own)
    except ValueError:
        # A database takes NaN for a factor.
        return False
    return (own, row.guests, row.days) == (culture.factor, culture.guests, culture.days)


def in_force(factors: Iterable[CultureFactor], policy: Policy, at: datetime) -> dict[str, Fraction]:
    """The factors at an instant that are not the policy's own, by culture."""
    newest = {each.culture: each.factor for each in factors if each.valid_from <= at}
    cultures = policy.load.cultures
    return {name: newest[name] for name in sorted(newest) if newest[name] != cultures[name].factor}


def epochs(factors: Sequence[CultureFactor], policy: Policy) -> list[Epoch]:
    """The factors that hold together, in order of time; none where all are the policy's own."""
    starts = sorted({each.valid_from for each in factors})
    found: list[Epoch] = []
    for start in starts:
        now = in_force(factors, policy, start)
        if now != (found[-1].factors if found else {}):
            found.append(Epoch(start=micros(start), factors=now))
    return found[-MOST_EPOCHS:]


def spliced(
    policy: Policy, own: Calendar, pieces: Sequence[tuple[int, Calendar, Calendar]]
) -> Calendar:
    """The calendar of which each piece holds from its start (microseconds) on.

    A piece has the demand by the learnt factors, and that by the larger of learnt and own, which
    holds in protected time.
    """
    if not pieces:
        return own
    last = max(own.demand.starts[-1], pieces[-1][0])
    protected = protected_time(policy, own, pieces[0][0], last)
    ends = [start for start, _, _ in pieces[1:]] + [_FOREVER]
    parts: list[tuple[Interval, Demand]] = []
    for (start, plain, least), end in zip(pieces, ends, strict=True):
        whole = [(start, end)]
        inside = clipped(protected, start, end)
        parts += [(span, plain.demand) for span in subtracted(whole, inside)]
        parts += [(span, least.demand) for span in inside]
    parts.sort(key=lambda part: part[0])
    before = (own.demand.starts[0], pieces[0][0])
    return msgspec.structs.replace(own, demand=_joined([(before, own.demand), *parts]))


def _joined(parts: Sequence[tuple[Interval, Demand]]) -> Demand:
    made = Demand([], [], [], [])
    for (start, end), demand in parts:
        step = demand.index(start)
        made.starts.append(start)
        made.units.append(demand.units[step])
        made.needed.append(demand.needed[step])
        made.standing.append(demand.standing[step])
        append_steps(made, demand, step + 1, demand.index(end - 1) + 1)
    return made
