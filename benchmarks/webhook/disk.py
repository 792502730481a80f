"""What a record costs at least: the disk's own time to keep a few hundred bytes."""

import os
import time
from pathlib import Path

from benchmarks.report import median

_RECORD = bytes(512)
_TIMES = 100


def sync_ms(folder: Path) -> float:
    """Median milliseconds of an append of 512 bytes and its ``fdatasync`` on a folder's disk."""
    path = folder / "sync-probe"
    taken = []
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    try:
        for _ in range(_TIMES):
            started = time.perf_counter()
            os.write(descriptor, _RECORD)
            os.fdatasync(descriptor)
            taken.append((time.perf_counter() - started) * 1000)
    finally:
        os.close(descriptor)
        path.unlink()
    return median(taken)


def file_system(folder: Path) -> str:
    """The type of the file system that a folder is on."""
    best, kind = "", "unknown"
    for line in Path("/proc/mounts").read_text().splitlines():
        _, mounted, found, *_ = line.split()
        inside = folder.is_relative_to(mounted)
        if inside and len(mounted) >= len(best):
            best, kind = mounted, found
    return kind
