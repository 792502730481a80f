"""Files that are there whole or not at all."""

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

_MAKING = ".new-"


def prepare(folder: Path) -> None:
    """Make the folder, for this user alone, without what a killed writer left. Raises OSError."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for left in folder.glob(f"{_MAKING}*"):
        left.unlink(missing_ok=True)


def write_whole(path: Path, pieces: Iterable[bytes]) -> None:
    """Write a file that no reader sees in part and that a power cut leaves old or new.

    It is readable by this user alone. Raises OSError, and what `pieces` raises; nothing is left
    then.
    """
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=_MAKING)
    made = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.writelines(pieces)
            stream.flush()
            os.fsync(handle)
        made.replace(path)
    except BaseException:
        made.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
