"""A tier that cannot run is skipped with its reason and mend, or fails where it is required."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

CONFTEST = """
from tests import tiers
from tests.tiers import *

tiers.TIERS = (
    tiers.Tier(name="unit", component="nothing", folders=()),
    tiers.Tier(
        name="moon",
        component="a moon",
        folders=("moon",),
        probe=lambda: "no moon tonight",
        enable="wait-for moon",
    ),
)
tiers.BY_NAME = {tier.name: tier for tier in tiers.TIERS}
tiers.UNIT = tiers.TIERS[0]
"""


def run(folder: Path, *arguments: str, require: str = "") -> tuple[int, str]:
    """Run pytest over a small suite: two tests of the tier `moon`, one of `unit`."""
    (folder / "conftest.py").write_text(CONFTEST)
    (folder / "pytest.ini").write_text(
        f"[pytest]\npythonpath = {ROOT}\naddopts = --strict-markers\n"
    )
    (folder / "tests" / "moon").mkdir(parents=True)
    (folder / "tests" / "moon" / "test_one.py").write_text("def test_by_folder(): pass\n")
    (folder / "tests" / "moon_marked").mkdir()
    (folder / "tests" / "moon_marked" / "test_two.py").write_text(
        "import pytest\n\n@pytest.mark.moon\ndef test_by_marker(): pass\n\ndef test_unit(): pass\n"
    )
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_", "COV"))}
    done = subprocess.run(
        [
            *(
                sys.executable,
                "-m",
                "pytest",
                "-p",
                "no:cacheprovider",
                "-p",
                "no:hypothesispytest",
            ),
            *("--rootdir", str(folder), "-rs", *arguments, "tests"),
        ],
        cwd=folder,
        env=environment | {"GATE_REQUIRE": require},
        check=False,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    return done.returncode, done.stdout


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_a_tier_that_cannot_run_is_skipped_with_reason_and_mend(
    tmp_path: Path, workers: tuple[str, ...]
) -> None:
    code, output = run(tmp_path, *workers)
    assert code == 0, output
    table = output[output.index("= tiers =") :]
    assert "unit         1 passed    0 failed    0 skipped   nothing" in table
    assert "moon         0 passed    0 failed    2 skipped   a moon" in table
    assert "cannot run here: no moon tonight" in table
    assert "enable it with:  wait-for moon" in table


@pytest.mark.parametrize("require", ["all", "moon", "unit, moon"])
@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_a_required_tier_that_cannot_run_fails(
    tmp_path: Path, require: str, workers: tuple[str, ...]
) -> None:
    code, output = run(tmp_path, *workers, require=require)
    assert code == 1, output
    assert "tier moon: no moon tonight; enable it with: wait-for moon" in output
    assert "moon         0 passed    1 failed    1 skipped" in output


def test_requiring_another_tier_changes_nothing(tmp_path: Path) -> None:
    code, output = run(tmp_path, require="unit")
    assert code == 0, output


def test_requiring_an_unknown_tier_is_refused(tmp_path: Path) -> None:
    code, output = run(tmp_path, require="moon,sun")
    assert code == pytest.ExitCode.USAGE_ERROR
    assert "GATE_REQUIRE: no tier sun (all, or of: unit, moon)" in output


def test_a_tier_can_be_chosen_by_its_marker(tmp_path: Path) -> None:
    code, output = run(tmp_path, "-m", "moon")
    assert code == 0
    assert "2 skipped, 1 deselected" in output
