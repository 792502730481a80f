"""What tells that a file was changed, without reading it."""

import os
from collections.abc import Iterable

Stamp = tuple[int, int, int]
"""Instant of the last change in nanoseconds, size in bytes, and number of the inode."""
Stamps = tuple[Stamp | None, ...]


def stamps(paths: Iterable[str | None]) -> Stamps:
    """One a path, read through the links that mounted ConfigMaps and Secrets are.

    None where there is no such file, or none is named.
    """
    return tuple(map(_stamp, paths))


def _stamp(path: str | None) -> Stamp | None:
    if path is None:
        return None
    try:
        stat = os.stat(path)
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_size, stat.st_ino
