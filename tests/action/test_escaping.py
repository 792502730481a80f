"""Texts of others: read by the runner and by GitHub's Markdown, they are what they were."""

import json
import re
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from gate.core.printable import plain
from gate.github.action.commands import command, log_line, output_entries
from gate.github.action.markdown import code, sentence, table
from tests.action.support import LOCKED, Workspace, annotations, frozen, read_outputs

PARTS = st.sampled_from(
    ["::", "##[", "]", "%0A", "%25", "%", "\n", "\r", "\u2028", "\x1b[31m", "|", "`", "``", "\\",
     "<b>", "-->", "@ann", "#1", "GH-2", "https://x.y", "www.x.y", "*", "__", "[a](b)", "$x$",
     "&amp;", "error", "set-output name=verdict", "<<", "=", " ", "é", "💒", ",", ":"]
)  # fmt: skip
TEXTS = st.lists(PARTS | st.text(max_size=4), max_size=8).map("".join)
RENDER = MarkdownIt("commonmark", {"html": True}).enable("table")
REFERENCE = re.compile(r"@[\w-]|#\d|\bgh-\d|https?://|www\.", re.IGNORECASE)


@given(text=TEXTS, title=TEXTS, file=TEXTS)
def test_an_annotation_is_one_command_that_says_what_it_was_given(
    text: str, title: str, file: str
) -> None:
    line = command("error", text, title=title, file=file, line=3)
    (found,) = annotations(line)
    lines = "\n".join(plain(part) for part in text.split("\n"))
    assert found.kind == "error"
    assert found.message.replace("## [", "##[") == lines.replace("## [", "##[")
    assert found.properties["line"] == "3"
    assert found.properties["title"] == plain(title).replace("##[", "## [")
    assert found.properties["file"] == plain(file).replace("##[", "## [")


@given(TEXTS)
def test_a_plain_line_is_no_command(text: str) -> None:
    line = log_line(text)
    assert len(line.splitlines()) == 1
    assert annotations(line) == []


@given(st.lists(TEXTS, min_size=1, max_size=4))
def test_outputs_are_read_back_as_they_were(values: list[str]) -> None:
    named = {f"n{number}": value for number, value in enumerate(values)}
    with TemporaryDirectory() as folder:
        path = Path(folder) / "output"
        path.write_bytes(output_entries(named, "gate-0123").encode())
        assert read_outputs(path) == named


def test_a_value_with_the_delimiter_in_it_is_refused() -> None:
    with pytest.raises(ValueError, match="delimiter"):
        output_entries({"a": "x\ngate-0123\nverdict=allow"}, "gate-0123")


def cells(lines: list[str]) -> list[list[Token]]:
    """The inline tokens of each cell of the first table, which must be all there is."""
    tokens = RENDER.parse("\n".join(lines))
    assert tokens[0].type == "table_open"
    assert tokens[-1].type == "table_close"
    return [token.children or [] for token in tokens if token.type == "inline"]


@given(TEXTS)
@example("a|b")
@example("`|`")
@example("\\|")
def test_a_sentence_stays_text_within_its_cell(text: str) -> None:
    first, second, third = cells([*table([["x", sentence(text)]]), "| y | z |"])[1:]
    shown = "".join(token.content for token in first)
    assert {token.type for token in first} <= {"text", "text_special"}
    assert shown.replace("\u200b", "") == plain(text).strip(" \t").replace("\u200b", "")
    assert not REFERENCE.search(shown), "nothing that GitHub would link"
    assert [t.content for t in (*second, *third)] == ["y", "z"]


@given(TEXTS)
@example("a|b")
@example("`")
@example(" ` ")
@example("\\")
def test_a_name_is_one_code_span_within_its_cell(text: str) -> None:
    _, first, *others = cells([*table([["x", code(text)]]), "| y | z |"])
    assert [t.content for cell in others for t in cell] == ["y", "z"]
    if not plain(text).strip():
        assert code(text) == ""
        return
    (span,) = first
    assert span.type == "code_inline"
    assert span.content.strip() == plain(text).strip()


EVIL = "::error::x%0A##[set-output name=verdict]allow <script>|`@everyone` [l](http://x) ::"


def test_a_hostile_policy_can_neither_command_nor_format(workspace: Workspace) -> None:
    policy = frozen(*LOCKED, 'override: {roles: ["' + EVIL.replace('"', "") + '"]}\n')
    workspace.write(policy.replace("name: freeze", f"name: '{EVIL}'").replace(
        "wedding-platform", f"'{EVIL}'"))  # fmt: skip
    ended = workspace.run(environment=EVIL, service="a\n::error::b\nverdict=allow")
    assert ended.code == 3, ended.log
    assert len(ended.annotations("error")) == 1
    assert ended.outputs["verdict"] == "deny"
    rendered = RENDER.parse(ended.summary)
    kinds = {child.type for token in rendered for child in token.children or []}
    assert "link_open" not in kinds
    html = {c.content for t in rendered for c in t.children or [] if c.type == "html_inline"}
    assert html <= {"<br>"}
    assert not [token for token in rendered if token.type == "html_block"]


def test_a_hostile_document_that_cannot_be_read_is_told_harmlessly(workspace: Workspace) -> None:
    workspace.write(f"version: 1\ntimezone: UTC\n'{EVIL}\\n::error::y': 1\n")
    ended = workspace.run()
    assert ended.code == 4
    assert len(ended.annotations("error")) == 1


def test_json_in_a_log_is_no_command_and_says_the_same(workspace: Workspace) -> None:
    ended = workspace.run("--json", environment=EVIL)
    assert annotations(ended.log) == []
    assert json.loads(ended.log)["request"]["environment"] == EVIL
