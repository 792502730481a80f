"""Build the linter of workflows that PyPI does not have, once, into the cache.

    make lint-tools      # actionlint, by Go, as requirements/actionlint/go.sum pins it

Two that build at once do not disturb each other: the second waits and finds it there.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from scripts import caching  # noqa: E402

PINS = ROOT / "requirements" / "actionlint"
PACKAGE = "github.com/rhysd/actionlint/cmd/actionlint"
ENABLE = "make lint-tools"
# Where Go's own installer puts it, and most shells do not look.
_USUAL = "/usr/local/go/bin"


def actionlint() -> Path:
    """Where the program is, once it is built."""
    return caching.place("actionlint", (PINS / "go.mod", PINS / "go.sum")) / "actionlint"


def build() -> None:
    """Put the program into the cache, whole or not at all; ends with 1 where that fails."""
    wanted = actionlint()
    with caching.alone(wanted.parent):
        if wanted.is_file():
            return
        go = shutil.which("go", path=os.pathsep.join((os.environ.get("PATH", os.defpath), _USUAL)))
        if go is None:
            sys.exit("lint-tools: there is no Go here (https://go.dev/dl/)")
        with tempfile.TemporaryDirectory(prefix="building-", dir=wanted.parent.parent) as folder:
            made = Path(folder) / wanted.name
            command = [go, "build", "-trimpath", "-buildvcs=false", "-mod=readonly"]
            done = subprocess.run(
                [*command, "-ldflags", "-s -w", "-o", str(made), PACKAGE],
                cwd=PINS,
                env=dict(os.environ) | {"GOWORK": "off", "CGO_ENABLED": "0"},
                check=False,
            )
            if done.returncode:
                sys.exit(f"lint-tools: go build ended with {done.returncode}")
            wanted.parent.mkdir(exist_ok=True)
            made.replace(wanted)


def main() -> None:
    """Build, and say where it is."""
    started = time.monotonic()
    build()
    sys.stdout.write(f"lint-tools: {actionlint()} ({time.monotonic() - started:.0f} s)\n")


if __name__ == "__main__":
    main()
