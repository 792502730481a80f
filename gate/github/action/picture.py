"""The coming days as Markdown: a row a day, four groups of six hours, a coloured mark an hour.

GitHub shows neither inline SVG nor ``data:`` images in a summary, and text has no colour there.
Emoji have, in light and dark; a table keeps the groups of hours in line whatever their width, and
joined by U+2060 a group is not broken over lines on a narrow screen. Shapes differ as well as
colours, for whoever cannot tell red from green.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime

from gate.core.decision import Phase, Request
from gate.core.listing import LockedStretch
from gate.core.outlook import (
    LOCKED,
    MEANINGS,
    Cell,
    Day,
    State,
    cause_names,
    clock_note,
    gaps,
)
from gate.core.policy import Policy
from gate.core.wording import allowed_actions, lasting, local_time
from gate.core.zones import zone
from gate.github.action.annotations import shortened
from gate.github.action.markdown import sentence, table

_MARKS = {
    State.OPEN: "🟩",
    State.EXCEPTED: "🟢",
    State.LEAD: "🔶",
    State.WINDOW: "🟥",
    State.LEVEL: "🟪",
    State.MANUAL: "🔷",
}
_PAST = "◽"
_SKIPPED = "◾"
_JOINER = "\u2060"
_GROUPS = 4
_GROUP_HOURS = 24 // _GROUPS
_NAMED_LOCKS = 4
_NAMES_LENGTH = 200


def picture(
    days: Sequence[Day],
    locked: Sequence[LockedStretch],
    request: Request,
    policy: Policy,
    now: datetime,
) -> list[str]:
    """Lines of Markdown: the table, what its marks mean, and the next locks."""
    head = ["", *(f"{hour:02}–{hour + _GROUP_HOURS:02} h" for hour in range(0, 24, _GROUP_HOURS))]
    rows = [_row(day, policy, now) for day in days]
    lines = [*table([[*head, "peak"], *rows]), "", _legend(days, request, policy, now)]
    for note in filter(None, map(clock_note, days)):
        lines += ["", note]
    return [*lines, "", *_coming(locked, policy)]


def _row(day: Day, policy: Policy, now: datetime) -> list[str]:
    label = f"{day.date:%a %d %b}"
    if any(cell.start <= now < cell.end for cell in day.cells):
        label = f"**{label}** ◀"
    if not day.cells:
        return [label, "the clock skips this date", *[""] * _GROUPS]
    groups: list[list[str]] = [[] for _ in range(_GROUPS)]
    for gap, cell in zip(gaps(day.cells), day.cells, strict=True):
        for hour in range(cell.hour - gap, cell.hour):
            groups[hour // _GROUP_HOURS].append(_SKIPPED)
        groups[cell.hour // _GROUP_HOURS].append(_mark(cell, now))
    return [label, *(_JOINER.join(group) for group in groups), _peak(day, policy)]


def _mark(cell: Cell, now: datetime) -> str:
    return _PAST if cell.end <= now else _MARKS[cell.state]


def _peak(day: Day, policy: Policy) -> str:
    """The most replicas that an hour of the day needs, and the level there."""
    peak = max(day.cells, key=lambda cell: cell.needed)
    ceiling = policy.load.capacity.ceiling
    needed = f"{peak.needed} of {ceiling}" if peak.needed > ceiling else str(peak.needed)
    return f"{needed} {peak.level}"


def _legend(days: Sequence[Day], request: Request, policy: Policy, now: datetime) -> str:
    shown = {cell.state for day in days for cell in day.cells if cell.end > now}
    parts = [f"{_MARKS[State.OPEN]} {MEANINGS[State.OPEN]}"]
    if State.EXCEPTED in shown:
        parts.append(f"{_MARKS[State.EXCEPTED]} {MEANINGS[State.EXCEPTED]}")
    if State.LEAD in shown:
        allowed = _allowed(request, policy, Phase.LEAD)
        parts.append(f"{_MARKS[State.LEAD]} {MEANINGS[State.LEAD]}{allowed}")
    if named := [f"{_MARKS[state]} {MEANINGS[state]}" for state in LOCKED if state in shown]:
        allowed = _allowed(request, policy, Phase.LOCKED)
        parts.append(f"locked{allowed} by {' '.join(named)}")
    parts.append(f"{_PAST} past")
    if any(gap for day in days for gap in gaps(day.cells)):
        parts.append(f"{_SKIPPED} skipped by the clock")
    zone_name = f"hours of {policy.timezone}, peak in replicas"
    return f"{' · '.join(parts)} ({zone_name})"


def _allowed(request: Request, policy: Policy, phase: Phase) -> str:
    """Said where it is not what people expect."""
    allowed = request.action in allowed_actions(policy, phase, request.invoker)
    return f" ({request.action} stays allowed)" if allowed else ""


def _coming(locked: Sequence[LockedStretch], policy: Policy) -> Iterator[str]:
    if not locked:
        yield "No lock in these days."
        return
    home = zone(policy.timezone)
    yield "Next locks:"
    yield ""
    for stretch in locked[:_NAMED_LOCKS]:
        start, end = local_time(stretch.start, home), local_time(stretch.end, home)
        names = shortened(", ".join(cause_names(stretch)), _NAMES_LENGTH)
        length = lasting(stretch.end - stretch.start)
        yield f"- {start} to {end}, {length}: {sentence(names)}"
    if (others := len(locked) - _NAMED_LOCKS) > 0:
        yield f"- and {others} more"
