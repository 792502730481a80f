"""Everything that can be checked without running the product: lint, types, layers, SQL, workflows.

A linter that is not part of the environment is passed over with the command that would bring it;
with ``GATE_REQUIRE`` set, as in continuous integration, that is a failure.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from scripts import lint_tools  # noqa: E402

BIN = Path(sys.executable).parent


def checks() -> Iterator[tuple[str, list[str]]]:
    """Name and command of each check, quickest first."""
    yield "lint", [f"{BIN}/ruff", "check", "--quiet", "."]
    yield "format", [f"{BIN}/ruff", "format", "--check", "--quiet", "."]
    yield "layers", [f"{BIN}/lint-imports", "--no-cache"]
    migrations = sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("migrations/*.sql"))
    if migrations:
        yield "migrations", [f"{BIN}/squawk", *migrations]
    yield "dockerfile", [f"{BIN}/hadolint", "--failure-threshold=style", "Dockerfile"]
    for folder in ("platform", "overlays/ha"):
        yield "manifests", [f"{BIN}/kubectl", "kustomize", f"k8s/{folder}"]
    # What it would give to shellcheck and pyflakes must not depend on whether they are here.
    yield "actionlint", [str(lint_tools.actionlint()), "-shellcheck=", "-pyflakes="]
    yield "zizmor", [f"{BIN}/zizmor", "--offline", "--quiet", "--no-progress", *workflows()]
    typed = ("gate", "tests", "examples", "scripts", "benchmarks")
    yield "types", [f"{BIN}/mypy", *(name for name in typed if any(ROOT.glob(f"{name}/**/*.py")))]


def workflows() -> list[str]:
    """What GitHub runs: the workflows, and the Action where there is one."""
    return [name for name in (".github/workflows", "action.yml") if (ROOT / name).exists()]


def passed_over(command: list[str]) -> str | None:
    """Why a check cannot run here, for the one tool that the environment does not bring."""
    tool = lint_tools.actionlint()
    if command[0] != str(tool) or tool.is_file():
        return None
    return f"not built; enable it with: {lint_tools.ENABLE}"


def main() -> int:
    """Run all checks, print the output of those that fail; 1 where any did."""
    failed = []
    for name, command in checks():
        if reason := passed_over(command):
            required = bool(os.environ.get("GATE_REQUIRE"))
            word = "FAILED" if required else "skipped"
            sys.stdout.write(f"check: {name:<11}{word:<8}{reason}\n")
            failed += [name] if required else []
            continue
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
        sys.stdout.write(f"check: {name:<11}{word:<8}{time.monotonic() - started:5.1f} s\n")
        if done.returncode:
            failed.append(name)
            sys.stdout.write(done.stdout)
        sys.stdout.flush()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
