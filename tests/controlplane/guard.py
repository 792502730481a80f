"""Ends a control plane's processes however the program that started it ends.

    python -m tests.controlplane.guard FOLDER [--keep-logs]

It waits for the end of its standard input, a pipe that only that program holds open; then it kills
what is recorded in ``FOLDER/pids`` and removes the folder, or all of it but ``logs``.
"""

import os
import shutil
import signal
import sys
from contextlib import suppress
from pathlib import Path

KEEP_LOGS = "--keep-logs"


def end(folder: Path) -> None:
    """Kill the processes recorded in a folder, those that were started last first."""
    records = [path for path in (folder / "pids").glob("*") if path.suffix != ".new"]
    for record in sorted(records, key=lambda path: path.stat().st_mtime_ns, reverse=True):
        pid = int(record.read_text())
        if _is_ours(pid, folder):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def _is_ours(pid: int, folder: Path) -> bool:
    """Whether the id still means the process that was recorded: its command names the folder."""
    if not Path("/proc/self").exists():
        return True
    try:
        return os.fsencode(folder) in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def clean(folder: Path, *, keep_logs: bool) -> None:
    """Remove what is in the folder."""
    if not keep_logs:
        shutil.rmtree(folder, ignore_errors=True)
        return
    for path in folder.iterdir():
        if path.is_dir() and path.name != "logs":
            shutil.rmtree(path, ignore_errors=True)
        elif not path.is_dir():
            path.unlink(missing_ok=True)


if __name__ == "__main__":
    sys.stdin.read()
    end(Path(sys.argv[1]))
    clean(Path(sys.argv[1]), keep_logs=KEEP_LOGS in sys.argv[2:])
