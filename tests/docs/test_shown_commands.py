"""Every command that a page shows runs, in a folder with the examples, and prints what is shown."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.pages import PAGES, name, shown
from tests.docs.running import session

SHOWING = [page for page in PAGES if any(shown(page))]


def pattern(output: str) -> Iterator[str]:
    """The shown output as a regular expression; `…` stands for anything, also for lines."""
    for number, part in enumerate(output.rstrip().split("…")):
        if number:
            yield r"(?s:.*?)"
        yield re.escape(part)


@pytest.mark.parametrize("page", SHOWING, ids=name)
def test_commands_run_as_shown(page: Path, tmp_path: Path) -> None:
    with session(tmp_path) as followed:
        for each in shown(page):
            ran = followed.follow(each)
            assert ran.code == each.exit_code, f"$ {each.written}\n{ran.text}"
            assert re.fullmatch("".join(pattern(each.output)), ran.text), (
                f"$ {each.written}\n--- shown\n{each.output}\n--- printed\n{ran.text}"
            )
