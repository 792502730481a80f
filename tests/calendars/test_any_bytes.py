"""Whatever a file holds, there is an answer: a calendar, or problems with their places."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gate.calendars import read_calendars
from gate.core.problems import InputError
from tests.calendars.files import LOAD, as_csv, as_json, as_jsonl, row, written

GOOD = [row("a", days=2, venue="palace", latitude=1.5), row("b", **{"x-t": "12:00", "guests": 9})]
SEEDS = [
    as_csv(GOOD),
    as_json(GOOD, indent=1),
    as_jsonl(GOOD),
    b'{"weddings": ' + as_json(GOOD) + b"}",
]
NAMES = ("w", "w.csv", "w.json", "w.jsonl", "w.ics")
BITS = [b'"', b",", b"\n", b"\r", b"\0", b"\xff", b"\\", b"{", b"}", b"[", b"]", b":", b"\\u0000",
        b"\xef\xbb\xbf", b'"id": 1, ', b"x-", b"e9", b"null", b" "]  # fmt: skip
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(("id", "date", "weddings", "x-a", "guests")), inner)
    ),
    max_leaves=8,
)


def assert_answered(name: str, data: bytes) -> None:
    with TemporaryDirectory() as folder:
        path = written(Path(folder), name, data)
        try:
            calendar = read_calendars([path], LOAD)
        except InputError as error:
            assert error.problems  # noqa: PT017
            lines = data.count(b"\n") + 1
            for problem in error.problems:
                assert problem.file == str(path)
                assert problem.line is None or 1 <= problem.line <= lines
                str(problem).encode()
        else:
            assert calendar.calendar.weddings >= 0


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    data = draw(st.sampled_from(SEEDS))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data)))
        drop = draw(st.integers(0, 3))
        data = data[:at] + draw(st.sampled_from([*BITS, b""])) + data[at + drop :]
    return data


@settings(max_examples=300)
@given(name=st.sampled_from(NAMES), data=mutated())
def test_changed_files(name: str, data: bytes) -> None:
    assert_answered(name, data)


@settings(max_examples=100)
@given(name=st.sampled_from(NAMES), data=st.binary(max_size=200))
def test_any_bytes(name: str, data: bytes) -> None:
    assert_answered(name, data)


@settings(max_examples=150)
@given(name=st.sampled_from(NAMES), value=JSON_VALUES)
def test_any_json(name: str, value: Any) -> None:
    assert_answered(name, json.dumps(value).encode())
    assert_answered(name, json.dumps([value]).encode())
