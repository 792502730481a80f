"""Local time in the zones of the ``tzdata`` package: readings, dates, changes of the clock."""

import struct
from datetime import UTC, date, datetime, timedelta
from functools import cache, lru_cache
from importlib import resources
from zoneinfo import ZoneInfo

MICROSECOND = timedelta(microseconds=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@cache
def zone(key: str) -> ZoneInfo:
    """The zone of the ``tzdata`` package; the machine's own database is never asked."""
    path = resources.files("tzdata.zoneinfo").joinpath(*key.split("/"))
    with path.open("rb") as stream:
        return ZoneInfo.from_file(stream, key=key)


@cache
def recorded_changes(key: str) -> tuple[datetime, ...]:
    """The changes that the zone's file lists from 1970 on (RFC 9636); later ones follow a rule."""
    data = resources.files("tzdata.zoneinfo").joinpath(*key.split("/")).read_bytes()
    second = data.index(b"TZif", 4)
    number = int.from_bytes(data[second + 32 : second + 36])
    times = struct.unpack_from(f">{number}q", data, second + 44)
    return tuple(datetime.fromtimestamp(t, UTC) for t in times if t >= 0)


@cache
def known_keys() -> frozenset[str]:
    """The keys that the contract lets people write."""
    keys = resources.files("tzdata").joinpath("zones").read_text("utf-8").split()
    refused = {"Factory", "localtime", "posixrules"}
    return frozenset(
        key for key in keys if key not in refused and key.split("/")[0] not in {"posix", "right"}
    )


def to_local(key: str, t: datetime) -> datetime:
    """What a clock on the wall of that zone shows at the instant (naive)."""
    return t.astimezone(zone(key)).replace(tzinfo=None)


@lru_cache(maxsize=200_000)
def local_date(key: str, t: datetime) -> date:
    """The local date at the instant."""
    return to_local(key, t).date()


def _offset(key: str, t: datetime) -> timedelta:
    offset = t.astimezone(zone(key)).utcoffset()
    assert offset is not None
    return offset


@lru_cache(maxsize=200_000)
def _clock_changes_in_hour(key: str, start: datetime) -> tuple[datetime, ...]:
    if _offset(key, start) == _offset(key, start + HOUR):
        return ()
    low, high = 0, 3600
    while high - low > 1:
        middle = (low + high) // 2
        if _offset(key, start + timedelta(seconds=middle)) == _offset(key, start):
            low = middle
        else:
            high = middle
    return (start + timedelta(seconds=high),)


@lru_cache(maxsize=50_000)
def clock_changes(key: str, day: date) -> tuple[datetime, ...]:
    """The instants after the UTC day's first, up to the next day's first, that move the clock.

    Found by looking at every hour. No zone changes its offset twice in an hour.
    """
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    found: list[datetime] = []
    for hour in range(24):
        found.extend(_clock_changes_in_hour(key, midnight + hour * HOUR))
    return tuple(found)


@lru_cache(maxsize=200_000)
def readings(key: str, local: datetime) -> tuple[datetime, datetime]:
    """Both readings of a local time (naive), the earlier first; most are equal.

    The instants at which the clock shows it. Where the clock skips it: what the offsets before and
    after the change make of it. ``ZoneInfo`` is asked for the offsets of instants only: its own
    ``fold`` repeats an hour in Nuuk on 2023-10-28, which no clock there did.
    """
    start = datetime(local.year, local.month, local.day, tzinfo=UTC) - DAY
    changes = [c for i in range(3) for c in clock_changes(key, start.date() + i * DAY)]
    offsets = [_offset(key, t) for t in (start, *changes)]
    written = local.replace(tzinfo=UTC)
    found = [t for t in (written - offset for offset in offsets) if to_local(key, t) == local]
    for change, before, after in zip(changes, offsets, offsets[1:], strict=False):
        if change + before <= written < change + after:
            found = [written - before, written - after]
    return min(found), max(found)


@cache
def _reference_points() -> dict[str, str]:
    text = resources.files("tzdata.zoneinfo").joinpath("zone.tab").read_text("utf-8")
    rows = [line.split("\t") for line in text.splitlines() if line and line[0] != "#"]
    return {row[2]: row[1] for row in rows}


@cache
def _links() -> dict[str, str]:
    text = resources.files("tzdata.zoneinfo").joinpath("tzdata.zi").read_text("utf-8")
    rows = [line.split() for line in text.splitlines()]
    return {row[2]: row[1] for row in rows if row[0] == "L"}


def lies_south(key: str) -> bool:
    """Whether the reference point of the zone lies south of the equator; False where it has none.

    A key that ``zone.tab`` does not list counts as the target of its link.
    """
    point = _reference_points().get(key) or _reference_points().get(_links().get(key, ""))
    return point is not None and point.startswith("-")
