"""The words that a refused person reads: causes as reasons, what is still allowed, the way out."""

import shlex
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from gate.core.causes import Cause, LevelCause, LockCause, WindowCause
from gate.core.decision import Level, Phase, Reason, Request
from gate.core.instants import from_micros
from gate.core.policy import Action, Invoker, Policy
from gate.core.zones import zone

_NAMED_ZONES = 3


def bare_reason(cause: Cause) -> Reason:
    """A cause as `gate windows` lists it: a reason without message and level."""
    start = from_micros(cause.start)
    end = None if cause.end is None else from_micros(cause.end)
    if isinstance(cause, WindowCause):
        return Reason(
            code="window",
            window=cause.window,
            date=cause.date,
            zones=cause.zones,
            start=start,
            end=end,
        )
    if isinstance(cause, LevelCause):
        return Reason(code="level", start=start, end=end)
    return Reason(code="manual-lock", lock=cause.lock.id, by=cause.lock.by, start=start, end=end)


def locked_reason(cause: Cause, level: Level, home: str) -> Reason:
    """Why an instant is locked; ``level`` is the level at that instant."""
    if cause.end is None:
        when = "until it is released"
    else:
        when = f"until {local_time(from_micros(cause.end), zone(home))}"
    return _worded(bare_reason(cause), cause, when, level)


def lead_reason(cause: Cause, level: Level, home: str) -> Reason:
    """Why an instant is too near to a lock; ``level`` is the level at the lock's start."""
    bare = bare_reason(cause)
    when = f"from {local_time(from_micros(cause.start), zone(home))}"
    return _worded(replace(bare, code="lead", cause=bare.code), cause, when, level)


def local_time(instant: datetime, home: ZoneInfo) -> str:
    """An instant for a reader, in a zone, with the offset of that date."""
    local = instant.astimezone(home)
    return f"{local:%a %d %b %Y %H:%M %z}"


def lasting(length: timedelta) -> str:
    """``1d 4h``, ``45m``, ``30s``: a length of time by its two largest units."""
    seconds = int(length.total_seconds())
    parts = []
    for unit, size in (("d", 86_400), ("h", 3600), ("m", 60), ("s", 1)):
        count, seconds = divmod(seconds, size)
        parts.append((count, unit))
    first = next((index for index, (count, _) in enumerate(parts) if count), 3)
    named = [f"{count}{unit}" for count, unit in parts[first : first + 2] if count]
    return " ".join(named) or "0s"


def allowed_actions(policy: Policy, phase: Phase, invoker: Invoker) -> list[Action]:
    """What an invoker may do in the lead or while locked, in the order of the policy."""
    cells = {
        action: row.locked if phase is Phase.LOCKED else row.lead
        for action, row in policy.actions.items()
    }
    return [
        action
        for action, cell in cells.items()
        if (cell.human if invoker == "human" else cell.automation) == "allow"
    ]


def override_command(
    request: Request,
    role: str,
    *,
    ending: tuple[str, str],
    actions: Iterable[Action] = (),
) -> str:
    """The command that asks for an override of a request, or of these actions on its target.

    ``ending`` is the option that says when it ends, with its value.
    """
    named = ",".join(actions) or str(request.action)
    words = ["gate", "override", "grant", "--actions", named, *ending]
    for name in ("environment", "namespace", "service", "repository"):
        if value := getattr(request, name):
            words += [f"--{name}", value]
    return shlex.join([*words, "--roles", role, "--reason", "…"])


def _worded(reason: Reason, cause: Cause, when: str, level: Level) -> Reason:
    if isinstance(cause, LockCause):
        message = f"locked by {cause.lock.by} {when}: {cause.lock.reason}"
        return replace(reason, message=message)
    if isinstance(cause, LevelCause):
        message = f"the weddings' load locks {when}; the level there is {level}"
        return replace(reason, level=level, message=message)
    of = f" of {cause.date}" if cause.date is not None else ""
    where = f" in {_zones(cause.zones)}" if cause.zones else ""
    return replace(reason, message=f"window {cause.window}{of} locks{where} {when}")


def _zones(zones: Sequence[str]) -> str:
    named = ", ".join(zones[:_NAMED_ZONES])
    others = len(zones) - _NAMED_ZONES
    if others <= 0:
        return named
    return f"{named} and {others} more zone{'s' if others > 1 else ''}"
