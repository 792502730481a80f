"""Where weddings come from: CSV, JSON, JSON Lines, iCalendar, PostgreSQL."""

from gate.calendars.reading import (
    LoadedCalendar,
    calendar_from_rows,
    compile_sources,
    read_calendars,
    read_rows,
    read_sources,
)
from gate.calendars.row import WeddingRow
from gate.calendars.source import NotAFile, calendar_sha256, check_paths, joined_sha256, kind_of

__all__ = [
    "LoadedCalendar",
    "NotAFile",
    "WeddingRow",
    "calendar_from_rows",
    "calendar_sha256",
    "check_paths",
    "compile_sources",
    "joined_sha256",
    "kind_of",
    "read_calendars",
    "read_rows",
    "read_sources",
]
