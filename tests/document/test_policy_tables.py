import pytest

from tests.document.bad_syntax import BAD_SYNTAX
from tests.document.bad_values import BAD_VALUES
from tests.document.documents import fields, policy
from tests.document.good_documents import GOOD, text_of

BAD = {**BAD_SYNTAX, **BAD_VALUES}


@pytest.mark.parametrize("name", GOOD)
def test_a_good_document_is_read(name: str) -> None:
    assert policy(text_of(GOOD[name])).timezone in {"Europe/London", "UTC"}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_document_is_refused_with_line_and_path(name: str) -> None:
    text, expected = BAD[name]
    assert fields(text_of(text)) == expected


def test_all_problems_are_reported_at_once_in_the_order_of_lines() -> None:
    text = """version: 1
timezone: Europe/Londn
windows:
  - name: a
    rrule: FREQ=HOURLY
    days: 0
  - name: a
    start: 2026-01-01T00:00
    end: ~
mode: warning
load:
  capacity: {floor: 60}
  hours: {8: 1, 8: 1}
"""
    assert fields(text) == [
        (2, "timezone"),
        (5, "windows[0].rrule"),
        (6, "windows[0].days"),
        (7, "windows[1].name"),
        (9, "windows[1].end"),
        (10, "mode"),
        (12, "load.capacity.high"),
        (13, "load.hours.8"),
        (13, "load.hours"),
    ]
