"""Places in a document, and the two syntaxes as one tree."""

from typing import Annotated

import pytest
from pydantic import Field

from gate.core.document.fields import Section
from gate.core.document.tree import read_tree
from gate.core.document.validate import validate
from gate.core.problems import InputError
from tests.document.documents import policy, problems

TEXT = b"a:\n  - b: 1\n    8:\n      - x\n  - [p,\n     q]\nc: &c\n  d: 2\ne:\n  *c\n"


@pytest.mark.parametrize(
    ("path", "field", "line"),
    [
        ((), None, 1),
        (("a",), "a", 1),
        (("a", 0), "a[0]", 2),
        (("a", 0, 8), "a[0].8", 3),
        (("a", 0, 8, 0), "a[0].8[0]", 4),
        (("a", 1, 1), "a[1][1]", 6),
        (("c", "d"), "c.d", 8),
        (("e",), "e", 10),
        (("e", "d"), "e.d", 8),
        (("a", 0, "new", 3), "a[0].new[3]", 2),
        (("c", "d", "deeper"), "c.d.deeper", 8),
        (("new",), "new", 1),
    ],
)
def test_where(path: tuple[str | int, ...], field: str | None, line: int) -> None:
    assert read_tree(TEXT, "f.yaml").where(path) == (field, line)


@pytest.mark.parametrize(
    "text",
    [
        '{"version": 1, "timezone": "UTC"} # a comment',
        '{"version": 1, "timezone": UTC}',
        "{'version': 1, timezone: \"UTC\",}",
        '{"version": +1, "timezone": "UTC"}',
        '{"version": 1, "timezone": "U\\x54C"}',
        '{? "version" : 1, "timezone": "UTC"}',
    ],
)
def test_flow_style_that_is_no_json_is_read_as_yaml(text: str) -> None:
    assert policy(text).timezone == "UTC"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('{"version": 1,\n"timezone" "UTC"}', 2),
        ('{"version": 1,\n"timezone": "UTC"', 2),
        ('{"version": 1,\n"timezone": "UTC"]', 2),
        ('{"version": 1,\n"timezone": "UTC"} {}', 2),
        ('{"version": 1,\n"name": "\\q", "timezone": "UTC"}', 2),
    ],
)
def test_what_is_neither_is_refused_with_its_line(text: str, line: int) -> None:
    ((found, field, message),) = problems(text)
    assert (found, field) == (line, None)
    assert message.startswith("is not valid YAML: ")


@pytest.mark.parametrize("word", ["1.", "01", ".5", "1e", "--1", "0x", "nul", "True"])
def test_json_words_are_json_or_text(word: str) -> None:
    (found,) = problems(f'{{"version":1,"timezone":"UTC",\n"windows":{word}}}')
    assert found[:2] == (2, "windows")


def test_an_error_that_has_no_words_of_ours_keeps_its_own() -> None:
    class Odd(Section):
        x: Annotated[str, Field(pattern="^a$")]

    with pytest.raises(InputError, match="f:1: x: String should match"):
        validate(read_tree(b"x: b\n", "f"), Odd, "f")
