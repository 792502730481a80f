"""Runs what a page shows, in a folder of its own, as a person who follows the page would."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gate.store import embedded
from tests.docs.pages import ROOT, Shown


class Ran:
    """How a shown command ended: its exit code and what it printed, without trailing blanks."""

    def __init__(self, code: int, text: str) -> None:
        self.code = code
        self.text = "\n".join(line.rstrip() for line in text.splitlines())


class Session:
    """The folder of one page: the examples are in it, the database is its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.server = folder / "postgres"
        kept = {k: v for k, v in os.environ.items() if not k.startswith("GATE_")}
        self._environment = kept | {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(folder),
            "GATE_DATA_DIR": str(self.server),
            "COLUMNS": "100",
            "TZ": "Asia/Tokyo",
        }
        shutil.copytree(
            ROOT / "examples", folder / "examples", ignore=shutil.ignore_patterns("__pycache__")
        )

    def run(self, command: str) -> Ran:
        """Run a command in bash, its errors in the order in which they were printed."""
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=self._folder,
            env=self._environment,
            check=False,
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        return Ran(done.returncode, done.stdout)

    def follow(self, each: Shown) -> Ran:
        """Run a command of a page."""
        return self.run(each.command)


@contextmanager
def session(folder: Path) -> Iterator[Session]:
    """A session whose database server, if it started one, is stopped at the end."""
    begun = Session(folder)
    try:
        yield begun
    finally:
        embedded.stop(begun.server)
