"""iCalendar exports as weddings (the ``ical`` extra).

UID, DTSTART with its TZID, DTEND or DURATION, STATUS and GEO are read as they are; culture, guests,
venue and the rest come from ``X-GATE-…`` properties or, the words among them, from CATEGORIES.
"""

import importlib.util
from collections.abc import Iterator
from datetime import datetime

from gate.calendars.collector import Collector
from gate.calendars.ical_lines import Event, Property, read_events
from gate.calendars.ical_series import ONE_DAY, RECURRING, occurrences
from gate.calendars.ical_times import (
    Moment,
    Unreadable,
    days_between,
    read_duration,
    read_moment,
    zone_key,
)
from gate.calendars.row import FIELDS, HEAD, KIND, PLACE, Cell, RawRow, RawRows, shown
from gate.calendars.source import Source
from gate.core.policy import LoadModel

MAX_ICS_BYTES = 64 * 1024 * 1024

_PREFIX = "X-GATE-"
_OWN_FIELDS = ("timezone", "days", "culture", "guests", "venue", "setting", "country",
               "latitude", "longitude", "status")  # fmt: skip
_OWN = {_PREFIX + field.upper(): field for field in (*_OWN_FIELDS, "booked-at")}
_ONCE = ("UID", "DTSTART", "DTEND", "DURATION", "STATUS", "GEO", "RECURRENCE-ID", *_OWN)
_LIBRARIES = ("icalendar", "recurring_ical_events")
_LABELS = ("culture", "venue", "setting", "guests")


def ical_rows(
    source: Source, collector: Collector, load: LoadModel | None, extra: str | None = None
) -> RawRows:
    """The rows of an iCalendar file; what cannot be read goes to the collector.

    Words of CATEGORIES are those of the load model; without one, ``culture=…`` only.
    """
    if any(
        importlib.util.find_spec(name) is None for name in ("icalendar", "recurring_ical_events")
    ):
        collector.add(
            "iCalendar needs the extra `ical`", mend="pip install 'saturday-gate[ical]', or use CSV"
        )
        return
    if len(source.data) > MAX_ICS_BYTES:
        collector.add("an iCalendar file is larger than 64 MiB", mend="export it as CSV")
        return
    text = source.data[source.start :].decode("utf-8", "surrogateescape")
    reader = _EventReader(collector, load, extra)
    groups: dict[str, list[Event]] = {}
    for event in read_events(text, collector):
        uid = event.first("UID")
        groups.setdefault(uid.text() if uid else f"\n{event.line}", []).append(event)
    for events in groups.values():
        yield from reader.rows(events)


class _EventReader:
    """Turns the events of one UID into rows."""

    def __init__(self, collector: Collector, load: LoadModel | None, extra: str | None) -> None:
        self._collector = collector
        self._extra = extra
        self._words: dict[str, tuple[str, str]] = {}
        if load is not None:
            for field, names in (
                ("setting", load.settings),
                ("venue", load.venues),
                ("culture", load.cultures),
            ):
                self._words.update({name.casefold(): (field, name) for name in names})

    def rows(self, events: list[Event]) -> Iterator[RawRow]:
        """The rows of all events with one UID."""
        good = [event for event in events if self._is_well_formed(event)]
        try:
            if any(event.all(name) for event in good for name in RECURRING):
                yield from self._series(good)
            else:
                for event in good:
                    yield self._single(event)
        except Unreadable as error:
            self._collector.add(
                error.message, line=error.prop.line, field=error.prop.name, mend=error.mend
            )

    def _is_well_formed(self, event: Event) -> bool:
        before = self._collector.total
        for name, props in event.properties.items():
            if name in _ONCE and len(props) > 1:
                self._collector.add(
                    "stands twice in one event", line=props[1].line, field=name, mend="keep one"
                )
            if name.startswith(_PREFIX) and name not in _OWN:
                self._collector.add(
                    "is no property of a wedding",
                    line=props[0].line,
                    field=name,
                    mend=f"the properties are {', '.join(_OWN)}",
                )
        for name in ("UID", "DTSTART"):
            prop = event.first(name)
            if prop is None or not prop.value:
                self._collector.add(
                    "is missing",
                    line=event.line,
                    field=name,
                    mend="every event has UID and DTSTART",
                )
        return self._collector.total == before

    def _single(self, event: Event) -> RawRow:
        start, key = _start_and_zone(event)
        begin = start.wall(key)
        return self._row(event, _uid(event), key, begin, _end(event, start, key))

    def _series(self, events: list[Event]) -> Iterator[RawRow]:
        masters = [event for event in events if event.first("RECURRENCE-ID") is None]
        _, key = _start_and_zone((masters or events)[0])
        for event in events:
            _end(event, *_start_and_zone(event))
        for occurrence in occurrences(events, key):
            name = f"{_uid(occurrence.event)}/{occurrence.name}"
            start, own_key = _start_and_zone(occurrence.event)
            # The times of a changed occurrence come on the clock of the series.
            written = Moment(
                occurrence.start, start.has_time, key if start.has_time else None, False
            )
            end = occurrence.end
            length = None if end is None else end - occurrence.start
            begin = written.wall(own_key)
            yield self._row(
                occurrence.event, name, own_key, begin, None if length is None else begin + length
            )

    def _row(
        self, event: Event, name: str, key: str, begin: datetime, end: datetime | None
    ) -> RawRow:
        cells: dict[str, Cell] = dict.fromkeys(FIELDS)
        cells.update(self._labels(event))
        cells.update(_geo(event))
        if end is not None and end > begin:
            cells["days"] = days_between(begin, end)
        status = event.first("STATUS")
        cells["status"] = status.text().lower() if status else None
        booked: Cell = None
        for prop_name, field in _OWN.items():
            prop = event.first(prop_name)
            if prop is not None and field in FIELDS:
                cells[field] = prop.text()
            elif prop is not None:
                booked = prop.text()
        cells.update(id=name, date=f"{begin:%Y-%m-%d}", timezone=key)
        head, place, kind = (tuple(cells[field] for field in part) for part in (HEAD, PLACE, KIND))
        return event.line, head, place, kind if self._extra is None else (*kind, booked)

    def _labels(self, event: Event) -> dict[str, Cell]:
        """What CATEGORIES say: words of the load model, or ``guests=250`` and the like."""
        found: dict[str, Cell] = {}
        for prop in event.all("CATEGORIES"):
            for category in prop.texts():
                label = self._label(category.strip())
                if label is None:
                    continue
                field, value = label
                if found.get(field, value) != value:
                    raise Unreadable(
                        prop,
                        f"names two of {field}: {shown(found[field])} and {shown(value)}",
                        f"keep one, or say it in {_PREFIX}{field.upper()}",
                    )
                found[field] = value
        return found

    def _label(self, category: str) -> tuple[str, str] | None:
        for separator in ("=", ":"):
            field, found, value = category.partition(separator)
            if found and field.strip().casefold() in _LABELS:
                return field.strip().casefold(), value.strip()
        return self._words.get(category.casefold())


def _uid(event: Event) -> str:
    uid = event.first("UID")
    return uid.text() if uid else ""


def _start_and_zone(event: Event) -> tuple[Moment, str]:
    """DTSTART, and the zone in which the wedding is: its TZID, or X-GATE-TIMEZONE."""
    prop = event.first("DTSTART")
    assert prop is not None
    start = read_moment(prop)
    own = event.first(f"{_PREFIX}TIMEZONE")
    if own is not None:
        return start, zone_key(own, own.text())
    mend = f"write DTSTART;TZID=Europe/London:…, or add {_PREFIX}TIMEZONE:Europe/London"
    if start.ends_in_z:
        raise Unreadable(prop, "is in UTC, which tells no local date", mend)
    if start.zone is None:
        raise Unreadable(prop, "has no time zone", mend)
    return start, start.zone


def _end(event: Event, start: Moment, key: str) -> datetime | None:
    """The end on the wall clock of the zone; None where the event tells none."""
    begin = start.wall(key)
    prop: Property | None = event.first("DURATION")
    if prop is not None:
        return begin + read_duration(prop)
    prop = event.first("DTEND")
    if prop is None:
        return None if start.has_time else begin + ONE_DAY
    end = read_moment(prop).wall(key)
    if end < begin:
        raise Unreadable(prop, "lies before DTSTART", "correct DTSTART or DTEND")
    return end


def _geo(event: Event) -> dict[str, Cell]:
    prop = event.first("GEO")
    if prop is None:
        return {}
    latitude, found, longitude = prop.value.partition(";")
    if not found:
        raise Unreadable(prop, f"{shown(prop.value)} is no place", "write GEO:51.5;-0.13")
    return {"latitude": latitude, "longitude": longitude}
