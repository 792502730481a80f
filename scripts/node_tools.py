"""Install the npm packages that tests use, once, into the cache.

    make node-tools                          # what tests/prism/npm/package-lock.json pins
    python scripts/node_tools.py --lock      # write that lock again after package.json changed

Two that install at once do not disturb each other: the second waits and finds everything there.
The lock has the hash of every package and no address: npm asks the registry it is configured for.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from scripts import caching  # noqa: E402

PINS = ROOT / "tests" / "prism" / "npm"
PIN_FILES = ("package.json", "package-lock.json")
ENABLE = "make node-tools"
DESCRIPTIONS = "@octokit/openapi/generated"
DESCRIPTION = "api.github.com.json"
# No package may run a program of its own while it is installed; none needs to.
NPM = ("npm", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier")


def folder() -> Path:
    """Where exactly these packages are kept on this kind of machine."""
    return caching.place("node", (PINS / name for name in PIN_FILES))


def modules() -> Path:
    """The installed packages, each in the folder of its name."""
    return folder() / "node_modules"


def missing() -> str | None:
    """Why nothing that needs the packages can run here, or None; nothing is installed to know."""
    if shutil.which("node") is None:
        return "no program node"
    return None if folder().is_dir() else "the npm packages are not installed"


def prune(installed: Path) -> None:
    """Drop the descriptions of other editions of GitHub: 380 MB that no test reads."""
    for path in (installed / "node_modules" / DESCRIPTIONS).glob("*.json"):
        if path.name != DESCRIPTION:
            path.unlink()


def npm(cwd: Path, *arguments: str) -> None:
    """Run npm; its failure ends this program with the reason on standard error."""
    done = subprocess.run([*NPM, *arguments], cwd=cwd, check=False)
    if done.returncode:
        sys.exit(f"node-tools: npm {arguments[0]} ended with {done.returncode}")


def install() -> None:
    """Put the packages into the cache, whole or not at all."""
    wanted = folder()
    with caching.alone(wanted):
        if wanted.is_dir():
            return
        with tempfile.TemporaryDirectory(prefix="installing-", dir=wanted.parent) as made:
            for name in PIN_FILES:
                shutil.copy(PINS / name, made)
            npm(Path(made), "ci")
            prune(Path(made))
            kept = Path(made) / "kept"
            kept.mkdir()
            (Path(made) / "node_modules").rename(kept / "node_modules")
            kept.rename(wanted)


def main() -> int:
    """The exit code: 1 where npm is missing or fails."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--lock", action="store_true", help="write package-lock.json again")
    asked = parser.parse_args()
    if shutil.which("npm") is None:
        sys.exit("node-tools: no program npm (Debian: apt-get install nodejs npm)")
    if asked.lock:
        npm(PINS, "install", "--package-lock-only", "--omit-lockfile-registry-resolved")
        return 0
    started = time.monotonic()
    install()
    sys.stdout.write(f"node-tools: {folder()} ({time.monotonic() - started:.0f} s)\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
