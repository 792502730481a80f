"""Time cut where anything changes: from each second on, which rules decide whether it is locked.

A *formula* says what must hold of a change for it to be locked: a manual lock that concerns it, or
a lock window that does and no exception. Most policies need two: open, and locked for all.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import groupby

import msgspec

from gate.cluster.fallback.rules import FOREVER, JUDGED, Concern, Rule
from gate.core.policy import Action

ANY = Concern()


class Formula(msgspec.Struct, frozen=True):
    """Concerns by kind; see `locks`."""

    manual: tuple[Concern, ...] = ()
    lock: tuple[Concern, ...] = ()
    open: tuple[Concern, ...] = ()

    def locks(self, namespace: str, name: str | None, actions: Iterable[Action]) -> bool:
        """Whether a change is locked while this formula is in force."""
        acting = tuple(actions)

        def some(concerns: Iterable[Concern]) -> bool:
            return any(concern.holds(namespace, name, acting) for concern in concerns)

        return some(self.manual) or (some(self.lock) and not some(self.open))


OPEN = Formula()
"""Nothing is locked."""


class Segments(msgspec.Struct, frozen=True, kw_only=True):
    """``formulas[numbers[i]]`` is in force from ``starts[i]`` (seconds since 1970) to the next
    start; before the first one nothing is locked. Formula 0 is `OPEN`.
    """

    formulas: tuple[Formula, ...]
    starts: tuple[int, ...]
    numbers: tuple[int, ...]

    def formula(self, second: int) -> Formula:
        """The formula in force."""
        index = bisect_right(self.starts, second) - 1
        return self.formulas[self.numbers[index]] if index >= 0 else OPEN

    def locked(
        self, second: int, namespace: str, name: str | None, actions: Iterable[Action] = JUDGED
    ) -> bool:
        """Whether a change is locked at a second, for one of its actions at least."""
        return self.formula(second).locks(namespace, name, actions)

    def until(
        self, second: int, namespace: str, name: str | None, actions: Iterable[Action] = JUDGED
    ) -> int | None:
        """From when on a change that is locked at a second is not; None where that is not known."""
        acting = tuple(actions)
        for index in range(bisect_right(self.starts, second), len(self.starts)):
            if not self.formulas[self.numbers[index]].locks(namespace, name, acting):
                return self.starts[index]
        return None

    def quiet(self, first: int, last: int) -> bool:
        """Whether nothing is locked for anyone in ``[first, last]``."""
        low = max(bisect_right(self.starts, first) - 1, 0)
        high = bisect_right(self.starts, last)
        return not any(self.numbers[low:high])


def segments(found: Sequence[Rule]) -> Segments:
    """Lay the rules over one another."""
    edges: dict[int, list[tuple[bool, Rule]]] = {}
    for rule in found:
        for start, end in rule.intervals:
            edges.setdefault(start, []).append((True, rule))
            if end < FOREVER:
                edges.setdefault(end, []).append((False, rule))
    active: set[int] = set()
    by_id = {id(rule): number for number, rule in enumerate(found)}
    timed: list[tuple[int, Formula]] = []
    for second in sorted(edges):
        for begins, rule in edges[second]:
            (active.add if begins else active.discard)(by_id[id(rule)])
        timed.append((second, _formula([found[number] for number in sorted(active)])))
    return _numbered(timed)


def _formula(active: Sequence[Rule]) -> Formula:
    """What the rules in force come to; those that say no more than others are left out."""
    manual, lock, opened = (
        _strongest(rule.concern for rule in active if rule.kind == kind)
        for kind in ("manual", "lock", "open")
    )
    if ANY in manual:
        return Formula(manual=(ANY,))
    if not lock or any(concern.scope == ANY.scope for concern in opened):
        return Formula(manual=manual)
    return Formula(manual, lock, opened)


def _strongest(concerns: Iterable[Concern]) -> tuple[Concern, ...]:
    found = tuple(concerns)
    return (ANY,) if ANY in found else found


def _numbered(timed: Iterable[tuple[int, Formula]]) -> Segments:
    numbers: dict[Formula, int] = {OPEN: 0}
    starts: list[int] = []
    found: list[int] = []
    last = OPEN
    for formula, same in groupby(timed, key=lambda each: each[1]):
        first = next(same)[0]
        if formula != last:
            starts.append(first)
            found.append(numbers.setdefault(formula, len(numbers)))
            last = formula
    return Segments(formulas=tuple(numbers), starts=tuple(starts), numbers=tuple(found))
