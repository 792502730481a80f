"""Taking JSON apart: fast where a reader can, and where none can."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from gate.cluster import scanning
from gate.cluster.raw_json import differs, fault_of, members_of, same, value_of
from gate.cluster.scanning import Unreadable, scanned_members
from tests.cluster_unit import twin
from tests.cluster_unit.strategies import ANY_JSON

NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=3) | st.sampled_from(
    ['"', "\\", '\\"', "{", "]", "\n", ":", ","]
)
OBJECTS = st.dictionaries(NAMES, ANY_JSON | NAMES, max_size=5)


@given(OBJECTS, st.sampled_from([None, 0, 3]), st.booleans())
def test_scanning_reads_what_a_reader_reads(of: Any, indent: int | None, ascii_only: bool) -> None:
    text = json.dumps(of, indent=indent, ensure_ascii=ascii_only).encode()
    found = scanned_members(b" " + text + b"\n")
    assert found is not None
    assert {name: json.loads(bytes(raw)) for name, raw in found.items()} == of
    assert members_of(text) == found


@given(ANY_JSON)
def test_what_is_no_object_has_no_members(value: Any) -> None:
    found = members_of(json.dumps(value).encode())
    assert (found is None) == (not isinstance(value, dict))


@given(ANY_JSON, ANY_JSON)
def test_sameness_is_that_of_the_definition(one: Any, other: Any) -> None:
    texts = [Raw(json.dumps(each).encode()) for each in (one, other)]
    assert differs(texts[0], texts[1]) is not twin.equal(one, other)
    assert same(value_of(texts[0]), value_of(texts[0]))


@given(st.binary(max_size=40) | st.text('{}[]":,\\au0 tr', max_size=30).map(str.encode))
def test_any_bytes_are_taken_apart_or_not(text: bytes) -> None:
    for take_apart in (members_of, scanned_members):
        with suppress(Unreadable):
            found = take_apart(text)
            assert found is None or isinstance(found, dict)


@given(st.text('{}[]":,\\u0 1truefalsn', max_size=20))
def test_faults_are_those_of_the_standard_library(text: str) -> None:
    try:
        json.loads(text)
    except ValueError:
        assert fault_of(text.encode())
    else:
        assert fault_of(text.encode()) is None


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (b'{"a":"\\ud800"}', False),
        (b'{"a":NaN}', False),
        (b'{"a":[-Infinity]}', False),
        (b'{"a":' + b"1" * 5000 + b"}", False),
        (b'{"a":"\\ud800",}', True),
        (b'{"a":NaN', True),
        (b'{"a":"\\udc00"' + b"[" * 5000, True),
        (b'["\\udc00",' + b"[" * 5000, False),
        (b'{"a":"\xff","b":NaN}', True),
        (b"", True),
    ],
)
def test_lenient_faults(text: bytes, fault: bool) -> None:
    assert (fault_of(text) is not None) == fault


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b'{"a":' + b"[" * (scanning.MAX_DEPTH + 1), "deeper"),
        (b'{"a":[' + b"[[[]]]," * scanning.MAX_BRACKETS, "too often"),
        (b'{"a":[', "ends within"),
        (b'{"a":["x]}', "no end"),
        (b'{"a":["x\\"]}', "no end"),
        (b"{a", "name"),
        (b'{"a', "name"),
        (b'{"\\x":1}', "name"),
        (b'{"a" 1}', "colon"),
        (b'{"a":}', "a value"),
        (b'{"a":"x}', "a value"),
        (b'{"a":1;', "comma"),
        (b'{"a":1', "comma"),
    ],
)
def test_what_cannot_be_taken_apart(text: bytes, why: str) -> None:
    with pytest.raises(Unreadable, match=why):
        scanned_members(text)


def test_many_members_are_too_many() -> None:
    members = ",".join(f'"{number}":1' for number in range(scanning.MAX_MEMBERS + 1))
    with pytest.raises(Unreadable, match="members"):
        scanned_members(f"{{{members}}}".encode())


def test_quotes_without_an_end_take_no_time_to_speak_of() -> None:
    # A scan for the end from each of these quotes would be 10^11 steps.
    text = b'{"a":[["' + b'\\"' * 1_000_000
    with pytest.raises(Unreadable, match="no end"):
        scanned_members(text)
