"""`gate policy show` loses nothing: what it prints is the same policy when read again."""

import json
from decimal import Decimal
from typing import Any

import msgspec
import yaml
from hypothesis import example, given
from msgspec.structs import replace

from gate.core.document import policy_document, policy_json, policy_warnings, read_policy
from tests.document.documents import HEAD, with_head
from tests.document.strategies import DOCUMENTS, Document


def encoded(document: Document) -> bytes:
    return msgspec.json.Encoder(decimal_format="number").encode(document)


@given(DOCUMENTS)
def test_a_shown_policy_reads_as_the_same_policy(document: Document) -> None:
    data = encoded(document)
    policy = read_policy(data, "policy.json")
    shown = policy_json(data, "policy.json").encode()
    again = read_policy(shown, "shown.json")
    assert replace(again, sha256=policy.sha256) == policy
    assert policy_json(shown, "shown.json").encode() == shown
    assert list(policy_warnings(again)) == list(policy_warnings(policy))


@given(DOCUMENTS)
@example({"version": 1, "timezone": "UTC", "name": "08"})
def test_json_and_yaml_in_block_style_are_the_same_policy(document: Document) -> None:
    data = encoded(document)
    # PyYAML knows no exact numbers, and leaves text bare that is a number in YAML 1.2 only (08).
    block = yaml.dump(_marked(document), Dumper=_Dumper, sort_keys=False).replace("NUMBER:", "")
    policy = read_policy(data, "policy.json")
    assert replace(read_policy(block.encode(), "policy.yaml"), sha256=policy.sha256) == policy


class _Quoted(str):
    __slots__ = ()


class _Dumper(yaml.SafeDumper):
    """Quotes text, so that it is text to every reader."""


_Dumper.add_representer(
    _Quoted, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"')
)


def _marked(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _marked(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_marked(item) for item in value]
    if isinstance(value, Decimal):
        return f"NUMBER:{value}"
    return _Quoted(value) if isinstance(value, str) else value


def test_the_document_is_plain_data() -> None:
    document = policy_document((HEAD + "load: {saturday: 0.1}\n").encode(), "policy.yaml")
    assert json.loads(json.dumps(document)) == document
    assert document["load"]["saturday"] == 0.1
    assert document["load"]["cultures"]["indian"] == {"factor": 2, "guests": 600, "days": 3}
    assert list(document) == [
        "version", "timezone", "mode", "on_undecided", "lead", "windows", "level_lock", "actions",
        "override", "exempt", "identities", "github", "tokens", "load",
    ]  # fmt: skip


def test_numbers_that_no_double_holds_are_shown_exactly() -> None:
    digits = "0.12345678901234567890123456789012345678"
    document = policy_document((HEAD + f"load: {{saturday: {digits}}}\n").encode(), "policy.yaml")
    assert document["load"]["saturday"] == Decimal(digits)
    data = (HEAD + f"load: {{saturday: {digits}, venues: {{a: 123456e-300}}}}\n").encode()
    shown = policy_json(data, "policy.yaml")
    assert f'"saturday": {digits}' in shown
    assert '"a": 1.23456e-295' in shown


def test_a_number_of_forty_characters_is_shown_in_at_most_forty() -> None:
    written = "123456789012345678901234567890123456e-99"
    data = (HEAD + f"load: {{saturday: {written}}}\n").encode()
    shown = policy_json(data, "policy.yaml").encode()
    assert read_policy(shown, "shown.json").load == with_head(f"load: {{saturday: {written}}}").load


def test_durations_are_shown_in_their_largest_unit() -> None:
    def lead(text: str) -> str:
        document = policy_document((HEAD + f"lead: {text}\n").encode(), "policy.yaml")
        return str(document["lead"])

    assert [lead(text) for text in ("0d", "90s", "120m", "48h", "P1W", "PT36H", "PT90M")] == [
        "0s", "90s", "2h", "2d", "7d", "36h", "90m",
    ]  # fmt: skip
