"""Write `requirements/*.txt` from `pyproject.toml`: exact versions, hashes of all platforms.

    make lock            # the newest versions that pyproject.toml allows
    make lock KEEP=1     # what pyproject.toml newly asks for; the rest stays

`lock.txt` is everything, for `make env`. The images get the part of it that they need, at the same
versions: `action.txt`, `service.txt`, and `build.txt` for making the project's wheel.

Uses `uv pip compile` from an environment of its own, because a universal lock (every platform,
Python 3.11 on, markers kept) is what pip itself cannot make.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
UV = "uv==0.13.9"
LOCK = "requirements/lock.txt"
BUILD = "requirements/build.in"
SERVICE_EXTRAS = ("ical", "server", "webhook")
PARTS = {
    "requirements/build.txt": (BUILD,),
    "requirements/action.txt": ("pyproject.toml",),
    "requirements/service.txt": (
        "pyproject.toml",
        *(f"--extra={extra}" for extra in SERVICE_EXTRAS),
    ),
}
"""What each image's list is compiled from."""


def compile_to(uv: str, output: str, *arguments: str) -> None:
    """Resolve what the arguments name, and write it with hashes."""
    command = [
        *(uv, "pip", "compile", "--quiet", "--no-header", "--no-annotate"),
        *("--universal", "--python-version", "3.11", "--generate-hashes"),
        *(*arguments, "--output-file", output),
    ]
    subprocess.run(command, cwd=ROOT, check=True)


def main() -> None:
    """Make the lock, then its parts."""
    upgrade = [] if "--keep" in sys.argv[1:] else ["--upgrade"]
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run([f"{folder}/bin/pip", "install", "--quiet", UV], check=True)
        uv = f"{folder}/bin/uv"
        compile_to(uv, LOCK, "pyproject.toml", "--extra=dev", BUILD, *upgrade)
        for output, arguments in PARTS.items():
            compile_to(uv, output, *arguments, "--constraint", LOCK, "--upgrade")


if __name__ == "__main__":
    main()
