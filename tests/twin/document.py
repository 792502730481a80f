"""The policy document with its defaults filled in, from plain values (valid documents only)."""

import re
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from typing import Any

INVOKERS = ("human", "automation")

DEFAULTS: dict[str, Any] = {
    "name": None,
    "mode": "enforce",
    "on_undecided": "block",
    "lead": "0s",
    "windows": [{"name": "saturday", "rrule": "FREQ=WEEKLY;BYDAY=SA"}],
    "level_lock": {"at": "HIGH", "join": "4h", "scope": {}},
    "actions": {
        "deploy": {"lead": "deny", "locked": "deny"},
        "config": {"lead": "deny", "locked": "deny"},
        "restart": {"lead": "allow", "locked": "deny"},
        "scale-down": {"lead": "allow", "locked": "deny"},
        "scale-up": {"lead": "allow", "locked": "allow"},
        "rollback": {"lead": "allow", "locked": "allow"},
    },
    "load": {
        "cultures": {
            "indian": {"factor": "2.0", "guests": 600, "days": 3},
            "nigerian": {"factor": "1.8", "guests": 400, "days": 2},
            "chinese": {"factor": "1.5", "guests": 350, "days": 2},
            "greek": {"factor": "1.4", "guests": 300, "days": 1},
            "jewish": {"factor": "1.3", "guests": 250, "days": 1},
            "british": {"factor": "1.0", "guests": 150, "days": 1},
            "other": {"factor": "1.0", "guests": 150, "days": 1},
        },
        "venues": {"palace": "1.5", "hotel": "1.2", "church": "1.0"},
        "settings": {"outdoor": "1.1", "indoor": "1.0"},
        "season": {
            "factor": "2.5",
            "north": [5, 6, 7, 8, 9, 10],
            "south": [10, 11, 12, 1, 2, 3],
            "countries": {"IN": [11, 12, 1, 2, 4, 5]},
        },
        "saturday": "8.0",
        "hours": {0: "0.2", 8: "0.6", 12: "0.8", 14: "1.0", 16: "0.8", 23: "0.4"},
        "capacity": {
            "units_per_replica": 30,
            "floor": 10,
            "high": 35,
            "ceiling": 50,
            "fallback": 20,
            "emergency": 100,
        },
    },
}


@dataclass(frozen=True)
class TwinWindow:
    """A window as the document has it, defaults filled in; ``item`` holds its own keys."""

    name: str
    kind: str
    scope: Mapping[str, list[str]]
    zones: tuple[str, ...]
    item: Mapping[str, Any]


@dataclass(frozen=True)
class TwinPolicy:
    """A policy with its defaults; numbers of the load formula are exact."""

    name: str | None
    timezone: str
    mode: str
    lead: timedelta
    windows: tuple[TwinWindow, ...]
    lock_at: str
    join: timedelta
    lock_scope: Mapping[str, list[str]]
    cells: Mapping[tuple[str, str, str], str] = field(repr=False)
    load: Mapping[str, Any] = field(repr=False)


def duration(text: str) -> timedelta:
    """``45m``, ``1d``, ``PT2H``, ``P1W``, ``P1DT12H``."""
    units = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
    if short := re.fullmatch(r"(\d+)([smhd])", text):
        return timedelta(**{units[short[2]]: int(short[1])})
    if weeks := re.fullmatch(r"P(\d+)W", text):
        return timedelta(weeks=int(weeks[1]))
    iso = re.fullmatch(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?", text)
    assert iso is not None, text
    days, hours, minutes, seconds = (int(part or 0) for part in iso.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


def instant(text: str) -> datetime:
    """An RFC 3339 instant in UTC."""
    moment = datetime.fromisoformat(text)
    assert moment.tzinfo is not None, text
    return moment.astimezone(UTC)


def clock(text: str) -> timedelta:
    """``08:30`` → the time since midnight; ``24:00`` is that of the next date."""
    hours, minutes = text.split(":")
    return timedelta(hours=int(hours), minutes=int(minutes))


def local(day: date, since_midnight: timedelta) -> datetime:
    """A local time, as written (naive)."""
    return datetime.combine(day, time()) + since_midnight


def window_days(item: Mapping[str, Any]) -> int:
    """How many local dates a recurring window spans."""
    default = 2 if clock(item.get("to", "24:00")) <= clock(item.get("from", "00:00")) else 1
    return int(item.get("days", default))


def merged(default: object, given: object) -> Any:
    """Mappings merge key by key; whatever else is given stands instead of the default."""
    if isinstance(default, Mapping) and isinstance(given, Mapping):
        keys = [*default, *(key for key in given if key not in default)]
        return {
            key: merged(default.get(key), given[key]) if key in given else deepcopy(default[key])
            for key in keys
        }
    return deepcopy(given)


def exact(number: object) -> Fraction:
    """The decimal that the document writes."""
    return Fraction(str(number))


def read(document: Mapping[str, Any]) -> TwinPolicy:
    """The document as a policy."""
    defaults = {key: value for key, value in DEFAULTS.items() if key != "actions"}
    whole = merged(defaults, {key: v for key, v in document.items() if key != "actions"})
    if "hours" in document.get("load", {}):
        whole["load"]["hours"] = document["load"]["hours"]
    lock = whole["level_lock"]
    return TwinPolicy(
        name=whole["name"],
        timezone=whole["timezone"],
        mode=whole["mode"],
        lead=duration(whole["lead"]),
        windows=tuple(_window(item) for item in whole["windows"]),
        lock_at=lock["at"],
        join=duration(lock["join"]),
        lock_scope=lock["scope"],
        cells=_cells(document.get("actions", {})),
        load=whole["load"],
    )


def _window(item: Mapping[str, Any]) -> TwinWindow:
    if "rrule" in item:
        zones = item.get("zones", ["home", "venues"])
    elif is_local(item["start"]):
        zones = item.get("zones", ["home"])
    else:
        zones = []
    return TwinWindow(
        name=item["name"],
        kind=item.get("kind", "lock"),
        scope=item.get("scope", {}),
        zones=tuple(zones),
        item=item,
    )


def is_local(text: str) -> bool:
    """Whether a one-off window's time has no offset."""
    return datetime.fromisoformat(text).tzinfo is None


def _cells(given: Mapping[str, Any]) -> dict[tuple[str, str, str], str]:
    cells: dict[tuple[str, str, str], str] = {}
    for action, row in DEFAULTS["actions"].items():
        for phase, default in row.items():
            cell = given.get(action, {}).get(phase, default)
            for invoker in INVOKERS:
                word = cell if isinstance(cell, str) else cell.get(invoker, default)
                cells[action, phase, invoker] = word
    return cells
