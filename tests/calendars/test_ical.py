"""iCalendar exports as wedding calendars."""

import sys
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gate.calendars import WeddingRow, read_rows
from gate.core.problems import InputError
from tests.calendars.files import LOAD, loaded, places, problems_of, rows_of, written

START = "DTSTART;TZID=Europe/London:20260613T140000"
END = "DTEND;TZID=Europe/London:20260613T230000"


def ics(*events: list[str], end: str = "\r\n") -> bytes:
    """A calendar of events, each given by its lines; the first event's BEGIN is line 4."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//tests//EN"]
    for event in events:
        lines += ["BEGIN:VEVENT", *event, "END:VEVENT"]
    return (end.join([*lines, "END:VCALENDAR"]) + end).encode()


def one(folder: Path, *lines: str) -> WeddingRow:
    """The wedding of a single event in London with further lines."""
    (wedding,) = rows_of(folder, "w.ics", ics(["UID:a@x", START, *lines]))
    return wedding


def starts(rows: list[WeddingRow]) -> list[tuple[str, str]]:
    return [(each.id, str(each.date)) for each in rows]


def test_an_event_is_a_wedding(tmp_path: Path) -> None:
    event = [
        "UID:a@x", START, END, "SUMMARY:Ana & Bo", "CATEGORIES:Wedding,Indian,palace",
        "CATEGORIES:guests=250", "X-GATE-SETTING:outdoor", "X-GATE-COUNTRY:GB",
        "GEO:51.5;-0.13", "STATUS:TENTATIVE", "X-GATE-BOOKED-AT:2025-11-24T10:00:00Z",
    ]  # fmt: skip
    assert rows_of(tmp_path, "w.ics", ics(event)) == [
        WeddingRow(
            id="a@x",
            date=date(2026, 6, 13),
            timezone="Europe/London",
            days=1,
            culture="indian",
            guests=250,
            venue="palace",
            setting="outdoor",
            country="GB",
            latitude=51.5,
            longitude=-0.13,
            status="tentative",
            booked_at="2025-11-24T10:00:00Z",
        )
    ]
    assert loaded(tmp_path, "w.ics", ics(event)).kinds == ("ics",)


def test_without_an_end_the_culture_says_the_days(tmp_path: Path) -> None:
    wedding = one(tmp_path, "CATEGORIES:Indian")
    assert (wedding.culture, wedding.days, wedding.guests) == ("indian", None, None)


@pytest.mark.parametrize(
    ("end", "days"),
    [
        ("DTEND;TZID=Europe/London:20260614T000000", 1),
        ("DTEND;TZID=Europe/London:20260614T000001", 2),
        ("DTEND;TZID=Asia/Kolkata:20260614T043000", 1),
        ("DTEND;TZID=Asia/Kolkata:20260614T043001", 2),
        ("DTEND:20260613T230000Z", 1),
        ("DTEND:20260613T230001Z", 2),
        ("DURATION:PT10H", 1),
        ("DURATION:P2DT10H0M1S", 4),
        ("DURATION:P1W", 8),
        ("DTEND;TZID=Europe/London:20260613T140000", None),
        ("X-GATE-DAYS:5", 5),
    ],
)
def test_the_days_are_the_local_dates_that_it_touches(
    tmp_path: Path, end: str, days: int | None
) -> None:
    assert one(tmp_path, end).days == days


def test_a_date_needs_a_zone_beside_it(tmp_path: Path) -> None:
    event = ["UID:a", "DTSTART;VALUE=DATE:20260613", "X-GATE-TIMEZONE:Asia/Kolkata"]
    (wedding,) = rows_of(tmp_path, "w.ics", ics(event))
    assert (wedding.date, wedding.timezone, wedding.days) == (date(2026, 6, 13), "Asia/Kolkata", 1)
    (wedding,) = rows_of(tmp_path, "w.ics", ics([*event, "DTEND;VALUE=DATE:20260616"]))
    assert wedding.days == 3


def test_an_own_zone_moves_the_local_date(tmp_path: Path) -> None:
    event = ["UID:a", "DTSTART:20260612T183000Z", "DTEND:20260613T183000Z"]
    own = [*event, "X-GATE-TIMEZONE:Asia/Kolkata"]
    (wedding,) = rows_of(tmp_path, "w.ics", ics(own))
    assert (wedding.date, wedding.timezone, wedding.days) == (date(2026, 6, 13), "Asia/Kolkata", 1)


@pytest.mark.parametrize(
    ("written_", "key"),
    [
        ("GMT Standard Time", "Europe/London"),
        ("India Standard Time", "Asia/Calcutta"),
        ('"Eastern Standard Time"', "America/New_York"),
        ("/freeassociation.sourceforge.net/Europe/London", "Europe/London"),
        ("/citadel.org/20210210_1/America/Argentina/Salta", "America/Argentina/Salta"),
        ("Etc/UTC", "Etc/UTC"),
        ("UTC", "UTC"),
    ],
)
def test_zones_by_other_names(tmp_path: Path, written_: str, key: str) -> None:
    event = ["UID:a", f"DTSTART;TZID={written_}:20260613T140000"]
    (wedding,) = rows_of(tmp_path, "w.ics", ics(event))
    assert wedding.timezone == key


def test_lines_are_unfolded_and_texts_unescaped(tmp_path: Path) -> None:
    event = ["UID:a\\, b", "DTSTART;TZID=Europe", " /London:20260613T1", "\t40000",
             "x-gate-venue:pal", " ace", "CATEGORIES:a\\,b,Ind", " ian"]  # fmt: skip
    for end in ("\r\n", "\n"):
        (wedding,) = rows_of(tmp_path, "w.ics", ics(event, end=end))
        assert (wedding.id, wedding.venue, wedding.culture) == ("a, b", "palace", "indian")


def test_parts_of_an_event_are_not_its_own(tmp_path: Path) -> None:
    alarm = ["BEGIN:VALARM", "UID:other", "DTSTART:broken", "END:VALARM"]
    assert one(tmp_path, *alarm).id == "a@x"
    todo = b"BEGIN:VTODO\r\nUID:t\r\nEND:VTODO\r\n"
    data = ics(["UID:a", START]).replace(b"BEGIN:VEVENT", todo + b"BEGIN:VEVENT")
    assert len(rows_of(tmp_path, "w.ics", data)) == 1


def test_a_cancelled_event_counts_nowhere(tmp_path: Path) -> None:
    calendar = loaded(tmp_path, "w.ics", ics(["UID:a", START, "STATUS:CANCELLED"])).calendar
    assert calendar.weddings == 0


def test_a_series_is_a_wedding_an_occurrence(tmp_path: Path) -> None:
    series = [
        "UID:s", START, END, "RRULE:FREQ=WEEKLY;COUNT=4", "CATEGORIES:greek",
        "EXDATE;TZID=Europe/London:20260620T140000", "RDATE;TZID=Europe/London:20260701T140000",
    ]  # fmt: skip
    moved = ["UID:s", "RECURRENCE-ID;TZID=Europe/London:20260627T140000",
             "DTSTART;TZID=Europe/London:20260628T140000", "X-GATE-CULTURE:indian"]  # fmt: skip
    off = ["UID:s", "RECURRENCE-ID;TZID=Europe/London:20260704T140000",
           "DTSTART;TZID=Europe/London:20260704T140000", "STATUS:CANCELLED"]  # fmt: skip
    rows = rows_of(tmp_path, "w.ics", ics(series, moved, off))
    assert sorted(starts(rows)) == [
        ("s/2026-06-13", "2026-06-13"),
        ("s/2026-06-27", "2026-06-28"),
        ("s/2026-07-01", "2026-07-01"),
        ("s/2026-07-04", "2026-07-04"),
    ]
    by_id = {each.id: each for each in rows}
    assert by_id["s/2026-06-13"].culture == "greek"
    assert (by_id["s/2026-06-27"].culture, by_id["s/2026-06-27"].days) == ("indian", None)
    assert by_id["s/2026-07-04"].status == "cancelled"


@pytest.mark.parametrize(
    ("until", "count"),
    [
        ("20260627", 3),
        ("20260627T130000Z", 3),
        ("20260627T125959Z", 2),
        ("20260627T140000", 3),
    ],
)
def test_the_end_of_a_series_is_read_in_its_zone(tmp_path: Path, until: str, count: int) -> None:
    """14:00 in London in June is 13:00 in UTC."""
    event = ["UID:s", START, f"RRULE:FREQ=WEEKLY;UNTIL={until}"]
    assert len(rows_of(tmp_path, "w.ics", ics(event))) == count


def test_a_series_of_dates(tmp_path: Path) -> None:
    event = ["UID:s", "DTSTART;VALUE=DATE:20260613", "X-GATE-TIMEZONE:Pacific/Apia",
             "RRULE:FREQ=YEARLY;UNTIL=20280613T000000Z", "EXDATE;VALUE=DATE:20270613"]  # fmt: skip
    rows = rows_of(tmp_path, "w.ics", ics(event))
    assert starts(rows) == [("s/2026-06-13", "2026-06-13"), ("s/2028-06-13", "2028-06-13")]
    assert {each.days for each in rows} == {1}


def test_a_changed_occurrence_in_another_zone(tmp_path: Path) -> None:
    series = ["UID:s", START, END, "RRULE:FREQ=WEEKLY;COUNT=2"]
    moved = ["UID:s", "RECURRENCE-ID;TZID=Europe/London:20260620T140000",
             "DTSTART;TZID=Asia/Tokyo:20260620T020000", "DURATION:PT4H"]  # fmt: skip
    rows = {each.id: each for each in rows_of(tmp_path, "w.ics", ics(series, moved))}
    there = rows["s/2026-06-20"]
    assert (there.timezone, there.date, there.days) == ("Asia/Tokyo", date(2026, 6, 20), 1)


def test_a_change_from_one_occurrence_on(tmp_path: Path) -> None:
    series = ["UID:s", START, END, "RRULE:FREQ=DAILY;COUNT=4"]
    later = ["UID:s", "RECURRENCE-ID;RANGE=THISANDFUTURE;TZID=Europe/London:20260615T140000",
             "DTSTART;TZID=Europe/London:20260616T140000", "DURATION:PT1H"]  # fmt: skip
    rows = rows_of(tmp_path, "w.ics", ics(series, later))
    assert [date_ for _, date_ in starts(rows)] == [
        "2026-06-13", "2026-06-14", "2026-06-16", "2026-06-17",
    ]  # fmt: skip


def test_more_dates_than_a_series_may_have(tmp_path: Path) -> None:
    dates = ",".join(f"{date(2026, 6, 13) + timedelta(days=day):%Y%m%d}" for day in range(1, 1001))
    event = ["UID:s", "DTSTART;VALUE=DATE:20260613", "X-GATE-TIMEZONE:UTC", f"RDATE:{dates}"]
    assert places(problems_of(tmp_path, "w.ics", ics(event))) == [(8, "RDATE")]


def test_a_series_that_the_library_does_not_understand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def raising(*_: object) -> None:
        raise KeyError("whatever")

    monkeypatch.setattr("recurring_ical_events.of", raising)
    event = ["UID:s", START, "RRULE:FREQ=DAILY;COUNT=2"]
    (problem,) = problems_of(tmp_path, "w.ics", ics(event))
    assert (problem.line, problem.field) == (7, "RRULE")
    assert "cannot be read" in problem.message


# name, lines of the first event, places of the problems (its BEGIN is line 4), part of a message
BAD = [
    ("no UID", [START], [(4, "UID")], "is missing"),
    ("an empty UID", ["UID:", START], [(4, "UID")], "is missing"),
    ("no DTSTART", ["UID:a"], [(4, "DTSTART")], "is missing"),
    ("no zone", ["UID:a", "DTSTART:20260613T140000"], [(6, "DTSTART")], "has no time zone"),
    ("a date alone", ["UID:a", "DTSTART;VALUE=DATE:20260613"], [(6, "DTSTART")], "no time zone"),
    ("UTC", ["UID:a", "DTSTART:20260613T140000Z"], [(6, "DTSTART")], "is in UTC"),
    ("unknown zone", ["UID:a", "DTSTART;TZID=Mars/Base:20260613T140000"], [(6, "DTSTART")],
     "is no known time zone"),
    ("no time", ["UID:a", "DTSTART;TZID=UTC:tomorrow"], [(6, "DTSTART")], "is no date or time"),
    ("no such day", ["UID:a", "DTSTART;TZID=UTC:20260230T140000"], [(6, "DTSTART")],
     "does not exist"),
    ("a year too far", ["UID:a", "DTSTART;TZID=UTC:22260213T140000"], [(6, "DTSTART")], "outside"),
    ("the first year", ["UID:a", "DTSTART;TZID=Asia/Tokyo:00010101T000000", "X-GATE-TIMEZONE:UTC"],
     [(6, "DTSTART")], "outside"),
    ("the last year", ["UID:a", "DTSTART:99991231T230000Z", "X-GATE-TIMEZONE:Asia/Tokyo"],
     [(6, "DTSTART")], "outside"),
    ("the longest duration", ["UID:a", START, "DURATION:P9999W"], [(4, "days")], "not within"),
    ("a series that ends before it starts", ["UID:a", START, "DTEND:20260601T140000Z",
     "RRULE:FREQ=DAILY;COUNT=3"], [(7, "DTEND")], "lies before DTSTART"),
    ("a series until the last year", ["UID:a", START, "RRULE:FREQ=YEARLY;UNTIL=99991231"],
     [(7, "RRULE")], "outside"),
    ("end before start", ["UID:a", START, "DTEND;TZID=Europe/London:20260612T140000"],
     [(7, "DTEND")], "lies before DTSTART"),
    ("too long", ["UID:a", START, "DURATION:P40D"], [(4, "days")], "is not within 1 to 31"),
    ("a negative duration", ["UID:a", START, "DURATION:-PT1H"], [(7, "DURATION")],
     "is no duration"),
    ("twice", ["UID:a", START, "UID:b"], [(7, "UID")], "stands twice"),
    ("a misspelt property", ["UID:a", START, "X-GATE-GUEST:5"], [(7, "X-GATE-GUEST")],
     "is no property"),
    ("bad guests", ["UID:a", START, "X-GATE-GUESTS:many"], [(4, "guests")], "whole number"),
    ("two cultures", ["UID:a", START, "CATEGORIES:Indian,Greek"], [(7, "CATEGORIES")],
     "names two of culture"),
    ("unknown culture", ["UID:a", START, "CATEGORIES:culture=elvish"], [(4, "culture")],
     "is no culture"),
    ("bad status", ["UID:a", START, "STATUS:MAYBE"], [(4, "status")], "is no status"),
    ("half a place", ["UID:a", START, "GEO:51.5"], [(7, "GEO")], "is no place"),
    ("a place off the globe", ["UID:a", START, "GEO:91;0"], [(4, "latitude")], "not within"),
    ("no content line", ["UID:a", START, "SUMMARY"], [(7, None)], "is no content line"),
    ("NUL", ["UID:a", START, "SUMMARY:\0"], [(7, "SUMMARY")], "NUL"),
    ("endless", ["UID:a", START, "RRULE:FREQ=WEEKLY"], [(7, "RRULE")], "recurs without end"),
    ("too often", ["UID:a", START, "RRULE:FREQ=DAILY;COUNT=1001"], [(7, "RRULE")],
     "recurs more than 1000 times"),
    ("every second", ["UID:a", START, "RRULE:FREQ=SECONDLY;COUNT=5"], [(7, "RRULE")], "FREQ"),
    ("no rule", ["UID:a", START, "RRULE:daily"], [(7, "RRULE")], "is not a part"),
    ("never", ["UID:a", START, "RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30;COUNT=3"],
     [(7, "RRULE")], "has no occurrence"),
    ("exrule", ["UID:a", START, "EXRULE:FREQ=DAILY;COUNT=1"], [(7, "EXRULE")], "not accepted"),
    ("a bad exception", ["UID:a", START, "RRULE:FREQ=DAILY;COUNT=2", "EXDATE:soon"],
     [(8, "EXDATE")], "is no date or time"),
]  # fmt: skip


@pytest.mark.parametrize(("case", "event", "where", "message"), BAD, ids=[case[0] for case in BAD])
def test_bad_events(
    tmp_path: Path,
    case: str,
    event: list[str],
    where: list[tuple[int | None, str | None]],
    message: str,
) -> None:
    problems = problems_of(tmp_path, "w.ics", ics(event, ["UID:other", START]))
    assert places(problems) == where, case
    assert message in problems[0].message


def test_a_uid_used_twice(tmp_path: Path) -> None:
    problems = problems_of(tmp_path, "w.ics", ics(["UID:a", START], ["UID:a", START]))
    assert places(problems) == [(8, "id")]


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (b"", None),
        (b"id,date,timezone\n", 1),
        (b"BEGIN:VEVENT\nEND:VEVENT\n", 1),
        (b"BEGIN:VCALENDAR\nBEGIN:VEVENT\n", None),
        (b"BEGIN:VCALENDAR\nBEGIN:VEVENT\nEND:VCALENDAR\nEND:VEVENT\n", 3),
        (b"BEGIN:VCALENDAR\nEND:VCALENDAR\nMORE:1\n", 3),
        (b"BEGIN:VCALENDAR\nEND:VCALENDAR\nEND:VCALENDAR\n", 3),
    ],
)
def test_what_is_no_icalendar(tmp_path: Path, data: bytes, line: int | None) -> None:
    assert places(problems_of(tmp_path, "w.ics", data)) == [(line, None)]


def test_calendars_one_after_another(tmp_path: Path) -> None:
    data = ics(["UID:a", START]) + ics(["UID:b", START])
    assert [each.id for each in rows_of(tmp_path, "w.ics", data)] == ["a", "b"]


def test_not_utf_8_is_told_with_its_line(tmp_path: Path) -> None:
    data = ics(["UID:a", START, "SUMMARY:caf*"]).replace(b"*", b"\xe9")
    assert places(problems_of(tmp_path, "w.ics", data)) == [(7, "SUMMARY")]


def test_an_empty_calendar_is_valid(tmp_path: Path) -> None:
    assert len(loaded(tmp_path, "w.ics", b"\xef\xbb\xbf" + ics()).warnings) == 1


def test_without_a_policy_categories_name_their_field(tmp_path: Path) -> None:
    event = ["UID:a", START, "CATEGORIES:Indian,Culture: greek ,venue=palace"]
    (wedding,) = read_rows([written(tmp_path, "w.ics", ics(event))])
    assert (wedding.culture, wedding.venue) == ("greek", "palace")


def test_without_the_extra_it_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "recurring_ical_events", None)
    path = written(tmp_path, "w.ics", ics(["UID:a", START]))
    with pytest.raises(InputError, match="needs the extra `ical`"):
        list(read_rows([path], LOAD))


def test_too_large_a_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gate.calendars.ical_rows.MAX_ICS_BYTES", 50)
    (problem,) = problems_of(tmp_path, "w.ics", ics(["UID:a", START]))
    assert problem.mend == "export it as CSV"


PIECES = [
    "UID:a",
    "UID:b",
    START,
    END,
    "DTSTART:20260613",
    "RRULE:FREQ=DAILY;COUNT=3",
    "RDATE:1",
    "RRULE:FREQ=MONTHLY;BYDAY=1SA;COUNT=2",
    "EXDATE;TZID=UTC:20260613T130000Z",
    "DURATION:P1D",
    "RECURRENCE-ID;TZID=Europe/London:20260614T140000",
    "BEGIN:VEVENT",
    "END:VEVENT",
    "BEGIN:VALARM",
    "END:VALARM",
    "END:VCALENDAR",
    "CATEGORIES:a,,indian",
    " folded",
    "GEO:;",
    "RECURRENCE-ID;RANGE=THISANDFUTURE;TZID=Europe/London:20260614T140000",
    "RDATE;VALUE=PERIOD:20260613T130000Z/PT1H",
    "DTSTART;VALUE=DATE:20260613",
    "X-GATE-TIMEZONE:Asia/Tokyo",
    ";=:",
    "\\",
]


@settings(max_examples=150)
@given(lines=st.lists(st.lists(st.sampled_from(PIECES), max_size=8), max_size=3))
def test_any_lines_get_an_answer(
    tmp_path_factory: pytest.TempPathFactory, lines: list[list[str]]
) -> None:
    path = written(tmp_path_factory.getbasetemp(), "any.ics", ics(*lines))
    try:
        rows = list(read_rows([path], LOAD))
    except InputError as error:
        assert error.problems  # noqa: PT017
    else:
        assert len({each.id for each in rows}) == len(rows)
