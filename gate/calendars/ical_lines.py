"""iCalendar text (RFC 5545) into events with the line of each property.

Content lines are taken apart here and not by the `icalendar` library, which keeps no line numbers
and drops what it cannot read; an event that cannot be read must be told, never dropped.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from gate.calendars.collector import Collector
from gate.calendars.row import shown, unfit_character

_PARAMETER = r';[A-Za-z0-9-]+=(?:"[^"]*+"|[^";:,]*+)(?:,(?:"[^"]*+"|[^";:,]*+))*+'
_CONTENT_LINE = re.compile(rf"([A-Za-z0-9-]+)((?:{_PARAMETER})*+):(.*)", re.DOTALL)
_EACH_PARAMETER = re.compile(r';([A-Za-z0-9-]+)=("[^"]*+"|[^";:,]*+)')
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_COMMA = re.compile(r"(?<!\\),")


class Property(NamedTuple):
    """One content line. ``name`` and the names of ``parameters`` are upper case."""

    line: int
    name: str
    parameters: dict[str, str]
    value: str

    def text(self) -> str:
        """The value as text, its escapes undone."""
        return _unescaped(self.value)

    def texts(self) -> list[str]:
        """The value as a list of texts."""
        return [_unescaped(part) for part in _COMMA.split(self.value)]


class Event(msgspec.Struct, frozen=True):
    """A VEVENT that begins on ``line``; of each property at least one."""

    line: int
    properties: dict[str, list[Property]]

    def first(self, name: str) -> Property | None:
        """The property of a name, None where there is none."""
        found = self.properties.get(name)
        return found[0] if found else None

    def all(self, name: str) -> list[Property]:
        """All properties of a name."""
        return self.properties.get(name, [])


def _unescaped(value: str) -> str:
    return _ESCAPED.sub(lambda match: "\n" if match[1] in "nN" else match[1], value)


def read_events(text: str, collector: Collector) -> list[Event]:
    """The events of an iCalendar text in order; what is wrong goes to the collector.

    Where components are not nested as they should be there are no events.
    """
    events: list[Event] = []
    open_: list[str] = []
    for number, content in _unfolded(text):
        name, _, rest = content.partition(":")
        keyword, component = name.upper(), rest.strip().upper()
        if keyword == "BEGIN":
            open_.append(component)
            if component == "VEVENT":
                events.append(Event(number, {}))
        elif keyword == "END":
            if not open_ or open_.pop() != component:
                return _refused(
                    f"END:{component[:40]} ends nothing that is open", number, collector
                )
        elif open_ and open_[-1] == "VEVENT":
            _add_property(events[-1], number, content, collector)
        if keyword != "END" and (not open_ or open_[0] != "VCALENDAR"):
            return _refused("is no iCalendar", number, collector)
    if open_:
        return _refused(f"{open_[-1][:40]} is never closed", None, collector)
    return events


def _refused(message: str, line: int | None, collector: Collector) -> list[Event]:
    collector.add(message, line=line, mend="a calendar is BEGIN:VCALENDAR … END:VCALENDAR")
    return []


def _unfolded(text: str) -> Iterator[tuple[int, str]]:
    """Content lines with their numbers: a line that begins with a blank goes on the one before."""
    start, parts = 0, [""]
    for number, line in enumerate(text.split("\n"), 1):
        bare = line.removesuffix("\r")
        if bare[:1] in (" ", "\t") and start:
            parts.append(bare[1:])
            continue
        if start and any(parts):
            yield start, "".join(parts)
        start, parts = number, [bare]
    if any(parts):
        yield start, "".join(parts)


def _add_property(event: Event, number: int, content: str, collector: Collector) -> None:
    match = _CONTENT_LINE.fullmatch(content)
    if match is None:
        collector.add(
            f"{shown(content)} is no content line", line=number, mend="write NAME:value (RFC 5545)"
        )
        return
    name, parameters, value = match.groups()
    if message := unfit_character(content):
        collector.add(message, line=number, field=name.upper(), mend="remove it; save as UTF-8")
        return
    given = {key.upper(): word.strip('"') for key, word in _EACH_PARAMETER.findall(parameters)}
    event.properties.setdefault(name.upper(), []).append(
        Property(number, name.upper(), given, value)
    )
