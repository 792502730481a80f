"""The published JSON Schema agrees with the reader as far as JSON Schema can say."""

import json
from decimal import Decimal
from fractions import Fraction
from typing import Any

import jsonschema
import pytest
from hypothesis import given

from gate.core.document import policy_document, policy_schema
from gate.core.document.tree import read_tree
from tests.document.bad_values import BAD_VALUES
from tests.document.good_documents import GOOD, text_of
from tests.document.strategies import DOCUMENTS, Document
from tests.document.test_roundtrip import encoded

SCHEMA = policy_schema()
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)

# What is bad for a reason that only the reader knows: the calendar, the zones, other fields, or a
# distinction that JSON does not make.
READER_ONLY = {
    "windows of one name", "an end that is its start", "an end before its start",
    "to before from on one day", "an unknown zone of a window", "the date 2026-02-30",
    "the instant 2026-02-30T00:00:00Z", "the instant 1969-12-31T23:59:59Z",
    "the local time 2026-02-30T00:00", "a country that is none", "days: 2.0", "days: 1e1",
    "approvals with a point", "guests with a point", "a floor with a point",
    "a floor above the default high", "high above the ceiling",
    "a ceiling above the default emergency", "the duration 401d", "the duration 9601h",
    "the duration P58W", "an hour with a point",
    "a rule that ends before its start", "observed load at url: http://a:b",
    *(f"observed load with {what}" for what in (
        "max_age: 0s", "fails_after: 1m", "hold: 8d", "learned: {bounds: [2, 3]}")),
    *(name for name in BAD_VALUES if name.startswith("the rule FREQ")), "the rule BYDAY=SA",
}  # fmt: skip


def plain(text: str) -> Any:
    """The document as JSON data: parsed, but not judged."""
    return _json_value(read_tree(text.encode(), "policy.yaml").data)


def _json_value(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _json_value(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_json_value(item) for item in value]
    return float(value) if isinstance(value, Fraction) else value


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert json.loads(json.dumps(SCHEMA)) == SCHEMA


@pytest.mark.parametrize("name", GOOD)
def test_it_accepts_good_documents(name: str) -> None:
    VALIDATOR.validate(plain(text_of(GOOD[name])))


@pytest.mark.parametrize("name", BAD_VALUES)
def test_it_refuses_bad_documents_as_far_as_it_can(name: str) -> None:
    text = text_of(BAD_VALUES[name][0])
    assert VALIDATOR.is_valid(plain(text)) == (name in READER_ONLY)


@given(DOCUMENTS)
def test_it_accepts_every_valid_document_and_what_is_shown_of_it(document: Document) -> None:
    VALIDATOR.validate(json.loads(json.dumps(document, default=_float)))
    shown = policy_document(encoded(document), "policy.json")
    VALIDATOR.validate(json.loads(json.dumps(shown, default=_float)))


def _float(value: object) -> float:
    assert isinstance(value, Decimal)
    return float(value)


def test_every_property_is_described_and_defaults_are_named() -> None:
    sections = [SCHEMA, *SCHEMA["$defs"].values()]
    for section in sections:
        for name, field in section["properties"].items():
            assert field.get("description"), name
    assert SCHEMA["properties"]["lead"]["default"] == "0s"
    assert SCHEMA["required"] == ["version", "timezone"]
    assert SCHEMA["$defs"]["recurring"]["required"] == ["name", "rrule"]
    assert SCHEMA["$defs"]["recurring"]["properties"]["zones"]["default"] == ["home", "venues"]
    assert len(SCHEMA["properties"]["windows"]["items"]["oneOf"]) == 3
    assert SCHEMA["$defs"]["load"]["properties"]["saturday"]["type"] == "number"
