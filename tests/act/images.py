"""The project's images, tagged by what they are made of: nothing is built twice."""

import hashlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.act import base
from tests.act.engine import EngineError

ROOT = base.ROOT
REPOSITORY = "saturday-gate"
STAGES = ("service", "action")
_IGNORED = {"__pycache__"}
_BUILD_SECONDS = 900.0


def context() -> Iterator[Path]:
    """The files of a build, as `.dockerignore` lets them in, in a fixed order."""
    yield ROOT / "Dockerfile"
    yield ROOT / ".dockerignore"
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        if not line.startswith("!"):
            continue
        allowed = ROOT / line.removeprefix("!")
        for path in [allowed] if allowed.is_file() else sorted(allowed.rglob("*")):
            if path.is_file() and path.suffix != ".pyc" and _IGNORED.isdisjoint(path.parts):
                yield path


def key() -> str:
    """What the tags end in: the build's files and the image that it starts from."""
    digest = hashlib.sha256(f"{base.image_id(base.name())}\n".encode())
    for path in context():
        mode = path.stat().st_mode & 0o111
        content = path.read_bytes()
        digest.update(f"{path.relative_to(ROOT)} {mode} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()[:16]


def tag(stage: str) -> str:
    """The name of a stage's image as the tree is now."""
    return f"{REPOSITORY}:{stage}-{key()}"


def ensure(stage: str) -> str:
    """Have a stage's image, built where it is missing; its name.

    The last stage is built as GitHub does it: without being named. Raises `EngineError` with the
    end of what the build said.
    """
    wanted = tag(stage)
    if base.image_id(wanted) is None:
        target = () if stage == STAGES[-1] else ("--target", stage)
        command = ["docker", "build", "--network=host", *target, "--tag", wanted, "."]
        done = subprocess.run(
            command,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, "BUILDKIT_PROGRESS": "plain"},
            check=False,
            timeout=_BUILD_SECONDS,
        )
        if done.returncode:
            said = done.stdout.decode(errors="replace")[-4000:]
            raise EngineError(f"{' '.join(command)} ended with {done.returncode}:\n{said}")
    return wanted
