"""The step from where a target stands to what is wished for it, as one patch.

The values that the gate found and those that it set stand on the object itself, in the patch that
sets them: no crash can part them. So each step is judged from the object alone, and a step taken
twice changes nothing.
"""

from datetime import datetime
from typing import Any

import msgspec

from gate.cluster.scaling.holds import write_holds
from gate.cluster.scaling.reading import FIELDS
from gate.cluster.scaling.values import (
    HELD,
    MOST_AGAIN,
    ORIGINAL,
    RAISED,
    Field,
    Raised,
    Range,
    Step,
    Target,
    Wish,
)

_FIELDS: tuple[Field, ...] = ("min", "max")


class _Move(msgspec.Struct, frozen=True, kw_only=True):
    """Where a target goes, and what its annotations say afterwards (None: they go)."""

    after: Range
    raised: Raised | None = None
    left: tuple[Field, ...] = ()
    given_up: bool = False


def step(target: Target, wish: Wish, at: datetime) -> Step:
    """What to do to a target now (``at``), so that it stands as wished."""
    alone = target.error is not None or target.is_going
    move = None if alone else _move(target, wish, at)
    after = target.now if move is None else move.after
    kept = _kept(target, move.left) if move is not None else None
    error = target.error
    if move is not None and move.given_up:
        error = (
            f"was lowered again after {MOST_AGAIN} raises by {_managers(target, move.left)};"
            f" left at {after.min} to {after.max}"
        )
    return Step(
        target=target,
        before=target.now,
        after=after,
        level=wish.level,
        cause=wish.cause,
        at=at,
        reason=wish.reason,
        patch=None if move is None else _patch(target, move, wish),
        kept=kept,
        error=error,
        note="; ".join(target.notes) or None,
    )


def _move(target: Target, wish: Wish, at: datetime) -> _Move:
    goal = _goal(target, wish)
    if target.original is None:
        return _first(target, goal, wish, at)
    if goal == target.original:
        return _release(target, target.original, wish)
    return _adjust(target, goal, wish, at)


def _goal(target: Target, wish: Wish) -> Range:
    """``max(own, asked)``: neither the floor nor the ceiling goes below what is the target's own.

    Where nothing may be lowered, the floor in force counts, too: what stands, and what the gate
    had set where someone lowered it.
    """
    own = target.own
    low, high = max(own.min, wish.min), max(own.max, wish.max or 0)
    if wish.never_lower:
        low, high = max(low, target.now.min), max(high, target.now.max)
        if target.original is not None and target.raised is not None:
            low, high = max(low, target.raised.min), max(high, target.raised.max)
    return Range(low, max(high, low))


def _first(target: Target, goal: Range, wish: Wish, at: datetime) -> _Move:
    if goal == target.now:
        return _Move(after=goal)
    return _Move(after=goal, raised=_raised(target, goal, goal, wish, at, again=0))


def _release(target: Target, own: Range, wish: Wish) -> _Move:
    """Give back each field that still has the value that the gate set.

    Where a plan asks for no more than the target's own, what somebody lowered is given back, too.
    """
    ours = _set_by_gate(target)
    left = tuple(
        f
        for f in _FIELDS
        if getattr(target.now, f) != getattr(ours, f)
        and not (wish.min > 0 and getattr(target.now, f) < getattr(own, f))
    )
    low = target.now.min if "min" in left else own.min
    high = target.now.max if "max" in left else own.max
    # A floor that someone set above the target's own ceiling needs its room.
    return _Move(after=Range(low, max(low, high)), left=left)


def _adjust(target: Target, goal: Range, wish: Wish, at: datetime) -> _Move:
    """Move a raised target; what others changed goes by whether it is above or below."""
    ours = _set_by_gate(target)
    before = target.raised.again if target.raised is not None else 0
    foreign = [f for f in _FIELDS if getattr(target.now, f) != getattr(ours, f)]
    low = [f for f in foreign if getattr(target.now, f) < getattr(goal, f)]
    # More than ever was set is a new wish, not the old one again.
    fresh = any(getattr(goal, f) > getattr(ours, f) for f in _FIELDS)
    may = fresh or before < MOST_AGAIN
    left = tuple(
        f for f in foreign if getattr(target.now, f) > getattr(goal, f) or (f in low and not may)
    )
    chosen = {f: getattr(target.now if f in foreign and f not in low else goal, f) for f in _FIELDS}
    if not may:
        chosen.update({f: getattr(target.now, f) for f in low})
    after = Range(chosen["min"], max(chosen["min"], chosen["max"]))
    again = 0 if fresh else before + bool(low and may)
    noted = Range(*(_noted(f, target.now, after, ours) for f in _FIELDS))
    return _Move(
        after=after,
        raised=_raised(target, after, noted, wish, at, again=again),
        left=left,
        given_up=bool(low) and not may,
    )


def _noted(field: Field, now: Range, after: Range, ours: Range) -> int:
    """What the gate has set of a field; what others set is not claimed."""
    moved: int = getattr(after, field)
    before: int = getattr(ours, field)
    return moved if moved != getattr(now, field) else before


def _set_by_gate(target: Target) -> Range:
    """What the gate set last.

    Without the annotation that tells (someone took it away), a value above the target's own counts
    as set by the gate, and one whose last writer was the gate.
    """
    if target.raised is not None:
        return target.raised.range
    own = target.own

    def of(field: Field) -> int:
        now: int = getattr(target.now, field)
        ours = field in target.written_by_gate or now >= getattr(own, field)
        return now if ours else int(getattr(own, field))

    return Range(of("min"), of("max"))


def _raised(
    target: Target, after: Range, noted: Range, wish: Wish, at: datetime, *, again: int
) -> Raised:
    before = target.raised.absent if target.raised is not None else ()
    filled = (
        f for f in target.absent if getattr(after, f) != getattr(target.now, f) and f not in before
    )
    return Raised(
        min=noted.min,
        max=noted.max,
        cause=wish.cause,
        again=again,
        at=at,
        absent=(*before, *filled),
    )


def _patch(target: Target, move: _Move, wish: Wish) -> dict[str, Any] | None:
    notes: dict[str, str | None] = {}
    if move.after != target.now and move.raised is not None:
        notes |= _saved(target, move.raised)
    elif target.original is not None and move.raised is None:
        notes |= {ORIGINAL: None, RAISED: None}
    if wish.holds is not None and set(wish.holds) != set(target.holds):
        notes[HELD] = write_holds(wish.holds)
    spec = _spec(target, move)
    if not notes and not spec:
        return None
    patch: dict[str, Any] = {"metadata": {"resourceVersion": target.resource_version}}
    if notes:
        patch["metadata"]["annotations"] = notes
    if spec:
        patch["spec"] = spec
    return patch


def _saved(target: Target, raised: Raised) -> dict[str, str | None]:
    own = target.own
    original = {"min": own.min, "max": own.max, "uid": target.uid}
    said = msgspec.to_builtins(raised)
    if not raised.absent:
        del said["absent"]
    return {
        ORIGINAL: msgspec.json.encode(original).decode(),
        RAISED: msgspec.json.encode(said).decode(),
    }


def _spec(target: Target, move: _Move) -> dict[str, int | None]:
    """Both fields together, but one that was not there and still needs not be."""
    if move.after == target.now:
        return {}
    gone = target.raised.absent if target.raised is not None and move.raised is None else ()
    spec: dict[str, int | None] = {}
    for field in _FIELDS:
        value: int = getattr(move.after, field)
        same = value == getattr(target.now, field)
        if same and (field in target.absent or field in move.left):
            continue
        own = value == getattr(target.own, field)
        spec[FIELDS[target.kind][field]] = None if field in gone and own else value
    return spec


def _kept(target: Target, left: tuple[Field, ...]) -> str | None:
    return f"changed by {_managers(target, left)}" if left else None


def _managers(target: Target, left: tuple[Field, ...]) -> str:
    return " and ".join(dict.fromkeys(target.managers.get(f, "unknown") for f in left))
