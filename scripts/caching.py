"""Where tools that are fetched or built once are kept, by what they are made from."""

import fcntl
import hashlib
import os
import platform
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path


def home() -> Path:
    """The project's cache: in ``$XDG_CACHE_HOME``, else ``~/.cache``; it need not be there."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "saturday-gate"


def place(kind: str, pins: Iterable[Path]) -> Path:
    """The folder of the tools that exactly these files pin, on this kind of machine."""
    digest = hashlib.sha256(f"{platform.system()} {platform.machine()}\n".encode())
    for pin in pins:
        digest.update(pin.read_bytes())
    return home() / kind / digest.hexdigest()[:16]


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold the place of a folder: whoever comes second waits, and finds it there."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / "making.lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
