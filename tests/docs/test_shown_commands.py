"""Every command that a page shows runs, in a folder with the examples, and prints what is shown."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.pages import PAGES, ROOT, Shown, name, shown

SHOWING = [page for page in PAGES if any(shown(page))]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder but for the examples."""
    shutil.copytree(
        ROOT / "examples",
        tmp_path / "examples",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    return tmp_path


def environment(home: Path) -> dict[str, str]:
    """As a person has it: `gate` and `python` on PATH, nothing of the gate's set."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("GATE_")}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return kept | {"PATH": path, "HOME": str(home), "COLUMNS": "100", "TZ": "Asia/Tokyo"}


def pattern(output: str) -> Iterator[str]:
    """The shown output as a regular expression; `…` stands for anything, also for lines."""
    for number, part in enumerate(output.rstrip().split("…")):
        if number:
            yield r"(?s:.*?)"
        yield re.escape(part)


def assert_as_shown(each: Shown, done: subprocess.CompletedProcess[str]) -> None:
    assert done.returncode == each.exit_code, f"$ {each.command}\n{done.stdout}"
    if each.output.strip():
        printed = "\n".join(line.rstrip() for line in done.stdout.splitlines())
        assert re.fullmatch("".join(pattern(each.output)), printed), (
            f"$ {each.command}\n--- shown\n{each.output}\n--- printed\n{printed}"
        )


@pytest.mark.parametrize("page", SHOWING, ids=name)
def test_commands_run_as_shown(page: Path, folder: Path) -> None:
    for each in shown(page):
        done = subprocess.run(
            ["bash", "-c", each.command],
            cwd=folder,
            env=environment(folder),
            check=False,
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        assert_as_shown(each, done)
