"""Where weddings come from: CSV, JSON, JSON Lines, iCalendar, PostgreSQL."""

from gate.calendars.reading import (
    LoadedCalendar,
    calendar_from_rows,
    read_calendars,
    read_rows,
)
from gate.calendars.row import WeddingRow
from gate.calendars.source import NotAFile, calendar_sha256, check_paths, kind_of

__all__ = [
    "LoadedCalendar",
    "NotAFile",
    "WeddingRow",
    "calendar_from_rows",
    "calendar_sha256",
    "check_paths",
    "kind_of",
    "read_calendars",
    "read_rows",
]
