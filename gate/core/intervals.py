"""Sets of instants as sorted, disjoint, non-touching half-open intervals of microseconds."""

from collections.abc import Iterable, Sequence

Interval = tuple[int, int]


def merged(intervals: Iterable[Interval], join: int = 0) -> list[Interval]:
    """The union; gaps shorter than ``join`` are filled (touching intervals always merge)."""
    result: list[Interval] = []
    for start, end in sorted(intervals):
        if result and (start <= result[-1][1] or start - result[-1][1] < join):
            if end > result[-1][1]:
                result[-1] = (result[-1][0], end)
        elif start < end:
            result.append((start, end))
    return result


def subtracted(minuend: Sequence[Interval], subtrahend: Sequence[Interval]) -> list[Interval]:
    """What of the first set the second one leaves; both merged."""
    result: list[Interval] = []
    index = 0
    for start, end in minuend:
        while index < len(subtrahend) and subtrahend[index][1] <= start:
            index += 1
        at, probe = start, index
        while probe < len(subtrahend) and subtrahend[probe][0] < end:
            if at < subtrahend[probe][0]:
                result.append((at, subtrahend[probe][0]))
            at = max(at, subtrahend[probe][1])
            probe += 1
        if at < end:
            result.append((at, end))
    return result


def clipped(intervals: Iterable[Interval], start: int, end: int) -> list[Interval]:
    """The parts inside ``[start, end)``."""
    return [(max(a, start), min(b, end)) for a, b in intervals if a < end and b > start]
