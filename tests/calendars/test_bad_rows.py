"""Every kind of bad cell, in every format: the line and the field, and what to do."""

from pathlib import Path
from typing import Any

import pytest

from tests.calendars.files import as_csv, as_json, as_jsonl, only_texts, places, problems_of, row

BAD_TEXTS = [
    ("id", "", "is missing"),
    ("date", "", "is missing"),
    ("date", "13.06.2026", "is not a date"),
    ("date", "2026-6-13", "is not a date"),
    ("date", "20260613", "is not a date"),
    ("date", "2026-02-29", "is no date of the calendar"),
    ("date", "1969-12-31", "outside 1970 to 2199"),
    ("date", "2200-01-01", "outside 1970 to 2199"),
    ("date", " 2026-06-13", "is not a date"),
    ("date", "2026-06-13T00:00", "is not a date"),
    ("date", "２０２６-06-13", "is not a date"),
    ("timezone", "", "is missing"),
    ("timezone", "Europe/Londn", "is no IANA time zone"),
    ("timezone", "europe/london", "is no IANA time zone"),
    ("timezone", "Factory", "is no IANA time zone"),
    ("timezone", "localtime", "is no IANA time zone"),
    ("timezone", "posix/Europe/London", "is no IANA time zone"),
    ("timezone", "../../../etc/passwd", "is no IANA time zone"),
    ("timezone", "UTC ", "is no IANA time zone"),
    ("culture", "indain", "is no culture of the policy"),
    ("culture", "Indian", "is no culture of the policy"),
    ("country", "UK", "is no ISO 3166-1"),
    ("country", "gb", "is no ISO 3166-1"),
    ("country", "GBR", "is no ISO 3166-1"),
    ("status", "Confirmed", "is no status"),
    ("status", "canceled", "is no status"),
]
BAD_CSV_NUMBERS = [
    ("days", "0", "is not within 1 to 31"),
    ("days", "32", "is not within 1 to 31"),
    ("days", "-1", "is no whole number"),
    ("days", "1.5", "is no whole number"),
    ("days", "two", "is no whole number"),
    ("guests", "0", "is not within 1 to"),
    ("guests", "9" * 30, "is not within 1 to"),
    ("guests", "1e3", "is no whole number"),
    ("guests", "+5", "is no whole number"),
    ("guests", " 5", "is no whole number"),
    ("guests", "1_000", "is no whole number"),
    ("guests", "٣", "is no whole number"),
    ("guests", "150.0", "is no whole number"),
    ("latitude", "90.1", "is not within -90 to 90"),
    ("latitude", "-1e3", "is not within -90 to 90"),
    ("latitude", "1e999", "is not within -90 to 90"),
    ("latitude", "1e99", "is not within -90 to 90"),
    ("latitude", "51,5", "is no number of degrees"),
    ("latitude", "nan", "is no number of degrees"),
    ("latitude", "1_0", "is no number of degrees"),
    ("latitude", "-", "is no number of degrees"),
    ("longitude", "180.0001", "is not within -180 to 180"),
    ("longitude", "inf", "is no number of degrees"),
    ("longitude", "1.2.3", "is no number of degrees"),
    ("longitude", " 1", "is no number of degrees"),
    ("longitude", "١", "is no number of degrees"),
]
BAD_JSON_VALUES: list[tuple[str, Any, str]] = [
    ("id", None, "is missing"),
    ("id", True, "is true or false, not text"),
    ("id", 7.0, "is a number, not text"),
    ("id", ["w1"], "is an array, not text"),
    ("date", 20260613, "is a number, not text"),
    ("timezone", None, "is missing"),
    ("timezone", {}, "is an object, not text"),
    ("culture", 5, "is a number, not text"),
    ("venue", False, "is true or false, not text"),
    ("status", ["confirmed"], "is an array, not text"),
    ("days", 0, "is not within 1 to 31"),
    ("days", 32, "is not within 1 to 31"),
    ("days", -1, "is not within 1 to 31"),
    ("days", "2", "is text, not a number"),
    ("days", True, "is true or false, not a number"),
    ("days", 1.5, "is no whole number"),
    ("guests", 0, "is not within 1 to"),
    ("guests", 150.0, "is no whole number"),
    ("guests", 10**300, "is not within 1 to"),
    ("guests", "150", "is text, not a number"),
    ("guests", {}, "is an object, not a number"),
    ("latitude", 90.1, "is not within -90 to 90"),
    ("latitude", -91, "is not within -90 to 90"),
    ("latitude", "51.5", "is text, not a number"),
    ("latitude", True, "is true or false, not a number"),
    ("longitude", -180.5, "is not within -180 to 180"),
    ("longitude", [1], "is an array, not a number"),
]


@pytest.mark.parametrize(("field", "text", "message"), BAD_TEXTS + BAD_CSV_NUMBERS, ids=only_texts)
def test_in_csv(tmp_path: Path, field: str, text: str, message: str) -> None:
    rows = [row("first"), {**row("bad"), field: text}, row("last")]
    (problem,) = problems_of(tmp_path, "w.csv", as_csv(rows))
    assert (problem.line, problem.field) == (3, field)
    assert message in problem.message


@pytest.mark.parametrize(("field", "value", "message"), BAD_TEXTS + BAD_JSON_VALUES, ids=only_texts)
def test_in_json(tmp_path: Path, field: str, value: Any, message: str) -> None:
    rows = [row("first"), {**row("bad"), field: value}, row("last")]
    (problem,) = problems_of(tmp_path, "w.json", as_json(rows, indent=1))
    # The first one fills lines 2 to 6: its braces and three fields.
    assert (problem.line, problem.field) == (7, field)
    assert message in problem.message
    (problem,) = problems_of(tmp_path, "w.jsonl", as_jsonl(rows))
    assert (problem.line, problem.field) == (2, field)
    assert message in problem.message


@pytest.mark.parametrize(
    ("field", "value", "mend"),
    [
        ("timezone", "Europe/Londn", "did you mean Europe/London?"),
        ("timezone", "Nowhere", "write an IANA key such as Europe/London"),
        ("culture", "indain", "did you mean indian?"),
        ("country", "gb", "did you mean GB?"),
        ("status", "canceled", "did you mean cancelled?"),
        ("status", "yes", "one of cancelled, confirmed, tentative"),
    ],
)
def test_a_mend_is_offered(tmp_path: Path, field: str, value: str, mend: str) -> None:
    (problem,) = problems_of(tmp_path, "w.csv", as_csv([row(**{field: value})]))
    assert problem.mend == mend


def test_all_fields_of_all_rows_are_told_at_once(tmp_path: Path) -> None:
    rows = [
        row("a", days="x", culture="elvish"),
        row("a", guests="0"),
        {"id": "b", "date": "soon", "timezone": "Mars/Base"},
        row("a"),
    ]
    assert places(problems_of(tmp_path, "w.csv", as_csv(rows))) == [
        (2, "culture"),
        (2, "days"),
        (3, "guests"),
        (3, "id"),
        (4, "date"),
        (4, "timezone"),
        (5, "id"),
    ]


@pytest.mark.parametrize("field", ["latitude", "longitude"])
@pytest.mark.parametrize("bad", [-200, 1000.5])
def test_bad_degrees_where_all_else_is_known(tmp_path: Path, field: str, bad: float) -> None:
    rows = [row("a", latitude=1, longitude=2), {**row("b", latitude=1, longitude=2), field: bad}]
    assert places(problems_of(tmp_path, "w.csv", as_csv(rows))) == [(3, field)]
    assert places(problems_of(tmp_path, "w.jsonl", as_jsonl(rows))) == [(2, field)]


def test_a_bad_cell_of_a_cancelled_wedding_is_told(tmp_path: Path) -> None:
    rows = [row("a", status="cancelled", guests="many")]
    assert places(problems_of(tmp_path, "w.csv", as_csv(rows))) == [(2, "guests")]


def test_an_infinite_number_is_told_with_its_field(tmp_path: Path) -> None:
    data = b'[{"id": 1, "date": "2026-06-13", "timezone": "UTC", "latitude": 1e999}]'
    assert places(problems_of(tmp_path, "w.json", data)) == [(1, "latitude")]


@pytest.mark.parametrize("name", ["w.csv", "w.json", "w.jsonl"])
def test_a_hundred_problems_are_listed_and_the_others_counted(tmp_path: Path, name: str) -> None:
    rows = [row(f"w{number}", status="maybe") for number in range(130)]
    data = {"w.csv": as_csv(rows), "w.json": as_json(rows), "w.jsonl": as_jsonl(rows)}[name]
    problems = problems_of(tmp_path, name, data)
    assert len(problems) == 101
    assert {problem.field for problem in problems[:100]} == {"status"}
    assert problems[100].message == "130 problems in all; the first 100 are listed"
