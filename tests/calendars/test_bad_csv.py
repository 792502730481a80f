"""CSV files that are none, or whose header is wrong."""

from pathlib import Path

import pytest

from tests.calendars.files import only_texts, places, problems_of

GOOD = b"1,2026-06-13,Europe/London"
HEADER = b"id,date,timezone"
NOTED = HEADER + b",x-note\n"

Places = list[tuple[int | None, str | None]]

HEADERS: list[tuple[str, bytes, Places]] = [
    ("empty", b"", [(None, None)]),
    ("only a mark", b"\xef\xbb\xbf", [(1, None)]),
    ("only line ends", b"\n\r\n\n", [(1, None)]),
    ("unknown column", b"id,date,timezone,guest\n", [(1, "guest")]),
    ("untrimmed column", b"id, date,timezone\n", [(1, " date"), (1, "date")]),
    ("capitals", b"ID,date,timezone\n", [(1, "ID"), (1, "id")]),
    ("a nameless column", b"id,date,timezone,\n" + GOOD + b",\n", [(1, "")]),
    ("a column twice", b"id,date,timezone,date\n", [(1, "date")]),
    ("an ignored column twice", b"id,date,timezone,x-a,x-a\n", [(1, "x-a")]),
    ("a required column missing", b"id,date\n1,2026-06-13\n", [(1, "timezone")]),
    ("no header", GOOD + b"\n", [(1, "1"), (1, "2026-06-13"), (1, "Europe/London"), (1, "id"),
                                 (1, "date"), (1, "timezone")]),
    ("semicolons", b"id;date;timezone\n", [(1, "id;date;timezone"), (1, "id"), (1, "date"),
                                           (1, "timezone")]),
    ("utf-16", "id,date,timezone\n".encode("utf-16"), [(1, None)]),
    ("a header with NUL", b"id,date,timezone,x-\0\n", [(1, "x-\\x00")]),
]  # fmt: skip

ROWS: list[tuple[str, bytes, Places]] = [
    ("too short", NOTED + b"1,2026-06-13,Europe/London\n", [(2, None)]),
    ("too long", NOTED + b"1,2026-06-13,Europe/London,a,b\n", [(2, None)]),
    ("only commas", NOTED + b",,,\n", [(2, "id"), (2, "date"), (2, "timezone")]),
    ("only blanks", NOTED + b"  \n", [(2, None)]),
    ("an empty quoted cell is a row", NOTED + b'""\n', [(2, None)]),
    ("quote within a cell", NOTED + GOOD + b',5" cake\n', [(2, None)]),
    ("text behind a quote", NOTED + GOOD + b',"a"b\n', [(2, None)]),
    ("blank before a quote", NOTED + GOOD + b', "a"\n', [(2, None)]),
    ("never closed", NOTED + GOOD + b',"a\nb\nc\n', [(2, None)]),
    ("closed wrongly later", NOTED + GOOD + b',"a\nb"c\n', [(2, None)]),
    ("bare carriage return", NOTED + GOOD + b",a\rb\n", [(2, None)]),
    ("carriage returns only", NOTED[:-1] + b"\r" + GOOD + b",a\r", [(1, None)]),
    ("NUL", NOTED + b"1\0,2026-06-13,Europe/London,\n", [(2, "id")]),
    ("NUL in an ignored cell", NOTED + GOOD + b",a\0\n", [(2, "x-note")]),
    ("NUL in venue", HEADER + b",venue\n" + GOOD + b",a\0\n", [(2, "venue")]),
    ("Latin-1", NOTED + GOOD + b",caf\xe9\n", [(2, "x-note")]),
    ("a cut character", NOTED + b"\xe2\x82,2026-06-13,Europe/London,\n", [(2, "id")]),
    ("a surrogate", NOTED + b"\xed\xa0\x80,2026-06-13,Europe/London,\n", [(2, "id")]),
    ("an overlong NUL", NOTED + b"\xc0\x80,2026-06-13,Europe/London,\n", [(2, "id")]),
]


@pytest.mark.parametrize(("_case", "data", "where"), HEADERS, ids=only_texts)
def test_headers(tmp_path: Path, _case: str, data: bytes, where: Places) -> None:
    assert places(problems_of(tmp_path, "w.csv", data)) == where


@pytest.mark.parametrize(("_case", "data", "where"), ROWS, ids=only_texts)
def test_rows(tmp_path: Path, _case: str, data: bytes, where: Places) -> None:
    assert places(problems_of(tmp_path, "w.csv", data)) == where


def test_a_broken_row_does_not_hide_the_next(tmp_path: Path) -> None:
    data = NOTED + GOOD + b',5" cake\n' + b"2,soon,Europe/London,\n" + b'3,2026-06-13,"Mars",\n'
    assert places(problems_of(tmp_path, "w.csv", data)) == [
        (2, None), (3, "date"), (4, "timezone"),
    ]  # fmt: skip


def test_lines_are_counted_through_quoted_line_ends(tmp_path: Path) -> None:
    data = (
        b'\r\n"id",date,timezone,"x-\nnote"\r\n'
        b'1,2026-06-13,Europe/London,"a\r\nb\nc"\r\n'
        b"\r\n"
        b'2,2026-06-13,Mars,"\n\n"\r\n'
        b"3,never,Europe/London,\r\n"
    )
    assert places(problems_of(tmp_path, "w.csv", data)) == [(8, "timezone"), (11, "date")]


def test_mends_name_the_column_that_was_meant(tmp_path: Path) -> None:
    (problem,) = problems_of(tmp_path, "w.csv", HEADER + b",guest\n")
    assert problem.mend == "did you mean guests?"
    (problem,) = problems_of(tmp_path, "w.csv", HEADER + b",photographer\n")
    assert problem.mend == "a column of your own starts with x-"
