"""A policy back as a document: every default filled in, and nothing lost on the way."""

import json
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import msgspec

from gate.core.instants import format_instant
from gate.core.policy import (
    ByInvoker,
    Cells,
    CsvSource,
    GitHubRules,
    InstantSpan,
    LoadModel,
    LocalSpan,
    ObservedRules,
    Policy,
    Recurring,
    Scope,
    Window,
)

Document = dict[str, Any]

_UNITS = ((86_400, "d"), (3600, "h"), (60, "m"))


def document_of(policy: Policy) -> Document:
    """The document as plain data.

    Numbers are `int`, `float` where that prints as the very decimal, else `Decimal` (which
    `json_of` writes digit by digit; `json.dumps` refuses it).
    """
    return {
        "version": 1,
        **_given(name=policy.name),
        "timezone": policy.timezone,
        "mode": policy.mode,
        "on_undecided": policy.on_undecided,
        "lead": duration_text(policy.lead),
        "windows": [_window(window) for window in policy.windows],
        "level_lock": {
            "at": policy.level_lock.at,
            "join": duration_text(policy.level_lock.join),
            "scope": _scope(policy.level_lock.scope),
        },
        "actions": {str(action): _row(cells) for action, cells in policy.actions.items()},
        "override": {
            "roles": list(policy.override.roles),
            "approvals": policy.override.approvals,
            "max_ttl": duration_text(policy.override.max_ttl),
            "automation": policy.override.automation,
        },
        "exempt": list(policy.exempt),
        "identities": [
            _given(user=who.user, group=who.group, invoker=who.invoker, actor=who.actor)
            for who in policy.identities
        ],
        "github": _github(policy.github),
        "tokens": {
            "issuer": policy.tokens.issuer,
            "audience": policy.tokens.audience,
            "allow": [
                _given(
                    repository=grant.repository,
                    ref=grant.ref,
                    environment=grant.environment,
                    job_workflow_ref=grant.job_workflow_ref,
                )
                for grant in policy.tokens.allow
            ],
        },
        "load": _load(policy.load),
    }


def json_of(document: Document) -> str:
    """Plain data as indented JSON, with exact numbers."""
    return msgspec.json.format(msgspec.json.encode(_raw(document)), indent=2).decode()


def duration_text(duration: timedelta) -> str:
    """A duration of whole seconds in the largest unit that is exact: ``2h``, ``90m``."""
    seconds = duration // timedelta(seconds=1)
    for size, unit in _UNITS:
        if seconds and seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def number_of(value: Fraction) -> int | float | Decimal:
    """A terminating decimal as the plainest number that is exactly it."""
    if value.denominator == 1:
        return value.numerator
    nearest = float(value)
    return nearest if Fraction(repr(nearest)) == value else _decimal(value)


def _decimal(value: Fraction) -> Decimal:
    """Exact, and without trailing zeros: the denominator of a decimal is 2^a * 5^b."""
    twos = (value.denominator & -value.denominator).bit_length() - 1
    fives, rest = 0, value.denominator >> twos
    while rest > 1:
        rest, fives = rest // 5, fives + 1
    places = max(twos, fives)
    digits = value.numerator * 10**places // value.denominator
    sign = 1 if digits < 0 else 0
    return Decimal((sign, tuple(map(int, str(abs(digits)))), -places))


def _raw(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _raw(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_raw(item) for item in value]
    if isinstance(value, Decimal):
        # The shorter of two ways to write it: never longer than what was read, so that the
        # document stays within the 40 characters that a number may have.
        _, digits, exponent = value.as_tuple()
        return msgspec.Raw(
            min(f"{value:f}", f"{''.join(map(str, digits))}e{exponent}", key=len).encode()
        )
    if isinstance(value, float):
        return msgspec.Raw(json.dumps(value).encode())
    return value


def _given(**fields: str | None) -> Document:
    return {name: value for name, value in fields.items() if value is not None}


def _github(rules: GitHubRules) -> Document:
    bases: Document = {} if rules.bases is None else {"bases": list(rules.bases)}
    return {**bases, "on_lock": rules.on_lock}


def _window(window: Window) -> Document:
    zones: Document = {"zones": list(window.zones)} if window.zones else {}
    return {
        "name": window.name,
        "kind": window.kind,
        **_when(window.when),
        **zones,
        "scope": _scope(window.scope),
    }


def _when(when: Recurring | LocalSpan | InstantSpan) -> Document:
    if isinstance(when, InstantSpan):
        return {"start": format_instant(when.start), "end": format_instant(when.end)}
    if isinstance(when, LocalSpan):
        return {"start": when.start.isoformat(), "end": when.end.isoformat()}
    return {
        "rrule": when.rrule,
        "since": when.since.isoformat(),
        "except": [day.isoformat() for day in when.except_dates],
        "from": _clock(when.from_minutes),
        "to": _clock(when.to_minutes),
        "days": when.days,
    }


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _scope(scope: Scope) -> Document:
    lists = {name: getattr(scope, name) for name in scope.__struct_fields__}
    return {name: list(globs) for name, globs in lists.items() if globs is not None}


def _row(cells: Cells) -> Document:
    return {"lead": _cell(cells.lead), "locked": _cell(cells.locked)}


def _cell(cell: ByInvoker) -> Document:
    return {"human": cell.human, "automation": cell.automation}


def _load(load: LoadModel) -> Document:
    season, capacity = load.season, load.capacity
    optional: Document = {}
    if load.cache:
        optional["cache"] = {level: dict(settings) for level, settings in load.cache.items()}
    if load.observed is not None:
        optional["observed"] = _observed(load.observed)
    return {
        "cultures": {
            name: {
                "factor": number_of(culture.factor),
                "guests": culture.guests,
                "days": culture.days,
            }
            for name, culture in load.cultures.items()
        },
        "venues": {name: number_of(factor) for name, factor in load.venues.items()},
        "settings": {name: number_of(factor) for name, factor in load.settings.items()},
        "season": {
            "factor": number_of(season.factor),
            "north": list(season.north),
            "south": list(season.south),
            "countries": {code: list(months) for code, months in season.countries.items()},
        },
        "saturday": number_of(load.saturday),
        "hours": {str(hour): number_of(factor) for hour, factor in load.hours.items()},
        "capacity": {
            "units_per_replica": number_of(capacity.units_per_replica),
            "floor": capacity.floor,
            "high": capacity.high,
            "ceiling": capacity.ceiling,
            "fallback": capacity.fallback,
            "emergency": capacity.emergency,
        },
        **optional,
    }


def _observed(rules: ObservedRules) -> Document:
    source, learned = rules.source, rules.learned
    if isinstance(source, CsvSource):
        where: Document = {"source": "csv", "file": source.file}
    else:
        where = {"source": "prometheus", "url": source.url, "query": source.query}
        where |= _given(zone_label=source.zone_label, culture_label=source.culture_label)
    return {
        **where,
        "units_per_value": number_of(rules.units_per_value),
        "max_age": duration_text(rules.max_age),
        "fails_after": duration_text(rules.fails_after),
        "hold": duration_text(rules.hold),
        "learned": {
            "use": learned.use,
            "at_least_samples": learned.at_least_samples,
            "bounds": [number_of(bound) for bound in learned.bounds],
        },
    }
