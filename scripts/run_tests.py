"""Run the tests: with arguments just those, without any the whole suite and its coverage floors.

    make test                                # all tiers this machine can run
    make test ARGS="tests/core -k lead -x"   # some, without coverage
    GATE_REQUIRE=all make test               # a tier that cannot run is a failure

Two worker processes; branch coverage includes the processes that tests start.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WORKERS = ["-n", "2", "--dist", "loadgroup"]
FLOORS: tuple[tuple[str, list[str], int], ...] = (
    ("gate/core", ["--include=gate/core/*"], 100),
    ("gate", [], 95),
)
CLOSING = re.compile(r"=+ .*\b(passed|failed|error|skipped|no tests ran)\b.* in [\d.]+s.*=+")


def environment() -> dict[str, str]:
    """This process's environment, with byte code compiled in the processes that tests start."""
    return {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}


def pytest(command: list[str]) -> tuple[int, str]:
    """Run pytest, passing its output on as it comes; its exit code and closing line."""
    closing = ""
    with subprocess.Popen(
        command, cwd=ROOT, env=environment(), text=True, stdout=subprocess.PIPE
    ) as running:
        for line in running.stdout or ():
            sys.stdout.write(line)
            sys.stdout.flush()
            if CLOSING.search(line):
                closing = line
    return running.returncode, closing


def coverage(*arguments: str) -> int:
    """Run a command of coverage."""
    return subprocess.run(
        [sys.executable, "-m", "coverage", *arguments], cwd=ROOT, env=environment(), check=False
    ).returncode


def floors() -> list[str]:
    """What is not covered enough; the reports are printed."""
    coverage("combine", "--quiet")
    low = []
    for name, chosen, floor in FLOORS:
        sys.stdout.write(f"\nbranch coverage of {name}, at least {floor} %:\n")
        sys.stdout.flush()
        shown = ["report", "--show-missing", "--skip-covered", f"--fail-under={floor}", *chosen]
        if coverage(*shown):
            low.append(f"{name} below {floor} %")
    return low


def main() -> int:
    """The exit code: pytest's, else 1 where a coverage floor is missed."""
    chosen = sys.argv[1:]
    color = ["--color=yes"] if sys.stdout.isatty() else []
    if chosen:
        return pytest([sys.executable, "-m", "pytest", *color, *chosen])[0]
    coverage("erase")
    suite = ["-m", "coverage", "run", "-m", "pytest", *color, *WORKERS]
    code, closing = pytest([sys.executable, *suite])
    low = floors()
    for line in low:
        sys.stdout.write(f"coverage: {line}\n")
    sys.stdout.write(f"\n{closing}")
    return code or (1 if low else 0)


if __name__ == "__main__":
    sys.exit(main())
