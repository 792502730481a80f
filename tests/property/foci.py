"""Places and dates where clocks and calendars do something odd; random cases gather round them."""

from datetime import date, timedelta

ZONES = (
    "Europe/London",
    "America/New_York",
    "America/St_Johns",
    "Australia/Lord_Howe",
    "Africa/Casablanca",
    "America/Sao_Paulo",
    "America/Havana",
    "Asia/Beirut",
    "Pacific/Apia",
    "Pacific/Kiritimati",
    "Pacific/Chatham",
    "Pacific/Pago_Pago",
    "Asia/Kathmandu",
    "Asia/Kolkata",
    "Asia/Calcutta",
    "Australia/ACT",
    "Africa/Monrovia",
    "Europe/Dublin",
    "Antarctica/Troll",
    "Etc/GMT+12",
    "UTC",
)

FOCI: tuple[tuple[str, date], ...] = (
    ("Europe/London", date(2026, 6, 13)),
    ("Europe/London", date(2026, 3, 29)),
    ("Europe/London", date(2026, 10, 25)),
    ("Europe/London", date(1971, 10, 31)),
    ("America/New_York", date(2026, 3, 8)),
    ("America/New_York", date(2026, 11, 1)),
    ("America/St_Johns", date(2010, 3, 14)),
    ("America/St_Johns", date(2010, 11, 6)),
    ("America/St_Johns", date(1988, 4, 3)),
    ("America/St_Johns", date(1988, 10, 29)),
    ("Australia/Lord_Howe", date(2026, 4, 5)),
    ("Australia/Lord_Howe", date(2026, 10, 4)),
    ("Africa/Casablanca", date(2026, 2, 15)),
    ("Africa/Casablanca", date(2026, 3, 22)),
    ("America/Sao_Paulo", date(2018, 2, 17)),
    ("America/Sao_Paulo", date(2018, 11, 4)),
    ("America/Havana", date(2026, 3, 8)),
    ("America/Havana", date(2024, 11, 3)),
    ("Asia/Beirut", date(2026, 3, 29)),
    ("Asia/Beirut", date(2026, 10, 24)),
    ("Pacific/Apia", date(2011, 12, 30)),
    ("Pacific/Apia", date(2012, 4, 1)),
    ("Pacific/Kiritimati", date(1994, 12, 31)),
    ("Pacific/Kwajalein", date(1993, 8, 21)),
    ("Pacific/Chatham", date(2026, 4, 5)),
    ("Pacific/Chatham", date(2026, 9, 27)),
    ("Asia/Kathmandu", date(1986, 1, 1)),
    ("Asia/Kolkata", date(2026, 11, 14)),
    ("Africa/Monrovia", date(1972, 1, 7)),
    ("Africa/Monrovia", date(1971, 6, 5)),
    ("America/Juneau", date(1983, 10, 30)),
    ("America/Caracas", date(2007, 12, 9)),
    ("Asia/Pyongyang", date(2015, 8, 14)),
    ("Europe/Dublin", date(2026, 10, 25)),
    ("Antarctica/Troll", date(2026, 3, 29)),
    ("Antarctica/Troll", date(2026, 10, 25)),
    ("Europe/London", date(2026, 12, 31)),
    ("Europe/London", date(2028, 2, 29)),
    ("Europe/London", date(2100, 2, 28)),
    ("America/New_York", date(2099, 11, 1)),
    ("Pacific/Auckland", date(2190, 4, 6)),
    ("UTC", date(1972, 2, 29)),
    ("Europe/London", date(1970, 1, 4)),
    ("America/New_York", date(2199, 12, 25)),
)

# The contract knows no dates beyond these.
FIRST = date(1970, 1, 1)
LAST = date(2199, 12, 31)


def near(day: date, days: int) -> date:
    """The date so many days away, or the first or last that there is."""
    return min(max(day + timedelta(days=days), FIRST), LAST)
