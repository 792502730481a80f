"""Everything that can be checked without running the product: lint, format, types, layers, SQL."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent


def checks() -> Iterator[tuple[str, list[str]]]:
    """Name and command of each check, quickest first."""
    yield "lint", [f"{BIN}/ruff", "check", "--quiet", "."]
    yield "format", [f"{BIN}/ruff", "format", "--check", "--quiet", "."]
    yield "layers", [f"{BIN}/lint-imports", "--no-cache"]
    migrations = sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("migrations/*.sql"))
    if migrations:
        yield "migrations", [f"{BIN}/squawk", *migrations]
    typed = ("gate", "tests", "examples", "scripts", "benchmarks")
    yield "types", [f"{BIN}/mypy", *(name for name in typed if any(ROOT.glob(f"{name}/**/*.py")))]


def main() -> int:
    """Run all checks, print the output of those that fail; 1 where any did."""
    failed = []
    for name, command in checks():
        started = time.monotonic()
        done = subprocess.run(
            command,
            cwd=ROOT,
            check=False,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        word = "FAILED" if done.returncode else "ok"
        sys.stdout.write(f"check: {name:<11}{word:<7}{time.monotonic() - started:5.1f} s\n")
        if done.returncode:
            failed.append(name)
            sys.stdout.write(done.stdout)
        sys.stdout.flush()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
