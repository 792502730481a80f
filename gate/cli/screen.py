"""What text for people has in common: the console, times, lengths of time, bars, glyphs.

Nothing here imports `rich` before something is printed.
"""

import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, TextIO
from zoneinfo import ZoneInfo

from gate.core.decision import Level, Reason
from gate.core.instants import format_instant
from gate.core.wording import lasting

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

LEVEL_STYLES = {Level.NORMAL: "green", Level.HIGH: "yellow", Level.MAXIMUM: "red"}
"""Colours of the terminal's own palette, so that light and dark themes both stay readable."""

_EIGHTHS = "▏▎▍▌▋▊▉█"
_NAMED_ZONES = 3


def console(stream: TextIO | None = None) -> "Console":
    """A console on standard output (or ``stream``) that prints text as it is given.

    Colour comes and goes with the terminal, ``NO_COLOR`` and ``FORCE_COLOR``.
    """
    from rich.console import Console  # noqa: PLC0415

    return Console(file=stream or sys.stdout, highlight=False, markup=False, emoji=False)


def show(renderables: Iterable["RenderableType"]) -> None:
    """Print line by line, as the lines come; long ones are left to the terminal."""
    screen = console()
    for renderable in renderables:
        screen.print(renderable, soft_wrap=True)


def speaks(glyphs: str) -> bool:
    """Whether standard output can carry these characters."""
    try:
        glyphs.encode(getattr(sys.stdout, "encoding", None) or "ascii")
    except UnicodeEncodeError:
        return False
    return True


def local(instant: datetime, home: ZoneInfo, *, year: bool = True) -> str:
    """``Sat 13 Jun 2026 13:00 +0100``: an instant in a zone, with the offset of that date.

    Seconds are shown where there are any.
    """
    there = instant.astimezone(home)
    date = f"{there:%a %d %b %Y}" if year else f"{there:%a %d %b}"
    time = f"{there:%H:%M:%S}" if there.second or there.microsecond else f"{there:%H:%M}"
    return f"{date} {time} {there:%z}"


def bar(value: float, top: float, width: int, *, plain: bool = False) -> str:
    """A horizontal bar, ``width`` characters at ``top`` and never longer; ``plain``: ASCII.

    Anything above zero shows.
    """
    share = min(max(value / top, 0.0), 1.0) if top > 0 else 0.0
    if plain:
        return ("#" * max(round(share * width), 1 if value > 0 else 0)).ljust(width)
    eighths = max(round(share * width * 8), 1 if value > 0 else 0)
    whole, rest = divmod(eighths, 8)
    return ("█" * whole + (_EIGHTHS[rest - 1] if rest else "")).ljust(width)


def cause_words(cause: Reason, home: ZoneInfo) -> str:
    """A cause of a lock in words, with its own start and end where they say more than its date."""
    if cause.code == "window":
        named, zones = str(cause.window), cause.zones or ()
        of = f" of {cause.date}" if cause.date else ""
        return f"window {named}{of}{zone_words(zones)}"
    start = local(cause.start, home) if isinstance(cause.start, datetime) else "ever"
    end = local(cause.end, home) if isinstance(cause.end, datetime) else "it is released"
    if cause.code == "level":
        return f"load, from {start} to {end}"
    return f"lock {cause.lock} by {cause.by}, from {start} until {end}"


def zone_words(zones: Sequence[str]) -> str:
    """`` in Asia/Kolkata, Europe/London and 2 more zones``; nothing where there are none."""
    if not zones:
        return ""
    others = len(zones) - _NAMED_ZONES
    more = f" and {others} more zone{'s' if others > 1 else ''}" if others > 0 else ""
    return f" in {', '.join(zones[:_NAMED_ZONES])}{more}"


def moment(instant: datetime) -> str:
    """RFC 3339 in UTC to the second, for people; JSON keeps the microseconds."""
    return format_instant(instant.replace(microsecond=0))


def until_words(instant: datetime, now: datetime) -> str:
    """``2026-06-13T14:00:00Z (in 3h)``: an instant where no home zone is known."""
    text = moment(instant)
    if instant > now:
        return f"{text} (in {lasting(instant - now)})"
    return f"{text} ({lasting(now - instant)} ago)"
