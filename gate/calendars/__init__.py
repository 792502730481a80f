"""Where weddings come from: CSV, JSON, JSON Lines, iCalendar, PostgreSQL."""
