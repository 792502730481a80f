"""Random cases: a policy, a calendar, manual locks and questions, all close to one odd date."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, timezone
from functools import cached_property
from typing import Any

from hypothesis import strategies as st

from tests.property.foci import FIRST, FOCI, LAST, ZONES, near
from tests.property.loads import calendars, loads
from tests.property.rules import recurrences
from tests.twin.answers import Twin, text
from tests.twin.document import clock, duration
from tests.twin.zones import DAY, MICROSECOND, readings

Document = dict[str, Any]
Row = dict[str, Any]
REACH = timedelta(hours=9600)
EARLIEST = datetime.combine(FIRST, time(), UTC)
LATEST = datetime.combine(LAST, time(23, 59, 59), UTC)
LEADS = ("0s", "1s", "45m", "2h", "PT2H", "1d", "P1DT12H", "P1W", "400d")
JOINS = ("0s", "1s", "30m", "4h", "PT90M", "10h", "2d", "400d")
FROM = ("00:00", "00:00", "00:01", "00:30", "01:00", "01:10", "01:30", "02:00", "12:00", "22:00")
TO = ("24:00", "24:00", "00:01", "00:45", "01:30", "01:50", "02:00", "03:00", "12:00", "23:59")
ACTIONS = ("deploy", "config", "restart", "scale-down", "scale-up", "rollback")
INVOKERS = ("human", "automation")
VALUES: Mapping[str, tuple[str, ...]] = {
    "environment": ("production", "prod-eu", "Production", "staging"),
    "namespace": ("wedding-platform", "kube-system"),
    "service": ("api", "photo[1]", "rsvp/worker"),
    "repository": ("acme/bookings", "acme/photos"),
}
GLOBS: Mapping[str, tuple[str, ...]] = {
    "environments": ("prod*", "*", "staging", "[ps]*"),
    "namespaces": ("wedding-*", "kube-system", "????-system"),
    "services": ("api", "rsvp*", "photo[[]1]", "[!a]*"),
    "repositories": ("acme/*", "*photos"),
}


@dataclass(frozen=True)
class Case:
    """A policy document, the rows of a calendar, manual locks, and the date they gather round."""

    document: Document
    rows: list[Row]
    locks: list[dict[str, Any]]
    focus: date

    @cached_property
    def twin(self) -> Twin:
        """The slow twin of the case."""
        return Twin(self.document, self.rows, self.locks)

    @property
    def windows(self) -> list[dict[str, Any]]:
        """The windows, the default ones where the document has none."""
        return [dict(window.item) for window in self.twin.policy.windows]

    @property
    def noon(self) -> datetime:
        """Noon UTC of the focus."""
        return datetime(self.focus.year, self.focus.month, self.focus.day, 12, tzinfo=UTC)

    def with_(self, **parts: Any) -> "Case":
        """The case with other rows, locks or keys of the document."""
        own = {key: parts.pop(key) for key in ("rows", "locks") if key in parts}
        return replace(self, document={**self.document, **parts}, **own)


@st.composite
def scopes(draw: st.DrawFn) -> dict[str, list[str]]:
    """A scope of at most two lists."""
    names = draw(st.lists(st.sampled_from(sorted(GLOBS)), max_size=2, unique=True))
    return {
        name: draw(st.lists(st.sampled_from(GLOBS[name]), min_size=1, max_size=2, unique=True))
        for name in names
    }


def requests() -> st.SearchStrategy[dict[str, str]]:
    """What a change says of itself; anything may be left out."""
    optional: dict[str, st.SearchStrategy[str]] = {
        "action": st.sampled_from(ACTIONS),
        "invoker": st.sampled_from(INVOKERS),
        "actor": st.just("alice"),
        **{name: st.sampled_from(("", *values)) for name, values in VALUES.items()},
    }
    return st.fixed_dictionaries({}, optional=optional)


@st.composite
def _recurring(draw: st.DrawFn, day: date, zone: str) -> dict[str, Any]:
    rule, since = draw(recurrences(day))
    item: dict[str, Any] = {"rrule": rule}
    if since:
        item["since"] = since.isoformat()
    if draw(st.booleans()):
        item["from"], item["to"] = draw(st.sampled_from(FROM)), draw(st.sampled_from(TO))
        crosses = clock(item["to"]) <= clock(item["from"])
        days = draw(st.sampled_from([None, None, 2, 3] if crosses else [None, 1, 2, 3]))
    else:
        days = draw(st.sampled_from([None, None, 1, 2]))
    if draw(st.integers(0, 15)) == 0 and "DAILY" not in rule:
        days = 366
    if days:
        item["days"] = days
    if draw(st.booleans()):
        away = st.integers(-3, 3).map(lambda i: near(day, i).isoformat())
        item["except"] = draw(st.lists(away, min_size=1, max_size=2, unique=True))
    if draw(st.booleans()):
        keys = st.sampled_from(["home", "venues", zone, *ZONES])
        item["zones"] = draw(st.lists(keys, min_size=1, max_size=3, unique=True))
    return item


@st.composite
def _one_off(draw: st.DrawFn, day: date, zone: str) -> dict[str, Any]:
    midnight = datetime(day.year, day.month, day.day)  # noqa: DTZ001
    minutes = st.sampled_from([-1440, -30, 0, 1, 10, 30, 60, 70, 90, 110, 120, 150, 720, 1440])
    start = midnight + timedelta(minutes=draw(minutes), seconds=draw(st.sampled_from([0, 0, 1])))
    lasting = st.sampled_from([1, 60, 1800, 2400, 3600, 7200, 86400, 259200])
    end = start + timedelta(seconds=draw(lasting))
    if draw(st.booleans()):
        item: dict[str, Any] = {"start": start.isoformat(), "end": end.isoformat()}
        if draw(st.booleans()):
            keys = st.sampled_from(["home", zone, *ZONES])
            item["zones"] = draw(st.lists(keys, min_size=1, max_size=3, unique=True))
        return item
    here = readings(zone, start)[draw(st.integers(0, 1))]
    late = timedelta(microseconds=draw(st.sampled_from([0, 1, 500000])))
    offset = timezone(timedelta(minutes=draw(st.sampled_from([0, 330, -210, 1439]))))
    there = here + (end - start)
    return {"start": (here + late).astimezone(offset).isoformat(), "end": text(there + late)}


@st.composite
def windows(draw: st.DrawFn, day: date, zone: str) -> dict[str, Any]:
    """A window (its name is given later)."""
    item: dict[str, Any] = draw(
        st.one_of(_recurring(day, zone), _recurring(day, zone), _one_off(day, zone))
    )
    if draw(st.integers(0, 3)) == 0:
        item["kind"] = draw(st.sampled_from(["open", "open", "lock"]))
    if draw(st.integers(0, 2)) == 0 and (scope := draw(scopes())):
        item["scope"] = scope
    return item


def named(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The windows with names in no alphabetical order."""
    return [{"name": f"{9 - number}-window", **item} for number, item in enumerate(items)]


def _actions() -> st.SearchStrategy[dict[str, Any]]:
    word = st.sampled_from(["allow", "deny"])
    pair: st.SearchStrategy[dict[str, str]] = st.fixed_dictionaries(
        {}, optional={"human": word, "automation": word}
    )
    cell: st.SearchStrategy[Any] = st.one_of(word, pair.filter(bool))
    row: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
        {}, optional={"lead": cell, "locked": cell}
    ).filter(bool)
    return st.dictionaries(st.sampled_from(ACTIONS), row, min_size=1, max_size=3)


@st.composite
def documents(draw: st.DrawFn, day: date, zone: str) -> Document:
    """A valid policy document."""
    document: Document = {
        "version": 1,
        "timezone": draw(st.sampled_from([zone, zone, "Europe/London", *ZONES])),
    }
    items: list[dict[str, Any]] = draw(st.lists(windows(day, zone), max_size=3))
    if draw(st.booleans()) or items:
        document["windows"] = named(items)
    if draw(st.booleans()):
        document["lead"] = draw(st.sampled_from(LEADS))
    lock: dict[str, st.SearchStrategy[Any]] = {
        "at": st.sampled_from(["HIGH", "HIGH", "MAXIMUM", "never"]),
        "join": st.sampled_from(JOINS),
        "scope": scopes(),
    }
    level_lock: dict[str, Any] = draw(st.fixed_dictionaries({}, optional=lock))
    if level_lock:
        document["level_lock"] = level_lock
    if draw(st.integers(0, 2)) == 0:
        document["actions"] = draw(_actions())
    if draw(st.integers(0, 3)) == 0:
        document["mode"] = draw(st.sampled_from(["warn", "enforce"]))
        document["name"] = draw(st.sampled_from(["wedding-platform", "NO", "a: b # c", "2e3"]))
    if draw(st.integers(0, 4)):
        document["load"] = draw(loads())
    return document


@st.composite
def manual_locks(draw: st.DrawFn, day: date) -> dict[str, Any]:
    """A manual lock (its id is given later)."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    start = midnight + timedelta(seconds=draw(st.integers(-3 * 86400, 3 * 86400)))
    lasting = st.one_of(st.none(), st.integers(1, 5 * 86400))
    seconds = draw(lasting)
    lock: dict[str, Any] = {
        "start": text(start),
        "end": None if seconds is None else text(start + timedelta(seconds=seconds)),
    }
    if draw(st.booleans()):
        lock["scope"] = draw(scopes())
    if draw(st.integers(0, 2)) == 0:
        lock["actions"] = draw(st.lists(st.sampled_from(ACTIONS), min_size=1, unique=True))
    return lock


@st.composite
def cases(draw: st.DrawFn, *, locks: bool = True) -> Case:
    """A whole case."""
    zone, day = draw(st.sampled_from(FOCI))
    document = draw(documents(day, zone))
    many = draw(st.sampled_from([6, 6, 6, 6, 6, 6, 25]))
    rows = draw(calendars(zone, day, document.get("load", {}), many))
    most = 2 if locks and draw(st.integers(0, 3)) == 0 else 0
    items = draw(st.lists(manual_locks(day), max_size=most))
    held = [{"id": f"m{number}", **item} for number, item in enumerate(items)]
    return Case(document, rows, held, day)


@st.composite
def instants(draw: st.DrawFn, case: Case, request: Mapping[str, str]) -> datetime:
    """An instant: at a boundary, a microsecond beside it, the lead or 9 600 h off it, or any."""
    if draw(st.integers(0, 4)) == 0:
        return case.noon + timedelta(microseconds=draw(st.integers(-(10**13), 10**13)))
    edges = case.twin.view(request, case.noon, case.noon).boundaries
    if draw(st.booleans()) and case.rows:
        loads = case.twin.loads
        edges = [t for t in loads.breakpoints if loads.standing(t)] or edges
    close = [edge for edge in edges if abs(edge - case.noon) < 12 * DAY] or edges
    lead = duration(case.document.get("lead", "0s"))
    edge = draw(st.sampled_from(close))
    off = draw(st.sampled_from([0 * DAY, 0 * DAY, -lead, -lead, -REACH, REACH]))
    t = edge + off + MICROSECOND * draw(st.sampled_from([0, 0, -1, 1]))
    return min(max(t, EARLIEST), LATEST)


@st.composite
def ranges(draw: st.DrawFn, case: Case) -> tuple[datetime, datetime]:
    """A range ``[from, to)``: some weeks at most, or between two instants that are of interest."""
    start = draw(instants(case, {}))
    if draw(st.booleans()):
        other = draw(instants(case, {}))
        if timedelta(0) < abs(other - start) < 60 * DAY:
            return min(start, other), max(start, other)
    seconds = st.sampled_from([1, 3600, 86400, 10 * 86400, 45 * 86400])
    micros = timedelta(microseconds=draw(st.sampled_from([0, 0, -1, 1])))
    end = start + timedelta(seconds=draw(seconds)) + micros
    return (start, end) if end <= LATEST else (start - (end - LATEST), LATEST)
