"""Zones come from the pinned tzdata, and readings of a wall clock follow PEP 495."""

import struct
from datetime import UTC, date, datetime, timedelta
from importlib.metadata import version
from importlib.resources import files
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.core.instants import EPOCH_ORDINAL
from gate.core.zones import (
    TZDATA_VERSION,
    country_codes,
    is_southern,
    offsets,
    zone,
    zone_keys,
)

ODD = [
    "Europe/London", "America/New_York", "America/St_Johns", "Australia/Lord_Howe",
    "Africa/Casablanca", "America/Sao_Paulo", "America/Havana", "Asia/Beirut", "Pacific/Apia",
    "Pacific/Kiritimati", "Pacific/Chatham", "Asia/Kathmandu", "Africa/Monrovia",
    "Antarctica/Troll",
]  # fmt: skip
WEEK = 7 * 86_400


def explicit_changes(key: str) -> list[int]:
    """Instants at which a TZif file lists a change of offset (RFC 8536, version 2 block)."""
    data = files("tzdata").joinpath("zoneinfo", *key.split("/")).read_bytes()

    def counts(at: int) -> tuple[int, ...]:
        return struct.unpack(">6l", data[at + 20 : at + 44])

    isut, isstd, leap, times, types, chars = counts(0)
    second = 44 + times * 5 + types * 6 + chars + leap * 8 + isstd + isut
    _, _, _, times, types, _ = counts(second)
    at = second + 44
    instants = struct.unpack(f">{times}q", data[at : at + 8 * times])
    indices = data[at + 8 * times : at + 9 * times]
    at += 9 * times
    seconds = [struct.unpack(">l", data[at + 6 * i : at + 6 * i + 4])[0] for i in range(types)]
    pairs = list(zip(instants, (seconds[i] for i in indices), strict=True))
    return [t for (t, new), (_, old) in zip(pairs[1:], pairs, strict=False) if new != old]


def test_the_version_is_the_package_s() -> None:
    assert version("tzdata") == TZDATA_VERSION


def test_no_two_changes_are_closer_than_the_probe() -> None:
    """Of those listed; what follows the list is a yearly rule with changes weeks apart."""
    since = -WEEK
    closest = min(
        later - earlier
        for key in zone_keys()
        if (changes := [t for t in explicit_changes(key) if t >= since])
        for earlier, later in pairwise(changes)
    )
    assert closest > 6 * 86_400


@pytest.mark.parametrize("key", ODD)
def test_every_change_is_found(key: str) -> None:
    table = offsets(key, 1970, 2037)
    listed = [t for t in explicit_changes(key) if t > table.starts[0]]
    assert [t for t in table.starts[1:] if t <= max(listed, default=0)] == listed


@given(
    key=st.sampled_from(ODD),
    near=st.integers(0, 400),
    shift=st.integers(-7200, 7200),
)
def test_readings_are_those_of_zoneinfo(key: str, near: int, shift: int) -> None:
    """Around each change, the two readings are `fold=0` and `fold=1`, in order of time."""
    table = offsets(key, 1970, 2037)
    at = table.starts[near % len(table.starts)]
    local_second = at + table.at(at) + shift
    local = datetime(1970, 1, 1) + timedelta(seconds=local_second)  # noqa: DTZ001
    folds = [
        local.replace(tzinfo=zone(key), fold=fold).astimezone(UTC).timestamp() for fold in (0, 1)
    ]
    if near % len(table.starts):
        assert table.readings(local_second) == (min(folds), max(folds))


def test_lord_howe_skips_half_an_hour() -> None:
    day = (date(2026, 10, 4).toordinal() - EPOCH_ORDINAL) * 86_400
    earlier, later = offsets("Australia/Lord_Howe", 2026, 2026).readings(day + 2 * 3600 + 900)
    assert later - earlier == 1800


def test_apia_has_no_30_december_2011() -> None:
    day = (date(2011, 12, 30).toordinal() - EPOCH_ORDINAL) * 86_400
    table = offsets("Pacific/Apia", 2011, 2011)
    earlier, later = table.readings(day + 43_200)
    assert later - earlier == 86_400
    assert table.at(earlier) != table.at(later)


def test_keys_are_those_of_the_package() -> None:
    assert {"Europe/London", "Asia/Calcutta", "UTC", "Etc/GMT+5"} <= zone_keys()
    for unknown in (
        "Factory",
        "localtime",
        "posixrules",
        "posix/UTC",
        "right/UTC",
        "europe/london",
    ):
        assert unknown not in zone_keys()
        with pytest.raises(KeyError):
            zone(unknown)


def test_countries_are_iso_3166() -> None:
    assert {"GB", "IN", "NG"} <= country_codes()
    assert not {"UK", "EU", "gb"} & country_codes()


@pytest.mark.parametrize(
    ("key", "southern"),
    [
        ("Australia/Sydney", True), ("Africa/Nairobi", True), ("Europe/London", False),
        ("Asia/Singapore", False), ("Australia/ACT", True), ("US/Pacific", False),
        ("Antarctica/South_Pole", True), ("Etc/GMT+5", False), ("UTC", False),
    ],
)  # fmt: skip
def test_hemispheres_come_from_zone_tab_and_links(key: str, southern: bool) -> None:
    assert is_southern(key) is southern
