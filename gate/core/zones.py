"""Time zones of the pinned `tzdata` wheel, never of the machine.

The package data of that wheel is the only thing that the core reads; it is a constant, pinned by
its version, which stands in every decision.
"""

from bisect import bisect_right
from datetime import datetime
from functools import cache, lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from zoneinfo import ZoneInfo

import tzdata

from gate.core.instants import EPOCH_ORDINAL

TZDATA_VERSION: str = tzdata.__version__

_DAY = 86_400
# Two changes of offset since 1970 are never closer than 6.9 days in any zone of the pinned
# tzdata (tests/core/test_zones.py walks them all), so steps of six days miss none.
_PROBE = 6 * _DAY


def _data() -> Traversable:
    return files("tzdata").joinpath("zoneinfo")


@cache
def zone_keys() -> frozenset[str]:
    """Every IANA key that a document may name."""
    listed = files("tzdata").joinpath("zones").read_text("ascii").split()
    return frozenset(listed) - {"Factory", "localtime", "posixrules"}


@cache
def country_codes() -> frozenset[str]:
    """ISO 3166-1 alpha-2 codes of `iso3166.tab`."""
    rows = _data().joinpath("iso3166.tab").read_text("utf-8").splitlines()
    return frozenset(row.split("\t")[0] for row in rows if row and not row.startswith("#"))


@cache
def zone(key: str) -> ZoneInfo:
    """The zone of a known key; KeyError for any other."""
    if key not in zone_keys():
        raise KeyError(key)
    with _data().joinpath(*key.split("/")).open("rb") as stream:
        return ZoneInfo.from_file(stream, key=key)


@cache
def is_southern(key: str) -> bool:
    """Whether the zone's reference point in `zone.tab` lies south of the equator.

    A key that `zone.tab` does not list counts as the target of its link in `tzdata.zi`.
    """
    latitudes, links = _reference_latitudes(), _links()
    seen = {key}
    while key not in latitudes and key in links and links[key] not in seen:
        key = links[key]
        seen.add(key)
    return latitudes.get(key, "+").startswith("-")


@cache
def _reference_latitudes() -> dict[str, str]:
    latitudes = {}
    for row in _data().joinpath("zone.tab").read_text("utf-8").splitlines():
        if row and not row.startswith("#"):
            _, coordinates, key, *_ = row.split("\t")
            degrees = coordinates[: max(coordinates.rfind("+"), coordinates.rfind("-"))]
            # The equator itself, written +0000 or -0000, is not south of it.
            latitudes[key] = degrees if degrees.strip("+-0") else "+"
    return latitudes


@cache
def _links() -> dict[str, str]:
    links = {}
    for row in _data().joinpath("tzdata.zi").read_text("utf-8").splitlines():
        if row.startswith("L "):
            _, target, name = row.split()
            links[name] = target
    return links


class Offsets:
    """The offsets of one zone over a range of years, as pieces of constant offset.

    Instants are seconds since the epoch; a *local second* is the seconds since 1970-01-01T00:00
    that a wall clock shows. ``starts[i]`` is the instant from which ``offsets[i]`` (seconds east)
    holds; the first piece reaches back, and the last forward, without end, so ask only within the
    years (a margin of some days is inside).
    """

    __slots__ = ("_change_from", "_change_to", "offsets", "starts")

    def __init__(self, key: str, first_year: int, last_year: int) -> None:
        self.starts, self.offsets = _pieces(zone(key), first_year, last_year)
        pairs = list(zip(self.starts[1:], self.offsets, self.offsets[1:], strict=False))
        # Wall-clock readings in [from, to) around a change are skipped or repeated.
        self._change_from = [at + min(before, after) for at, before, after in pairs]
        self._change_to = [at + max(before, after) for at, before, after in pairs]

    def readings(self, local_second: int) -> tuple[int, int]:
        """The earlier and the later instant of a wall-clock reading; equal where it is plain.

        A skipped or repeated reading has two (PEP 495's ``fold=0`` and ``fold=1``): the offset
        before the change and the one after it, both applied.
        """
        change = bisect_right(self._change_from, local_second)
        after = local_second - self.offsets[change]
        if change and local_second < self._change_to[change - 1]:
            before = local_second - self.offsets[change - 1]
            return (before, after) if before <= after else (after, before)
        return after, after

    def at(self, instant: int) -> int:
        """The offset in force at an instant, in seconds east of UTC."""
        return self.offsets[max(bisect_right(self.starts, instant) - 1, 0)]


@lru_cache(maxsize=4096)
def offsets(key: str, first_year: int, last_year: int) -> Offsets:
    """The offsets of a known zone over whole years (with a margin of a week on both sides)."""
    return Offsets(key, first_year, last_year)


def _pieces(info: ZoneInfo, first_year: int, last_year: int) -> tuple[list[int], list[int]]:
    start = _year_start(first_year) - 8 * _DAY
    end = _year_start(last_year + 1) + 8 * _DAY
    starts, values = [start], [_offset(info, start)]
    for probe in range(start + _PROBE, end + _PROBE, _PROBE):
        value = _offset(info, probe)
        if value != values[-1]:
            starts.append(_change(info, probe - _PROBE, probe))
            values.append(value)
    return starts, values


def _change(info: ZoneInfo, before: int, after: int) -> int:
    old = _offset(info, before)
    while after - before > 1:
        middle = (before + after) // 2
        if _offset(info, middle) == old:
            before = middle
        else:
            after = middle
    return after


def _offset(info: ZoneInfo, second: int) -> int:
    offset = datetime.fromtimestamp(second, info).utcoffset()
    assert offset is not None
    return offset.days * _DAY + offset.seconds


def _year_start(year: int) -> int:
    return (datetime(year, 1, 1).toordinal() - EPOCH_ORDINAL) * _DAY  # noqa: DTZ001
