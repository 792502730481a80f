"""Plain scalars mean what the core schema of YAML 1.2 says, not what YAML 1.1 said."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.document.documents import as_json, policy, problems, window, with_head


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", "1"),
        ("+1", "1"),
        ("012", "12"),
        ("0o17", "15"),
        ("0x1F", "31"),
        (".5", "0.5"),
        ("5.", "5"),
        ("1e3", "1000"),
        ("1E+3", "1000"),
        ("+12.5e-1", "1.25"),
        ("0.1", "0.1"),
        ("1e-400", "1e-400"),
        ("-0", "0"),
        ("0.0e999", "0"),
    ],
)
def test_numbers(text: str, value: str) -> None:
    assert with_head(f"load: {{saturday: {text}}}").load.saturday == Fraction(value)


@pytest.mark.parametrize(
    "text",
    [
        "NO", "yes", "on", "y", "nUll", "tRue", "2026-08-15", "2026-08-15T12:00:00Z", "12:30:00",
        "1_000", "0b11", "0o8", "-0x1F", "0X1F", "1e", "e3", ".", "..", "+", "-x", "1.2.3", ".Nan",
        "+.nan", "NaN", "Infinity", "<<", "=", "1,000", "8080/tcp",
    ],
)  # fmt: skip
def test_text(text: str) -> None:
    assert with_head(f"name: {text}\n").name == text


@pytest.mark.parametrize("text", ["true", "True", "TRUE"])
def test_true(text: str) -> None:
    assert with_head(f"override: {{automation: {text}}}").override.automation is True


@pytest.mark.parametrize("text", ["false", "False", "FALSE"])
def test_false(text: str) -> None:
    assert with_head(f"override: {{automation: {text}}}").override.automation is False


@pytest.mark.parametrize("text", ["null", "Null", "NULL", "~", ""])
def test_null(text: str) -> None:
    ((line, field, message),) = problems(f"version: 1\ntimezone: UTC\nname: {text}\n")
    assert (line, field) == (3, "name")
    assert message.startswith("is null")


@pytest.mark.parametrize("quoted", ['"null"', "'~'", '"1"', "'true'", "|-\n  1", ">-\n  .nan"])
def test_what_is_quoted_is_text(quoted: str) -> None:
    assert with_head(f"name: {quoted}\n").name in {"null", "~", "1", "true", ".nan"}


def test_times_of_day_and_dates_are_text_in_flow_style_too() -> None:
    assert window("rrule: FREQ=DAILY, since: 2026-01-01, from: 09:30, to: 12:00").when


def test_norway_is_a_country() -> None:
    season = with_head("load: {season: {countries: {NO: [6]}}}").load.season
    assert season.countries["NO"] == (6,)


@given(
    st.decimals(min_value=0, max_value=10**9, allow_nan=False, places=None).filter(
        lambda number: len(str(number)) <= 40 and (not number or number >= 1e-300)
    )
)
def test_every_number_is_the_decimal_that_is_written(number: object) -> None:
    exact = Fraction(str(number))
    assert with_head(f"load: {{saturday: {number}}}").load.saturday == exact
    as_text = as_json(load={"saturday": "NUMBER"}).replace('"NUMBER"', str(number))
    assert policy(as_text).load.saturday == exact


TEXT = st.text(
    st.characters(exclude_categories=("Cs", "Cc"), include_characters="\t\n\r"), min_size=1
)


@given(TEXT)
def test_text_is_the_same_through_json_with_and_without_escapes(text: str) -> None:
    assert policy(as_json(name=text)).name == text
    assert policy('{"version":1,"timezone":"UTC","name":"' + _escaped(text) + '"}').name == text


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').translate(
        {9: "\\t", 10: "\\n", 13: "\\r"}
    )  # fmt: skip
