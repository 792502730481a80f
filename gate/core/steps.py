"""From load by zone and local date to steps by instant.

A *tally* is one integer, a weight shifted left over a number of weddings: one addition sums both.
Numbers stay far below ``2**NUMBER_BITS``; of a sum of changes neither part is ever negative.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import date

from gate.core.instants import EPOCH_ORDINAL
from gate.core.zones import offsets

NUMBER_BITS = 40
NUMBER_MASK = (1 << NUMBER_BITS) - 1

_DAY = 86_400

Days = Mapping[int, int]
"""Tallies of one zone by the proleptic ordinal of the local date, before the hour's factor; of at
least one date."""
Hours = list[tuple[int, int]]
"""Second of the local day, and the factor from it on; the first is second 0."""


def steps(zones: Mapping[str, Days], hours: Hours) -> Iterator[tuple[int, int, int]]:
    """Instant in seconds, weight and number from it on, in order and where one of them changes.

    Days that no change of offset cuts are summed over all zones with the same offset first.
    """
    changes: defaultdict[int, int] = defaultdict(int)
    whole: defaultdict[int, defaultdict[int, int]] = defaultdict(lambda: defaultdict(int))
    for zone, days in zones.items():
        _sort_days(zone, days, hours, whole, changes)
    for offset, days in whole.items():
        _add_whole_days(offset, days, hours, changes)
    standing = 0
    for instant in sorted(changes):
        change = changes[instant]
        if change:
            standing += change
            yield instant, standing >> NUMBER_BITS, standing & NUMBER_MASK


def _sort_days(
    zone: str,
    days: Days,
    hours: Hours,
    whole: defaultdict[int, defaultdict[int, int]],
    changes: defaultdict[int, int],
) -> None:
    """Put a zone's whole days to those of their offset, and add the parts of days that are cut.

    Within a piece of constant offset the wall clock runs on evenly; a local day that a change of
    offset cuts is added in two parts, and an hour that the clock repeats counts twice.
    """
    ordinals = sorted(days)
    years = date.fromordinal(ordinals[0]).year, date.fromordinal(ordinals[-1]).year
    pieces = offsets(zone, *years)
    for piece, offset in enumerate(pieces.offsets):
        begin = pieces.starts[piece] + offset
        last = piece + 1 == len(pieces.offsets)
        end = (ordinals[-1] + 2) * _DAY if last else pieces.starts[piece + 1] + offset
        low = bisect_left(ordinals, begin // _DAY + EPOCH_ORDINAL)
        high = bisect_left(ordinals, -(-end // _DAY) + EPOCH_ORDINAL)
        whole_low = bisect_left(ordinals, -(-begin // _DAY) + EPOCH_ORDINAL)
        whole_high = max(bisect_left(ordinals, end // _DAY + EPOCH_ORDINAL), whole_low)
        same_offset = whole[offset]
        for ordinal in ordinals[whole_low:whole_high]:
            same_offset[ordinal] += days[ordinal]
        for ordinal in ordinals[low:whole_low] + ordinals[whole_high:high]:
            midnight = (ordinal - EPOCH_ORDINAL) * _DAY
            span = max(midnight, begin), min(midnight + _DAY, end)
            _add_part(midnight, span, offset, days[ordinal], hours, changes)


def _add_part(
    midnight: int,
    span: tuple[int, int],
    offset: int,
    tally: int,
    hours: Hours,
    changes: defaultdict[int, int],
) -> None:
    """Add the part ``[first, after)`` (local seconds) of a local day."""
    first, after = span
    weight, number = tally >> NUMBER_BITS, tally & NUMBER_MASK
    changes[first - offset] += number
    changes[after - offset] -= number
    held = 0
    for second, factor in hours:
        at = midnight + second
        if at >= after:
            break
        value = weight * factor << NUMBER_BITS
        changes[max(at, first) - offset] += value - held
        held = value
    changes[after - offset] -= held


def _add_whole_days(offset: int, days: Days, hours: Hours, changes: defaultdict[int, int]) -> None:
    rises, held = [], 0
    for second, factor in hours:
        rises.append((second - offset, (factor - held) << NUMBER_BITS))
        held = factor
    held <<= NUMBER_BITS
    for ordinal, tally in days.items():
        midnight = (ordinal - EPOCH_ORDINAL) * _DAY
        weight, number = tally >> NUMBER_BITS, tally & NUMBER_MASK
        changes[midnight - offset] += number
        for second, rise in rises:
            changes[midnight + second] += weight * rise
        changes[midnight + _DAY - offset] -= weight * held + number
