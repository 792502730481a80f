"""Recurrence rules as RFC 5545 writes them, restricted to what yields dates."""

import re
from datetime import date

from msgspec.structs import replace

from gate.core.rrule.rule import Rule, WeekdayPart

_WEEKDAYS = {"MO": 0, "TU": 1, "WE": 2, "TH": 3, "FR": 4, "SA": 5, "SU": 6}
_BYDAY = re.compile(r"([+-]?[0-9]{1,2})?(MO|TU|WE|TH|FR|SA|SU)")
_UNTIL = re.compile(
    r"([0-9]{4})([0-9]{2})([0-9]{2})"
    r"(T([01][0-9]|2[0-3])[0-5][0-9]([0-5][0-9]|60)Z?)?"
)
_SEARCH_YEARS = 28
# Beyond this many periods no second occurrence lies within the years that a policy may name.
_MAX_INTERVAL = 100_000
# part: (lowest, highest, may be negative)
_NUMBER_LISTS = {
    "BYMONTH": (1, 12, False),
    "BYMONTHDAY": (1, 31, True),
    "BYYEARDAY": (1, 366, True),
    "BYWEEKNO": (1, 53, True),
    "BYSETPOS": (1, 366, True),
}
_KNOWN = frozenset({"FREQ", "UNTIL", "COUNT", "INTERVAL", "BYDAY", "WKST", *_NUMBER_LISTS})


def parse_rule(text: str, since: date) -> Rule:
    """Read and check a rule whose DTSTART is ``since``.

    ValueError, with a message for the author, where it is not a date rule of RFC 5545, or where it
    has no occurrence within 28 years of ``since``.
    """
    parts = _split(text)
    _check_combinations(parts)
    rule = _with_defaults(_read(parts, since))
    horizon = date(min(since.year + _SEARCH_YEARS, 9998), since.month, min(since.day, 28))
    if not rule.occurs_by(horizon):
        raise ValueError(f"{text!r} has no occurrence within {_SEARCH_YEARS} years of {since}")
    return rule


def _split(text: str) -> dict[str, str]:
    parts: dict[str, str] = {}
    for part in text.split(";"):
        name, equals, value = part.partition("=")
        if name in {"BYHOUR", "BYMINUTE", "BYSECOND"}:
            raise ValueError(f"{name} is not accepted: a rule yields dates; use `from` and `to`")
        if name not in _KNOWN or not equals or not value:
            raise ValueError(
                f"{part[:40]!r} is not a part of a recurrence rule;"
                " write upper case such as FREQ=WEEKLY;BYDAY=SA"
            )
        if name in parts:
            raise ValueError(f"{name} stands twice")
        parts[name] = value
    if "FREQ" not in parts:
        raise ValueError("FREQ is missing; write for example FREQ=WEEKLY;BYDAY=SA")
    if parts["FREQ"] not in {"DAILY", "WEEKLY", "MONTHLY", "YEARLY"}:
        raise ValueError("FREQ is DAILY, WEEKLY, MONTHLY or YEARLY here: a rule yields dates")
    return parts


def _check_combinations(parts: dict[str, str]) -> None:
    frequency = parts["FREQ"]
    if "COUNT" in parts and "UNTIL" in parts:
        raise ValueError("COUNT and UNTIL exclude each other; keep one")
    forbidden = {
        "BYMONTHDAY": {"WEEKLY"},
        "BYYEARDAY": {"DAILY", "WEEKLY", "MONTHLY"},
        "BYWEEKNO": {"DAILY", "WEEKLY", "MONTHLY"},
    }
    for name, frequencies in forbidden.items():
        if name in parts and frequency in frequencies:
            raise ValueError(f"{name} does not go with FREQ={frequency} (RFC 5545, 3.3.10)")
    if "BYSETPOS" in parts and not any(
        name.startswith("BY") and name != "BYSETPOS" for name in parts
    ):
        raise ValueError("BYSETPOS needs another BY part to choose from")
    if any(char.isdigit() for char in parts.get("BYDAY", "")):
        if frequency not in {"MONTHLY", "YEARLY"}:
            raise ValueError(f"a numbered BYDAY does not go with FREQ={frequency}")
        if frequency == "YEARLY" and "BYWEEKNO" in parts:
            raise ValueError("a numbered BYDAY does not go with BYWEEKNO")


def _read(parts: dict[str, str], since: date) -> Rule:
    lists = {name: _numbers(name, parts.get(name)) for name in _NUMBER_LISTS}
    week_start = parts.get("WKST", "MO")
    if week_start not in _WEEKDAYS:
        raise ValueError(f"WKST={week_start[:20]!r} is no weekday; write MO to SU")
    return Rule(
        frequency=parts["FREQ"],  # type: ignore[arg-type]  # checked by _split
        since=since,
        interval=min(_positive("INTERVAL", parts.get("INTERVAL", "1")), _MAX_INTERVAL),
        count=_positive("COUNT", parts["COUNT"]) if "COUNT" in parts else None,
        until=_until(parts["UNTIL"]) if "UNTIL" in parts else None,
        week_start=_WEEKDAYS[week_start],
        by_day=_by_day(parts.get("BYDAY")),
        by_month=lists["BYMONTH"],
        by_month_day=lists["BYMONTHDAY"],
        by_year_day=lists["BYYEARDAY"],
        by_week_number=lists["BYWEEKNO"],
        by_position=lists["BYSETPOS"],
    )


def _with_defaults(rule: Rule) -> Rule:
    """What the rule leaves open is taken from DTSTART (RFC 5545, 3.3.10)."""
    if rule.by_week_number or rule.by_year_day or rule.by_month_day or rule.by_day:
        return rule
    if rule.frequency == "WEEKLY":
        return replace(rule, by_day=(WeekdayPart(0, rule.since.weekday()),))
    if rule.frequency == "MONTHLY":
        return replace(rule, by_month_day=(rule.since.day,))
    if rule.frequency == "YEARLY":
        months = rule.by_month or (rule.since.month,)
        return replace(rule, by_month=months, by_month_day=(rule.since.day,))
    return rule


def _positive(name: str, text: str) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > 40 or int(text) < 1:
        raise ValueError(f"{name} is a whole number of 1 or more")
    return int(text)


def _numbers(name: str, text: str | None) -> tuple[int, ...]:
    if text is None:
        return ()
    low, high, signed = _NUMBER_LISTS[name]
    pattern = re.compile(r"[+-]?[0-9]{1,3}" if signed else r"[0-9]{1,2}")
    values = set()
    for item in text.split(","):
        if not pattern.fullmatch(item) or not low <= abs(int(item)) <= high:
            signs = f" or -{high} to -{low}" if signed else ""
            raise ValueError(f"{item[:20]!r} in {name} is not one of {low} to {high}{signs}")
        values.add(int(item))
    return tuple(sorted(values))


def _by_day(text: str | None) -> tuple[WeekdayPart, ...]:
    entries = []
    for item in text.split(",") if text is not None else ():
        match = _BYDAY.fullmatch(item)
        if match is None or (match[1] and not 1 <= abs(int(match[1])) <= 53):
            raise ValueError(f"{item[:20]!r} in BYDAY is not a weekday such as SA, 1SA or -1SA")
        entries.append(WeekdayPart(int(match[1] or 0), _WEEKDAYS[match[2]]))
    return tuple(sorted(set(entries)))


def _until(text: str) -> date:
    match = _UNTIL.fullmatch(text)
    try:
        if match is not None:
            return date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError:
        pass
    raise ValueError(f"UNTIL={text[:20]!r} is no date; write UNTIL=20271231")
