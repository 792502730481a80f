"""What the author of a bad document reads: what is wrong, and how to mend it."""

import pytest

from tests.document.documents import HEAD, problems


def only(text: str) -> str:
    ((_, _, message),) = problems(HEAD + text)
    return message


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("windws: []\n", "did you mean `windows`?"),
        ("zzz: 1\n", "known here are `version`, `name`, `timezone`"),
        ("Mode: warn\n", "did you mean `mode`?"),
        ("mode: enforced\n",
         "must be `enforce` or `warn`, not 'enforced' (did you mean `enforce`?)"),
        ("mode: [warn]\n", "must be `enforce` or `warn`, not a list"),
        ("name: 7\n", "must be text, not a whole number (put it in quotes)"),
        ("name: true\n", "must be text, not true (put it in quotes)"),
        ("lead: 2\n", "must be text, not a whole number (put it in quotes)"),
        ("lead: 2 hours\n", "is not a duration (write 0s, 45m, 2h, 1d or PT2H)"),
        ("override: {approvals: 1.0}\n", "write it without a point and without an exponent"),
        ('override: {approvals: "1"}\n',
         "must be a whole number, not text (write it without quotes)"),
        ("override: {automation: no}\n",
         "must be true or false, not text (write it without quotes)"),
        ("override: {roles: boss}\n", "must be a list, not text (write it as [a, b])"),
        ("override: boss\n", "must be a mapping, not text"),
        ("load: {venues: []}\n", "must be a mapping, not a list"),
        ("load: {saturday: x}\n", "must be a number, not text"),
        ("load: {season: {south: [13]}}\n", "must be 12 or less"),
        ("load: {cultures: {greek: {factr: 1}}}\n", "did you mean `factor`?"),
        ("load: {cultures: {8: {factor: 1, guests: 1, days: 1}}}\n",
         "is a whole number as a key (put the key in quotes)"),
        ("load: {capacity: {floor: 40}}\n", "is 35, below `floor`, which is 40 (write 40 or more)"),
        ("actions: {scaleup: {}}\n", "did you mean `scale-up`?"),
        ("actions: {deploy: {lead: {humans: deny}}}\n", "did you mean `human`?"),
        ("windows: [{name: a, rule: FREQ=DAILY, rrule: FREQ=DAILY}]\n", "did you mean `rrule`?"),
        ("windows: [{name: a, start: 2026-01-01T00:00:00Z, end: 2026-01-02T00:00}]\n",
         "mixes local times with instants in one window (write both with an offset, or none)"),
        ("windows: [{name: a, rrule: FREQ=DAILY, end: 2026-01-02T00:00}]\n",
         "does not stand beside `rrule`"),
        ("windows: [{name: a, rrule: FREQ=DAILY, zones: [Europe/Pariss]}]\n",
         "did you mean `Europe/Paris`?"),
        ("windows: [{name: a, rrule: FREQ=DAILY, zones: [venue]}]\n", "did you mean `venues`?"),
        ("windows: [{name: a, start: 2026-01-01T00:00, end: 2026-01-02T00:00, zones: [venues]}]\n",
         "`venues` is only for recurring windows"),
        ("windows: [{name: a, rrule: FREQ=DAILY, zones: [5]}]\n", "must be text"),
        ("exempt: ['']\n", "is empty (write some text, or leave it out)"),
    ],
)  # fmt: skip
def test_a_message_says_what_and_how(text: str, words: str) -> None:
    assert words in only(text)


def test_text_of_the_document_is_not_read_as_a_template() -> None:
    assert "'{0} {x}'" in only("windows: [{name: a, rrule: FREQ=DAILY, since: '{0} {x}'}]\n")


def test_long_texts_are_cut() -> None:
    long = "x" * 10_000
    for text in (f"{long}: 1\n", f"mode: {long}\n", f"lead: {long}\n", f"name: *{long}\n"):
        assert len(only(text)) < 400


def test_at_most_a_hundred_problems_are_listed_and_the_others_counted() -> None:
    found = problems(HEAD + "".join(f"key{number}: 1\n" for number in range(250)))
    assert len(found) == 101
    assert found[99][:2] == (102, "key99")
    assert found[100] == (None, None, "and 150 more problems")


def test_a_limit_is_reported_with_line_and_path() -> None:
    deep = "[" * 60 + "]" * 60
    ((line, field, message),) = problems(f"{HEAD}load:\n  venues:\n    {deep}\n")
    assert (line, field) == (5, "load.venues" + "[0]" * 48)
    assert "50 levels" in message
