"""The image that the Dockerfile starts from: the official one, or one made here.

Where it cannot be pulled, a small Debian with its own Python is made, named as the Dockerfile names
its base and marked with a label. It is kept as an archive in `~/.cache/saturday-gate/base`, under a
name that says what is in it: an engine that has lost it imports it within seconds.
"""

import fcntl
import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scripts import caching
from tests.act.engine import EngineError, docker

ROOT = Path(__file__).resolve().parents[2]
SUITE = "bookworm"
PACKAGES = ("ca-certificates", "python3", "python3-pip", "python3-venv")
LABEL = "saturday-gate.base"
CERTIFICATES = Path("etc/ssl/certs/ca-certificates.crt")
INSTALL = "apt-get install debootstrap"
_EMPTIED = ("var/cache/apt", "var/lib/apt/lists", "var/log")
_PULL_SECONDS = 120.0
_MAKE_SECONDS = 900.0


def name() -> str:
    """The base that the Dockerfile names."""
    found = re.search(r"^ARG BASE=(\S+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    if found is None:
        raise LookupError("the Dockerfile has no ARG BASE=…")
    return found[1]


def image_id(image: str) -> str | None:
    """The id of an image that the engine has, or None."""
    try:
        said = docker("image", "inspect", "--format", "{{.Id}}", image).stdout
    except EngineError:
        return None
    return said.decode().strip()


def missing() -> str | None:
    """Why no image can be built here, or None; nothing is pulled or made to find out."""
    return None if image_id(name()) else f"the engine has no {name()}"


def ensure(*, pull: bool = True) -> str:
    """Have the base; how it was come by, in a few words.

    One that somebody else put there is used as it is. Raises `EngineError` where it can neither be
    pulled nor made.
    """
    wanted = name()
    with _only_one():
        mark = _label(wanted)
        if mark is not None and mark in {"", _key()}:
            return "found"
        archive = _folder() / f"{_key()}.tar.gz"
        if archive.exists():
            _import(archive, wanted)
            return f"imported from {archive}"
        if pull and mark is None and _pulled(wanted):
            return "pulled"
        _make(archive)
        _import(archive, wanted)
        return f"made with debootstrap, kept as {archive}"


def _label(image: str) -> str | None:
    """What marks an image as made here: empty where nothing does; None where there is no image."""
    try:
        said = docker("image", "inspect", "--format", "{{json .Config.Labels}}", image).stdout
    except EngineError:
        return None
    return str((json.loads(said) or {}).get(LABEL, ""))


def _bundle() -> Path:
    """The certificates that this machine trusts; a proxy of its own may be among them."""
    for place in (os.environ.get("SSL_CERT_FILE", ""), f"/{CERTIFICATES}"):
        if Path(place).is_file():
            return Path(place)
    raise EngineError("this machine has no bundle of certificates; set SSL_CERT_FILE")


def _key() -> str:
    """What the archive is named by: all that decides what is in it."""
    digest = hashlib.sha256(f"{SUITE} {PACKAGES} {_EMPTIED} {platform.machine()}\n".encode())
    digest.update(_bundle().read_bytes())
    return digest.hexdigest()[:16]


def _folder() -> Path:
    folder = caching.home() / "base"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def _only_one() -> Iterator[None]:
    with (_folder() / "lock").open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def _pulled(image: str) -> bool:
    try:
        docker("pull", "--quiet", image, timeout_seconds=_PULL_SECONDS)
    except EngineError:
        return False
    return True


def _import(archive: Path, image: str) -> None:
    changes = (f'LABEL {LABEL}="{_key()}"', 'CMD ["python3"]')
    docker("import", *(f"--change={change}" for change in changes), archive, image)


def _make(archive: Path) -> None:
    if shutil.which("debootstrap") is None:
        raise EngineError(f"{name()} cannot be pulled, nor made; install: {INSTALL}")
    if os.geteuid() != 0:
        raise EngineError(f"{name()} cannot be pulled, and only root can make one with debootstrap")
    with tempfile.TemporaryDirectory(dir=archive.parent) as folder:
        root = Path(folder) / "root"
        _run(
            *("debootstrap", "--variant=minbase", f"--include={','.join(PACKAGES)}", SUITE, root),
            log=archive.parent / "debootstrap.log",
        )
        shutil.copyfile(_bundle(), root / CERTIFICATES)
        for emptied in _EMPTIED:
            shutil.rmtree(root / emptied)
            (root / emptied).mkdir()
        half = Path(folder) / "half.tar.gz"
        _run("tar", "--numeric-owner", "-C", root, "-czf", half, ".", log=None)
        for older in archive.parent.glob("*.tar.gz"):
            older.unlink()
        half.rename(archive)


def _run(*command: str | Path, log: Path | None) -> None:
    output = log or Path(os.devnull)
    with output.open("wb") as stream:
        done = subprocess.run(
            [os.fspath(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            check=False,
            timeout=_MAKE_SECONDS,
        )
    if done.returncode:
        raise EngineError(f"{command[0]} ended with {done.returncode}; its log: {output}")
