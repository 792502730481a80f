"""The picture of `gate explain`: an answer on top, then two panels of hours, a row a day.

The left panel says whether the change may go out, the right one how high the load is. Every state
has a glyph of its own, so that the picture says the same without colour.
"""

from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import chain

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from gate.cli.screen import LEVEL_STYLES, local
from gate.cli.targets import target_words
from gate.core.decision import Decision, Effect, Level, Phase, Verdict
from gate.core.outlook import (
    LOCKED,
    MEANINGS,
    Cell,
    Day,
    Outlook,
    State,
    cause_names,
    clock_note,
    gaps,
)
from gate.core.policy import Policy
from gate.core.wording import lasting
from gate.core.zones import zone

_Paint = Callable[[Cell], tuple[str, str]]
_LABEL = 12
_HOURS = 24
_WIDE = 128
_NEAR = timedelta(hours=24)
_VERY_NEAR = timedelta(hours=2)
_NAMED_REASONS = 3
_NAMED_LOCKS = 4
_STYLES = {
    State.OPEN: "green",
    State.EXCEPTED: "bold green",
    State.LEAD: "yellow",
    State.WINDOW: "red",
    State.LEVEL: "magenta",
    State.MANUAL: "bold blue",
}


class Glyphs(msgspec.Struct, frozen=True):
    """What draws the picture: one character a state, load from least to most, a pointer."""

    states: dict[State, str]
    load: str
    over: str
    here: str

    def all(self) -> str:
        """Every character used."""
        return "".join(self.states.values()) + self.load + self.over + self.here


DRAWN = Glyphs(dict(zip(_STYLES, "·○╱█▒X", strict=True)), "▁▂▃▄▅▆▇█", "!", "▲")
TYPED = Glyphs(dict(zip(_STYLES, ".o/#%X", strict=True)), "12345678", "!", "^")
"""The same for an output that carries ASCII only."""


def draw(screen: Console, outlook: Outlook, policy: Policy, glyphs: Glyphs) -> None:
    """Print the answer and the picture."""
    screen.print(_headline(outlook.decision))
    screen.print(_facts(outlook, policy))
    screen.print()
    picture = _Picture(outlook, policy, glyphs, 2 if screen.width >= _WIDE else 1)
    for line in chain(picture.rows(), picture.legend(), _coming(outlook, policy)):
        screen.print(line, soft_wrap=True)


def _headline(decision: Decision) -> Text:
    word, style = {
        (Verdict.ALLOW, Effect.ALLOW): ("YES", "green"),
        (Verdict.DENY, Effect.ALLOW): ("YES, by override", "green"),
        (Verdict.DENY, Effect.WARN): ("NO, but only warned", "yellow"),
        (Verdict.DENY, Effect.BLOCK): ("NO", "red"),
    }[decision.verdict, decision.effect]
    return Text.assemble(
        (f" {word} ", f"bold reverse {style}"), " ", (target_words(decision.request), "bold")
    )


def _facts(outlook: Outlook, policy: Policy) -> Table:
    decision, home = outlook.decision, zone(policy.timezone)
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column()
    table.add_row(" at", f"{local(decision.at, home)}, {policy.timezone}")
    turn = "denied"
    if decision.verdict is Verdict.DENY:
        turn = "allowed again" if decision.override is None else "allowed by the policy"
    change = decision.next_change
    if change is None:
        table.add_row(" next", "this stays so for 400 days at least")
    else:
        ahead = change - decision.at
        label, style = _urgency(decision, ahead)
        text = f"{turn} from {local(change, home)}, in {lasting(ahead)}"
        table.add_row(label, Text(text, style))
    if (used := decision.override) is not None:
        table.add_row(" by", f"{used.by} until {local(used.until, home)}: {used.reason}")
    if decision.phase is not Phase.OPEN and decision.verdict is Verdict.ALLOW:
        action = decision.request.action
        table.add_row(" but", f"phase {decision.phase}, in which {action} stays allowed")
    reasons = [str(reason.message) for reason in decision.reasons[:_NAMED_REASONS]]
    if len(decision.reasons) > _NAMED_REASONS:
        reasons.append(f"and {len(decision.reasons) - _NAMED_REASONS} more")
    for label, reason in zip([" why", *("" for _ in reasons[1:])], reasons, strict=False):
        table.add_row(label, reason)
    return table


def _urgency(decision: Decision, ahead: timedelta) -> tuple[str, str]:
    """Label and style of the next change: a lock that is near is said louder."""
    if decision.verdict is Verdict.ALLOW and ahead <= _NEAR:
        return " soon", "bold red" if ahead <= _VERY_NEAR else "bold yellow"
    return " next", "bold"


class _Picture:
    """Lines of text; ``scale`` is the number of characters for an hour."""

    def __init__(self, outlook: Outlook, policy: Policy, glyphs: Glyphs, scale: int) -> None:
        self._outlook = outlook
        self._policy = policy
        self._glyphs = glyphs
        self._scale = scale
        longest = max((_columns(day) for day in outlook.days), default=0)
        self._panel = max(longest, _HOURS) * scale

    def rows(self) -> Iterator[Text]:
        """The heading, a row a day, and the pointer under the present hour."""
        width = self._panel
        ruler = "".join(f"{hour:<{6 * self._scale}}" for hour in range(0, _HOURS, 6))
        action = self._outlook.decision.request.action
        heading = f"{f'may {action} go out?':{width}}  {'load':{width}}  peak"
        yield Text(f"{'':{_LABEL}}{heading}", "bold")
        yield Text(f"{'':{_LABEL}}{ruler:{width}}  {ruler:{width}}  replicas", "dim")
        for day in self._outlook.days:
            yield self._row(day)
            pointer = self._pointer(day)
            if pointer is not None:
                yield pointer

    def _row(self, day: Day) -> Text:
        row = Text(f" {day.date:%a %d %b} ", "bold" if day.date.weekday() == 5 else "")
        if not day.cells:
            return row.append("the clock skips this date")
        row.append_text(self._cells(day, self._state)).append("  ")
        row.append_text(self._cells(day, self._load)).append("  ")
        peak = max(day.cells, key=lambda cell: cell.needed)
        ceiling = self._policy.load.capacity.ceiling
        short = peak.needed > ceiling
        needed = f"{peak.needed}/{ceiling}" if short else f"{peak.needed:>3}"
        style = LEVEL_STYLES[peak.level]
        return row.append(f"{needed} {peak.level}", f"bold {style}" if short else style)

    def _cells(self, day: Day, paint: _Paint) -> Text:
        text = Text()
        for gap, cell in zip(gaps(day.cells), day.cells, strict=True):
            text.append(" " * gap * self._scale)
            glyph, style = paint(cell)
            text.append(glyph * self._scale, style)
        text.append(" " * (self._panel - len(text)))
        return text

    def _state(self, cell: Cell) -> tuple[str, str]:
        return self._glyphs.states[cell.state], _STYLES[cell.state]

    def _load(self, cell: Cell) -> tuple[str, str]:
        """An eighth of the ceiling a step; nothing where no wedding loads."""
        steps, ceiling = self._glyphs.load, self._policy.load.capacity.ceiling
        if cell.needed > ceiling:
            return self._glyphs.over, f"bold {LEVEL_STYLES[cell.level]}"
        step = -(-cell.needed * len(steps) // ceiling)
        return steps[step - 1] if step else " ", LEVEL_STYLES[cell.level]

    def _pointer(self, day: Day) -> Text | None:
        """The line under the row of the present hour; None for another day's."""
        now, column = self._outlook.decision.at, 0
        for gap, cell in zip(gaps(day.cells), day.cells, strict=True):
            column += gap * self._scale
            if cell.start <= now < cell.end:
                break
            column += self._scale
        else:
            return None
        time = f"{now.astimezone(zone(self._policy.timezone)):%H:%M}"
        left = self._pointing(column, f"here, {time}")
        right = self._pointing(column, str(cell.needed))
        return Text(f"{'':{_LABEL}}{left:{self._panel}}  {right}", "bold")

    def _pointing(self, column: int, words: str) -> str:
        """The pointer at a column, and words on the side of it where they fit."""
        here = self._glyphs.here
        if column + len(words) + 2 <= self._panel:
            return f"{'':{column}}{here} {words}"
        return f"{f'{words} {here}':>{column + 1}}"

    def legend(self) -> Iterator[Text]:
        """The states that the picture shows, what they mean for this request, and the levels."""
        shown = {cell.state for day in self._outlook.days for cell in day.cells}
        line = Text()
        for state in (State.OPEN, State.EXCEPTED, State.LEAD):
            if state in shown or state is State.OPEN:
                allowed = self._allowed(Phase.LEAD) if state is State.LEAD else ""
                line.append_text(self._key(state)).append(f"{allowed} ")
        locked = [state for state in LOCKED if state in shown]
        if locked:
            line.append(f" locked{self._allowed(Phase.LOCKED)}:")
        for state in locked:
            line.append_text(self._key(state))
        yield Text()
        yield line
        capacity = self._policy.load.capacity
        yield Text.assemble(
            f" {self._glyphs.load[0]}{self._glyphs.load[-1]} load, full at the ceiling of"
            f" {capacity.ceiling}, {self._glyphs.over} beyond; ",
            (f"NORMAL to {capacity.floor}", LEVEL_STYLES[Level.NORMAL]), ", ",
            (f"HIGH to {capacity.high}", LEVEL_STYLES[Level.HIGH]), ", ",
            ("MAXIMUM", LEVEL_STYLES[Level.MAXIMUM]),
        )  # fmt: skip
        for day in self._outlook.days:
            if (note := clock_note(day)) is not None:
                yield Text(f" {note}")

    def _key(self, state: State) -> Text:
        glyph = Text(f" {self._glyphs.states[state]}", _STYLES[state])
        return Text.assemble(glyph, f" {MEANINGS[state]}")

    def _allowed(self, phase: Phase) -> str:
        """Said where it is not what people expect: a lead or a lock in which this is allowed."""
        request = self._outlook.decision.request
        row = self._policy.actions[request.action]
        cell = row.lead if phase is Phase.LEAD else row.locked
        word = cell.human if request.invoker == "human" else cell.automation
        return " (allowed)" if word == "allow" else ""


def _columns(day: Day) -> int:
    return sum(gaps(day.cells)) + len(day.cells)


def _coming(outlook: Outlook, policy: Policy) -> Iterator[Text]:
    home = zone(policy.timezone)
    if not outlook.locked:
        return
    yield Text()
    for stretch in outlook.locked[:_NAMED_LOCKS]:
        yield Text.assemble(
            " locked ",
            (f"{local(stretch.start, home, year=False)} to", "bold"),
            (f" {local(stretch.end, home, year=False)}", "bold"),
            f"  {lasting(stretch.end - stretch.start):6} {', '.join(cause_names(stretch))}",
        )
    others = len(outlook.locked) - _NAMED_LOCKS
    if others > 0:
        yield Text(f" and {others} more: gate windows lists them all")
