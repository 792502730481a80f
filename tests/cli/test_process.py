"""`gate` as a process of its own: terminals, encodings, readers that leave."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gate.cli.progress import counting
from tests.cli.support import INPUTS

ROOT = Path(__file__).resolve().parents[2]
GATE = [sys.executable, "-c", "from gate.cli.main import main; main()"]


def gate(*arguments: str, **settings: str) -> "subprocess.CompletedProcess[bytes]":
    env = {name: value for name, value in os.environ.items() if not name.startswith("GATE_")}
    return subprocess.run(
        [*GATE, *arguments], capture_output=True, check=False, cwd=ROOT, env=env | settings
    )


def test_the_picture_is_drawn_in_utf8_and_typed_in_ascii() -> None:
    at = ("--at", "2026-06-13T07:00:00Z", "--days", "2")
    drawn = gate("explain", *INPUTS, *at, PYTHONIOENCODING="utf-8")
    typed = gate("explain", *INPUTS, *at, PYTHONIOENCODING="ascii")
    assert drawn.returncode == typed.returncode == 0
    assert "█" in drawn.stdout.decode()
    assert typed.stdout.isascii()
    assert b"#####" in typed.stdout


def test_an_output_that_cannot_carry_a_name_still_says_it(tmp_path: Path) -> None:
    policy = tmp_path / "p.yaml"
    policy.write_text("version: 1\ntimezone: UTC\nwindows: [{name: été, rrule: FREQ=DAILY}]\n")
    span = ("--from", "2026-06-13T00:00:00Z", "--to", "2026-06-14T00:00:00Z")
    done = gate("windows", "--policy", str(policy), *INPUTS[2:], *span, PYTHONIOENCODING="ascii")
    assert done.returncode == 0
    assert rb"\xe9t\xe9" in done.stdout


def test_a_reader_that_leaves_is_no_error_message() -> None:
    span = ("--from", "2026-01-01T00:00:00Z", "--to", "2027-01-01T00:00:00Z", "--step", "1m")
    with subprocess.Popen(
        [*GATE, "load", *INPUTS, *span, "--json"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.read(10)
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 130


def test_the_machines_zone_and_locale_change_nothing() -> None:
    span = ("--from", "2026-06-13T00:00:00Z", "--to", "2026-06-14T00:00:00Z")
    here = gate("windows", *INPUTS, *span)
    there = gate("windows", *INPUTS, *span, TZ="Pacific/Apia", LC_ALL="de_DE.UTF-8")
    assert here.returncode == 0
    assert here.stdout == there.stdout


class Terminal(io.StringIO):
    """A standard error stream that someone watches."""

    def isatty(self) -> bool:
        return True


def test_progress_is_shown_on_a_terminal_only(monkeypatch: pytest.MonkeyPatch) -> None:
    for stream, shown in ((Terminal(), True), (io.StringIO(), False)):
        monkeypatch.setattr(sys, "stderr", stream)
        with counting("rows read") as advance:
            advance(50_000)
        assert ("50,000 rows read" in stream.getvalue()) is shown
