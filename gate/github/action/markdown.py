"""Markdown as GitHub renders it, of text that others wrote.

Names stand in code spans, sentences are escaped: neither may become markup, a link, a mention or a
reference, and neither may end the table cell that it stands in.
"""

import re
from collections.abc import Iterable, Sequence

from gate.core.printable import plain

_ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_MARKUP = re.compile(r"([\\`*_~\[\]|$])")
_REFERENCES = re.compile(r"@|#(?=\d)|(?<=[Gg][Hh])(?=-\d)|:(?=//)|(?<=www)(?=\.)", re.IGNORECASE)
_BREAK = "&#8203;"
"""A space of no width: what GitHub would link no longer stands together."""
_BACKTICKS = re.compile(r"`+")


def sentence(text: str) -> str:
    """A text that reads as it is written, within a line or a cell of a table."""
    escaped = _MARKUP.sub(r"\\\1", plain(text).translate(_ENTITIES))
    return _REFERENCES.sub(lambda found: found[0] + _BREAK, escaped)


def code(text: str) -> str:
    """A name as a code span; nothing where there is none."""
    shown = plain(text)
    if not shown.strip():
        return ""
    fence = "`" * (max((len(run) for run in _BACKTICKS.findall(shown)), default=0) + 1)
    pad = " " if shown[0] in "` " or shown[-1] in "` " else ""
    return f"{fence}{pad}{shown}{pad}{fence}".replace("|", "\\|")


def table(rows: Iterable[Sequence[str]]) -> list[str]:
    """The lines of a table, of cells that are Markdown already; the first row is its head."""
    head, *others = rows
    return [_row(head), _row(["---"] * len(head)), *map(_row, others)]


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
