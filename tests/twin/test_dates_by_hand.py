"""Local times and rules of the twin against answers by hand and the examples of RFC 5545."""

from datetime import UTC, date, datetime

import pytest

from tests.twin.rules import dates_by_dateutil, dates_by_definition
from tests.twin.zones import readings


def test_monrovia_before_1972_was_behind_by_44_minutes_and_30_seconds() -> None:
    assert readings("Africa/Monrovia", datetime(1971, 6, 5))[0] == datetime(  # noqa: DTZ001
        1971, 6, 5, 0, 44, 30, tzinfo=UTC
    )


@pytest.mark.parametrize(
    ("rule", "since", "expected"),
    [
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=SU,TU;WKST=MO;COUNT=4", "1997-08-05", [5, 10, 19, 24]),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=SU,TU;WKST=SU;COUNT=4", "1997-08-05", [5, 17, 19, 31]),
        ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", "1997-08-05", [29]),
        ("FREQ=MONTHLY;BYDAY=-1FR,2TU", "1997-08-13", [29]),
        ("FREQ=DAILY;UNTIL=19970806T000000Z", "1997-08-05", [5, 6]),
        ("FREQ=YEARLY;BYWEEKNO=33;BYDAY=MO", "1997-08-05", [11]),
    ],
)
def test_rules_in_august_1997(rule: str, since: str, expected: list[int]) -> None:
    last = date(1997, 8, 31)
    days = [date(1997, 8, day) for day in expected]
    assert list(dates_by_definition(rule, date.fromisoformat(since), last)) == days
    assert dates_by_dateutil(rule, date.fromisoformat(since), last) == days
