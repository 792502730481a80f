"""Write `requirements/lock.txt` from `pyproject.toml`: exact versions, hashes of all platforms.

    make lock            # the newest versions that pyproject.toml allows
    make lock KEEP=1     # what pyproject.toml newly asks for; the rest stays

Uses `uv pip compile` from an environment of its own, because a universal lock (every platform,
Python 3.11 on, markers kept) is what pip itself cannot make.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
UV = "uv==0.13.9"


def main() -> None:
    """Make the lock."""
    keep = "--keep" in sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run([f"{folder}/bin/pip", "install", "--quiet", UV], check=True)
        compile_lock = [
            *(f"{folder}/bin/uv", "pip", "compile", "--quiet", "--no-header", "--no-annotate"),
            *("--universal", "--python-version", "3.11", "--generate-hashes"),
            *("pyproject.toml", "--extra", "dev", "requirements/build.in"),
            *("--output-file", "requirements/lock.txt"),
            *([] if keep else ["--upgrade"]),
        ]
        subprocess.run(compile_lock, cwd=ROOT, check=True)


if __name__ == "__main__":
    main()
