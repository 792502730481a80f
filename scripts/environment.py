"""Make `.venv`, once: the libraries of `requirements/lock.txt`, the project in editable form.

    python3 scripts/environment.py [--venv DIR]

It is made again only when `pyproject.toml`, the lock or the Python changed; an environment that is
up to date needs no network. Byte code is always compiled: a cold start of `gate` reads hundreds of
modules, and some machines set PYTHONDONTWRITEBYTECODE.
"""

import argparse
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements" / "lock.txt"
OLDEST = (3, 11)
INPUTS = ("pyproject.toml", "requirements/lock.txt")
# Whoever has activated .venv runs this with the very Python that it may have to make again.
MAKER = Path(getattr(sys, "_base_executable", sys.executable)).resolve()


def fingerprint() -> str:
    """What the environment is made from: the inputs' bytes and the Python that makes it."""
    digest = hashlib.sha256(f"{sys.version}\n{MAKER}\n{ROOT}\n".encode())
    for name in INPUTS:
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def run(*command: str | Path) -> None:
    """Run a command in the project's folder; its failure ends this one with its exit code."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run([str(part) for part in command], cwd=ROOT, env=environment, check=False)
    if done.returncode:
        sys.exit(f"environment: {' '.join(map(str, command))} ended with {done.returncode}")


def pip(python: Path) -> list[str | Path]:
    """The pip to use: the environment's own, or where Python came without one, the maker's."""
    common = ["--disable-pip-version-check", "--quiet"]
    if importlib.util.find_spec("ensurepip"):
        return [python, "-m", "pip", *common]
    return [MAKER, "-m", "pip", "--python", python, *common]


def make(venv: Path, python: Path) -> None:
    """Make the environment from nothing."""
    shutil.rmtree(venv, ignore_errors=True)
    bundled = importlib.util.find_spec("ensurepip")
    if not bundled and not importlib.util.find_spec("pip"):
        sys.exit("environment: this Python has neither ensurepip nor pip (Debian: python3-venv)")
    run(MAKER, "-m", "venv", *([] if bundled else ["--without-pip"]), venv)
    install = [*pip(python), "install"]
    run(*install, "--require-hashes", "--requirement", LOCK)
    run(*install, "--no-deps", "--no-build-isolation", "--editable", ROOT)
    run(*pip(python), "check")


def main() -> None:
    """Make or refresh the environment and say what was done."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--venv", type=Path, default=ROOT / ".venv")
    venv: Path = parser.parse_args().venv.resolve()
    if sys.version_info < OLDEST:
        sys.exit(f"environment: Python {OLDEST[0]}.{OLDEST[1]} or newer is needed: {sys.version}")
    python = venv / "bin" / "python"
    stamp = venv / "made-from"
    wanted = fingerprint()
    if not stamp.is_file() or stamp.read_text() != wanted:
        started = time.monotonic()
        sys.stdout.write(f"environment: making {venv} …\n")
        sys.stdout.flush()
        make(venv, python)
        stamp.write_text(wanted)
        sys.stdout.write(f"environment: made in {time.monotonic() - started:.0f} s\n")
    run(python, "-m", "compileall", "-q", "gate")


if __name__ == "__main__":
    main()
