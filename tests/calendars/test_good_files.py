"""Good calendars: the same weddings make the same calendar, whatever file they come in."""

import csv
import io
import json
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gate.calendars import WeddingRow, calendar_from_rows, read_calendars, read_rows
from gate.core.demand import Calendar, DemandBuilder
from gate.core.problems import InputError
from tests.calendars.files import (
    LOAD,
    NUMBERS,
    Row,
    as_csv,
    as_json,
    as_jsonl,
    loaded,
    row,
    rows_of,
    written,
)

TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=8)
OPTIONAL: dict[str, st.SearchStrategy[Any]] = {
    "days": st.integers(1, 31),
    "culture": st.sampled_from(sorted(LOAD.cultures)),
    "guests": st.integers(1, 2000),
    "venue": st.sampled_from(("palace", "hotel", "church", "barn")) | TEXTS,
    "setting": st.sampled_from(("indoor", "outdoor")) | TEXTS,
    "country": st.sampled_from(("GB", "IN", "AU")),
    "latitude": st.sampled_from((-90, -33.87, -0.0, 0, 51.5, 90.0)),
    "longitude": st.sampled_from((-180, 0, 151.21, 180)),
    "status": st.sampled_from(("confirmed", "tentative", "cancelled")),
    "x-note": TEXTS,
    "x-booked-at": st.just("2025-11-24T10:00:00Z"),
}


@st.composite
def weddings(draw: st.DrawFn) -> Row:
    wedding: Row = {
        "id": draw(TEXTS | st.integers(-(10**20), 10**20)),
        "date": str(draw(st.dates(date(2026, 1, 1), date(2026, 12, 31)))),
        "timezone": draw(st.sampled_from(("Europe/London", "Asia/Kolkata", "Australia/Sydney"))),
    }
    for field in draw(st.sets(st.sampled_from(sorted(OPTIONAL)))):
        wedding[field] = draw(OPTIONAL[field])
    return wedding


CALENDARS = st.lists(weddings(), max_size=8, unique_by=lambda wedding: str(wedding["id"]))


def expected(rows: Sequence[Row]) -> Calendar:
    """The calendar by the contract's words, without the readers."""
    builder = DemandBuilder(LOAD)
    for wedding in rows:
        if wedding.get("status") == "cancelled":
            continue
        name = wedding.get("culture", "other")
        culture = LOAD.cultures[name]
        unit = builder.unit(name, wedding.get("venue"), wedding.get("setting"))
        builder.stream(wedding["timezone"], wedding.get("country"), wedding.get("latitude")).add(
            date.fromisoformat(wedding["date"]).toordinal(),
            wedding.get("days", culture.days),
            wedding.get("guests", culture.guests) * unit,
        )
    return builder.build()


def odd_csv(rows: Sequence[Row], draw: Any) -> bytes:
    """CSV with columns in any order, any quoting that RFC 4180 allows, and blank lines."""
    columns = draw(st.permutations(["id", "date", "timezone", *OPTIONAL]))
    end = draw(st.sampled_from(("\n", "\r\n")))
    lines = [",".join(columns)]
    for wedding in rows:
        cells = []
        for column in columns:
            cell = str(wedding.get(column, ""))
            must = any(character in cell for character in ',"\r\n')
            if must or draw(st.booleans()):
                cell = '"' + cell.replace('"', '""') + '"'
            cells.append(cell)
        lines += [",".join(cells)] + [""] * draw(st.integers(0, 1))
    mark = draw(st.sampled_from(("", "\ufeff")))
    last: str = draw(st.sampled_from(("", end)))
    return f"{mark}{end.join(lines)}{last}".encode()


def odd_json(rows: Sequence[Row], draw: Any) -> bytes:
    """JSON in either of its two forms, with absent values written out, escaped or not."""
    filled = []
    for wedding in rows:
        more: Row = dict.fromkeys(draw(st.sets(st.sampled_from(sorted(OPTIONAL)))))
        empty = dict.fromkeys(draw(st.sets(st.sampled_from(sorted(OPTIONAL)))), "")
        filled.append({**more, **empty, **wedding, "x-deep": {"a": [1, {"a": None}]}})
    options = {
        "indent": draw(st.sampled_from((None, 0, 2))),
        "ensure_ascii": draw(st.booleans()),
    }
    whole = draw(st.sampled_from((filled, {"weddings": filled})))
    return json.dumps(whole, **options).encode()


@settings(max_examples=60)
@given(rows=CALENDARS, data=st.data())
def test_the_same_weddings_make_the_same_calendar(rows: list[Row], data: st.DataObject) -> None:
    files = {
        "plain.csv": as_csv(rows),
        "odd.csv": odd_csv(rows, data.draw),
        "plain.json": as_json(rows),
        "odd.json": odd_json(rows, data.draw),
        "plain.jsonl": as_jsonl(rows),
    }
    calendar = expected(rows)
    with TemporaryDirectory() as folder:
        for name, content in files.items():
            path = written(Path(folder), name, content)
            assert read_calendars([path], LOAD).calendar == calendar, name
            read = list(read_rows([path], LOAD))
            assert [each.id for each in read] == [str(wedding["id"]) for wedding in rows]
            assert calendar_from_rows(read, LOAD) == calendar


@settings(max_examples=30)
@given(rows=CALENDARS, data=st.data())
def test_files_are_merged_in_any_order(rows: list[Row], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(rows))
    cut = data.draw(st.integers(0, len(rows)))
    with TemporaryDirectory() as folder:
        paths = [
            written(Path(folder), "a.csv", as_csv(shuffled[:cut])),
            written(Path(folder), "b.jsonl", as_jsonl(shuffled[cut:])),
        ]
        forth, back = read_calendars(paths, LOAD), read_calendars(paths[::-1], LOAD)
    assert forth.calendar == back.calendar == expected(rows)
    assert forth.sha256 == back.sha256
    assert forth.kinds == back.kinds[::-1] == ("csv", "jsonl")


def test_every_field_reaches_the_importer(tmp_path: Path) -> None:
    full = row(
        7,
        days=3,
        culture="indian",
        guests=600,
        venue="palace",
        setting="outdoor",
        country="IN",
        latitude=26.9,
        longitude=75.8,
        status="tentative",
        **{"x-booked-at": "2025-11-24T10:00:00Z"},
    )
    wanted = WeddingRow(
        id="7",
        date=date(2026, 6, 13),
        timezone="Europe/London",
        days=3,
        culture="indian",
        guests=600,
        venue="palace",
        setting="outdoor",
        country="IN",
        latitude=26.9,
        longitude=75.8,
        status="tentative",
        booked_at="2025-11-24T10:00:00Z",
    )
    assert rows_of(tmp_path, "w.csv", as_csv([full])) == [wanted]
    assert rows_of(tmp_path, "w.json", as_json([full])) == [wanted]
    escaped = as_jsonl([full]).replace(b"palace", b"p\\u0061lace")
    assert rows_of(tmp_path, "w.jsonl", escaped) == [wanted]


def test_what_is_absent_stays_absent_for_the_importer(tmp_path: Path) -> None:
    empty = dict.fromkeys((*NUMBERS, "culture", "venue", "setting", "country", "status"), "")
    wanted = WeddingRow(id="w1", date=date(2026, 6, 13), timezone="Europe/London")
    assert rows_of(tmp_path, "w.csv", as_csv([row(**empty)])) == [wanted]
    assert rows_of(tmp_path, "w.jsonl", as_jsonl([row(**empty)])) == [wanted]
    assert rows_of(tmp_path, "w.json", as_json([row(**dict.fromkeys(empty))])) == [wanted]


def test_values_are_not_trimmed(tmp_path: Path) -> None:
    rows = rows_of(tmp_path, "w.csv", as_csv([row(" a "), row("a"), row("A")]))
    assert [each.id for each in rows] == [" a ", "a", "A"]


def test_a_venue_that_is_not_known_counts_as_none(tmp_path: Path) -> None:
    """However many there are, beside known ones and before and after them."""
    rows = [
        row(f"w{number}", venue=venue, setting=setting)
        for number, (venue, setting) in enumerate(
            (venue, setting)
            for venue in ("", "palace", "Blenheim", "palace ", "PALACE", "hotel", "Blenheim")
            for setting in ("", "outdoor", "garden")
        )
    ]
    assert loaded(tmp_path, "w.csv", as_csv(rows)).calendar == expected(rows)


@pytest.mark.parametrize("zone", ["Europe/London", "Australia/Sydney"])
def test_the_season_goes_by_latitude_else_by_zone(tmp_path: Path, zone: str) -> None:
    """Also where all else of the row has been seen before."""
    rows = [
        row(f"w{number}", date="2026-01-07", timezone=zone, latitude=latitude, longitude=longitude)
        for number, (latitude, longitude) in enumerate(
            [("", ""), (-1, 5), (1, 5), ("", 5), (-1, ""), (0, ""), ("-0.0", 0), (-0.5, -180)]
        )
    ]
    wanted = expected(
        [
            {**each, "latitude": None if each["latitude"] == "" else float(each["latitude"])}
            for each in rows
        ]
    )
    assert loaded(tmp_path, "w.csv", as_csv(rows)).calendar == wanted
    typed = [{**each, "latitude": -0.0} if each["id"] == "w6" else each for each in rows]
    assert loaded(tmp_path, "w.jsonl", as_jsonl(typed)).calendar == wanted


def test_an_x_column_is_not_looked_at(tmp_path: Path) -> None:
    rows = [row("a", **{"x-": "", "x-guests": "none", "x-date": '"'}), row("b", **{"x-guests": ""})]
    assert loaded(tmp_path, "w.csv", as_csv(rows)).calendar == expected(rows)
    nested = [row("a", **{"x-a": {"id": 1}, "x-b": [[]], "x-c": None, "x-d": 1e308, "x-e": True})]
    assert loaded(tmp_path, "w.jsonl", as_jsonl(nested)).calendar == expected(nested)
    twice_inside = as_jsonl([row("a")]).replace(b"}", b', "x-a": {"b": 1, "b": 2}}')
    assert loaded(tmp_path, "w.jsonl", twice_inside).calendar.weddings == 1


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("w.csv", b"id,date,timezone\n"),
        ("w.csv", b"id,date,timezone"),
        ("w.json", b"[]"),
        ("w.json", b'{"weddings": []}'),
        ("w.json", b' { "weddings" : [ ] } '),
        ("w.jsonl", b"\n"),
        ("w.ndjson", b"\r\n\r\n"),
    ],
)
def test_no_wedding_is_a_calendar_with_a_warning(tmp_path: Path, name: str, data: bytes) -> None:
    calendar = loaded(tmp_path, name, data)
    assert calendar.calendar.weddings == 0
    (warning,) = calendar.warnings
    assert warning.message == "there is no wedding at all"


def test_only_cancelled_weddings_are_a_warning(tmp_path: Path) -> None:
    calendar = loaded(tmp_path, "w.csv", as_csv([row(status="cancelled")]))
    assert (calendar.calendar.weddings, calendar.calendar.presence) == (0, {})
    assert [warning.message for warning in calendar.warnings] == ["all 1 weddings are cancelled"]
    assert loaded(tmp_path, "v.csv", as_csv([row()])).warnings == ()


def test_ids_are_unique_over_all_files(tmp_path: Path) -> None:
    paths = [
        written(tmp_path, "a.csv", as_csv([row("5"), row("7")])),
        written(tmp_path, "b.json", as_json([row(6), row(7)])),
        written(tmp_path, "c.jsonl", as_jsonl([row("07"), row("7")])),
    ]
    with pytest.raises(InputError) as raised:
        read_calendars(paths, LOAD)
    assert [(each.file, each.line, each.field) for each in raised.value.problems] == [
        (str(paths[1]), 1, "id"),
        (str(paths[2]), 2, "id"),
    ]
    for problem in raised.value.problems:
        assert f"first in {paths[0]}:3" in problem.message


def test_the_importer_gives_good_rows_and_then_tells_of_bad_ones(tmp_path: Path) -> None:
    path = written(tmp_path, "w.csv", as_csv([row("a"), row("b", days="x"), row("c"), row("a")]))
    given_: list[str] = []
    with pytest.raises(InputError) as raised:
        given_.extend(each.id for each in read_rows([path], LOAD))
    assert given_ == ["a", "c"]
    assert [problem.line for problem in raised.value.problems] == [3, 5]


def test_without_a_policy_any_culture_is_imported(tmp_path: Path) -> None:
    path = written(tmp_path, "w.csv", as_csv([row(culture="elvish")]))
    assert [each.culture for each in read_rows([path])] == ["elvish"]
    with pytest.raises(InputError):
        list(read_rows([path], LOAD))


def test_stored_weddings_that_are_not_known_any_more_are_told() -> None:
    stored = [
        WeddingRow(id="a", date=date(2026, 6, 13), timezone="Europe/London", culture="elvish"),
        WeddingRow(id="b", date=date(2026, 6, 13), timezone="Europe/Londinium"),
        WeddingRow(id="c", date=date(2026, 6, 13), timezone="Europe/London"),
    ]
    with pytest.raises(InputError) as raised:
        calendar_from_rows(stored, LOAD)
    assert [problem.field for problem in raised.value.problems] == ["culture", "timezone"]
    assert "wedding 'a'" in raised.value.problems[0].message
    assert calendar_from_rows(stored[2:], LOAD).weddings == 1


def test_progress_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gate.calendars.reading.PROGRESS_ROWS", 4)
    rows = [row(f"w{number}") for number in range(10)]
    paths = [
        written(tmp_path, "a.csv", as_csv(rows[:6])),
        written(tmp_path, "b.csv", as_csv(rows[6:])),
    ]
    told: list[int] = []
    assert read_calendars(paths, LOAD, told.append).calendar == expected(rows)
    assert told == [4, 6, 10]


def test_cells_longer_than_the_csv_module_reads(tmp_path: Path) -> None:
    long = 'a"b,' * (csv.field_size_limit() // 4 + 10)
    rows = [row("a", **{"x-note": long}), row("b", venue="palace")]
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL)
    writer.writerow(["id", "date", "x-note", "timezone", "venue"])
    for each in rows:
        writer.writerow([each["id"], each["date"], each.get("x-note", ""), each["timezone"],
                         each.get("venue", "")])  # fmt: skip
    assert loaded(tmp_path, "w.csv", text.getvalue().encode()).calendar == expected(rows)


def test_what_never_recurs_is_not_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With no room to remember anything the answer is the same."""
    monkeypatch.setattr("gate.calendars.compiling._MOST_REMEMBERED", 1)
    rows = [
        row(f"w{number}", venue=f"venue {number % 3}", guests=number % 5 + 1, days=number % 4 + 1)
        for number in range(40)
    ]
    assert loaded(tmp_path, "w.csv", as_csv(rows)).calendar == expected(rows)
