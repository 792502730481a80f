"""Recurrence rules: the product's dates, those of ``dateutil`` and those of RFC 5545's words."""

from datetime import date, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gate.core.rrule import parse_rule
from tests.property.effort import examples
from tests.property.foci import FOCI
from tests.property.rules import recurrences, wild_rules
from tests.twin.rules import dates_by_dateutil, dates_by_definition, dateutil_follows

RULES = st.sampled_from(FOCI).flatmap(lambda focus: recurrences(focus[1]))


@examples(0.4)
@given(RULES)
def test_three_readings_agree(recurrence: tuple[str, date | None]) -> None:
    rule, given_since = recurrence
    since = given_since or date(2000, 1, 1)
    last = since + timedelta(days=3000)
    by_words = list(dates_by_definition(rule, since, last))
    if dateutil_follows(rule):
        assert dates_by_dateutil(rule, since, last) == by_words
    assert list(parse_rule(rule, since).dates(since, last)) == by_words


@examples(0.4)
@given(wild_rules(), st.dates(date(1995, 1, 1), date(2030, 1, 1)))
def test_any_rule_means_what_the_standard_says(rule: str, since: date) -> None:
    last = since + timedelta(days=1500)
    by_words = list(dates_by_definition(rule, since, last))
    # A rule may have its first occurrence later, or none; both are refused or empty elsewhere.
    assume(by_words)
    if dateutil_follows(rule):
        assert dates_by_dateutil(rule, since, last) == by_words
    assert list(parse_rule(rule, since).dates(since, last)) == by_words


@examples(0.4)
@given(RULES, st.integers(0, 3000), st.integers(0, 400))
def test_a_part_of_the_range_gives_that_part_of_the_dates(
    recurrence: tuple[str, date | None], skipped: int, length: int
) -> None:
    text, given_since = recurrence
    rule = parse_rule(text, given_since or date(2000, 1, 1))
    first = rule.since + timedelta(days=skipped)
    last = first + timedelta(days=length)
    whole = rule.dates(rule.since - timedelta(days=9), last)
    assert rule.dates(first, last) == [day for day in whole if day >= first]


@pytest.mark.parametrize(
    ("text", "since"),
    [
        ("FREQ=MONTHLY;BYDAY=MO,1FR", "2026-01-01"),
        ("FREQ=YEARLY;BYDAY=1MO,WE;BYMONTH=6", "2026-01-01"),
        ("FREQ=WEEKLY;BYDAY=MO,FR;BYSETPOS=1", "2026-06-10"),
        ("FREQ=YEARLY;BYWEEKNO=53;BYDAY=SA", "2010-06-01"),
    ],
)
def test_where_dateutil_leaves_the_words_of_the_standard(text: str, since: str) -> None:
    assert not dateutil_follows(text)
    start = date.fromisoformat(since)
    last = start + timedelta(days=400)
    by_words = list(dates_by_definition(text, start, last))
    assert dates_by_dateutil(text, start, last) != by_words
    assert list(parse_rule(text, start).dates(start, last)) == by_words
