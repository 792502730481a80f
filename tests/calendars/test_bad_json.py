"""JSON and JSON Lines files that are none, or that hold something else than weddings."""

from pathlib import Path

import pytest

from tests.calendars.files import only_texts, places, problems_of

W = b'{"id": "1", "date": "2026-06-13", "timezone": "Europe/London"}'
V = W.replace(b'"1"', b'"2"')
DEEP = b"[" * 200_000


def with_more(more: bytes) -> bytes:
    return W[:-1] + b", " + more + b"}"


Places = list[tuple[int | None, str | None]]

WHOLES: list[tuple[str, bytes, Places]] = [
    ("empty", b"", [(None, None)]),
    ("blank", b" \n", [(2, None)]),
    ("a mark", b"\xef\xbb\xbf", [(1, None)]),
    ("a number", b"5", [(1, None)]),
    ("a text", b'"weddings"', [(1, None)]),
    ("cut off", b"[\n" + W, [(2, None)]),
    ("a comma too many", b"[\n" + W + b",\n]", [(3, None)]),
    ("a comma too few", b"[\n" + W + b"\n" + V + b"]", [(3, None)]),
    ("two documents", b"[]\n[]", [(2, None)]),
    ("no weddings", b"{}", [(1, None)]),
    ("another key", b'{"wedding": []}', [(1, None), (1, "wedding")]),
    ("one more key", b'{"weddings": [],\n"version": 1}', [(2, "version")]),
    ("one more key before", b'{"version": 1,\n"weddings": [' + W + b"]}", [(1, "version")]),
    ("weddings twice", b'{"weddings": [' + W + b'],\n"weddings": [' + V + b"]}", [(2, "weddings")]),
    ("weddings no array", b'{"weddings": {}}', [(1, "weddings")]),
    ("weddings null", b'{"weddings": null}', [(1, "weddings")]),
    ("a single wedding", W, [(1, "id"), (1, "date"), (1, "timezone"), (1, None)]),
    ("elements of other kinds", b"[\n1,\ntrue,\n[],\nnull]", [(2, None), (3, None), (4, None),
                                                             (5, None)]),
    ("deep", DEEP, [(1, None)]),
    ("a bad key", b"[{id: 1}]", [(1, None)]),
    ("single quotes", b"[{'id': 1}]", [(1, None)]),
    ("not UTF-8", b"[\n" + W + b",\n" + V.replace(b'"2"', b'"\xe9"') + b"]", [(3, "id")]),
    ("two on a line", b"[" + W + b"," + W + b"]", [(1, "id")]),
    ("syntax behind bad rows", b"[\n" + with_more(b'"days": 0') + b",\n" + V + b",\n!]",
     [(2, "days"), (4, None)]),
    ("utf-16", "[]".encode("utf-16"), [(1, None)]),
]  # fmt: skip

OBJECTS: list[tuple[str, bytes, Places]] = [
    ("key twice", with_more(b'"date": "2026-06-14"'), [(1, "date")]),
    ("key twice, the same", with_more(b'"date": "2026-06-13"'), [(1, "date")]),
    ("ignored key twice", with_more(b'"x-a": 1, "x-a": 1'), [(1, "x-a")]),
    ("key twice by escapes", with_more(b'"d\\u0061te": "2026-06-13"'), [(1, "date")]),
    ("key twice behind colons", with_more(b'"x-t": "12:00:00", "x-t": "12:00:00"'), [(1, "x-t")]),
    ("key twice beside a nested one", with_more(b'"x-t": {"a": 1}, "id": "1"'), [(1, "id")]),
    ("unknown key", with_more(b'"guest": 5'), [(1, "guest")]),
    ("unknown empty key", with_more(b'"": 5'), [(1, "")]),
    ("NUL", with_more(b'"venue": "a\\u0000b"'), [(1, "venue")]),
    ("NUL in the id", W.replace(b'"1"', b'"1\\u0000"'), [(1, "id")]),
    ("NUL in an ignored value", with_more(b'"x-a": "\\u0000"'), [(1, "x-a")]),
    ("NUL deep in an ignored value", with_more(b'"x-a": [{"b": "\\u0000"}]'), [(1, "x-a")]),
    ("NUL in a key", with_more(b'"x-\\u0000": 1'), [(1, "x-\\x00")]),
    ("half a surrogate pair", W.replace(b'"1"', b'"\\ud800"'), [(1, "id")]),
    ("surrogates swapped", W.replace(b'"1"', b'"\\ude00\\ud83d"'), [(1, "id")]),
    ("NaN", with_more(b'"latitude": NaN'), [(1, None)]),
    ("Infinity", with_more(b'"x-a": -Infinity'), [(1, None)]),
    ("an octal number", with_more(b'"guests": 010'), [(1, None)]),
    ("a plus", with_more(b'"guests": +10'), [(1, None)]),
    ("a tab in a text", with_more(b'"venue": "a\tb"'), [(1, None)]),
    ("an unknown escape", with_more(b'"venue": "\\x41"'), [(1, None)]),
    ("a comment", with_more(b'"guests": 10 /* about */'), [(1, None)]),
    ("more digits than can be read", with_more(b'"guests": ' + b"9" * 5000), [(1, "guests")]),
    ("an id of more digits", W.replace(b'"1"', b"9" * 5000), [(1, "id")]),
    ("a minus before an id", W.replace(b'"1"', b"-"), [(1, None)]),
    ("deep", with_more(b'"x-a": ' + DEEP), [(1, None)]),
    ("raw NUL", with_more(b'"venue": "\0"'), [(1, None)]),
]


@pytest.mark.parametrize(("_case", "data", "where"), WHOLES, ids=only_texts)
def test_whole_files(tmp_path: Path, _case: str, data: bytes, where: Places) -> None:
    assert sorted(places(problems_of(tmp_path, "w.json", data)), key=str) == sorted(where, key=str)


@pytest.mark.parametrize(("_case", "data", "where"), OBJECTS, ids=only_texts)
def test_objects(tmp_path: Path, _case: str, data: bytes, where: Places) -> None:
    assert places(problems_of(tmp_path, "w.json", b"[" + data + b"]")) == where
    assert places(problems_of(tmp_path, "w.jsonl", data)) == where
    third = [(3, field) for _, field in where]
    assert places(problems_of(tmp_path, "w.jsonl", V + b"\n\r\n" + data + b"\n")) == third
    if "minus" not in str(data):
        inside = b'\n{"weddings":\n[' + data + b"]}"
        assert places(problems_of(tmp_path, "w.json", inside)) == third


LINES: list[tuple[str, bytes, Places]] = [
    ("blanks are no empty line", W + b"\n  \n" + V, [(2, None)]),
    ("two on a line", W + V, [(1, None)]),
    ("a comma at the end", W + b",\n" + V, [(1, None)]),
    ("an array", b"[" + W + b"]", [(1, None)]),
    ("a text", b'"a"\n' + W, [(1, None)]),
    ("cut over lines", b'{"id": "1",\n"date": "2026-06-13", "timezone": "UTC"}', [(1, None),
                                                                                  (2, None)]),
    ("bare carriage returns", W + b"\r" + V, [(1, None)]),
    ("used twice", W + b"\n\n" + W, [(3, "id")]),
]  # fmt: skip


@pytest.mark.parametrize(("_case", "data", "where"), LINES, ids=only_texts)
def test_lines(tmp_path: Path, _case: str, data: bytes, where: Places) -> None:
    assert places(problems_of(tmp_path, "w.jsonl", data)) == where
