"""To end when the parent has: nobody else would tell."""

import ctypes
import os
import signal
import stat
import sys
import threading
from contextlib import suppress

_PR_SET_PDEATHSIG = 1


def end_with_parent(stop: threading.Event) -> None:
    """Set `stop` when the parent ends.

    Its end is seen where standard input is a pipe or a socket that only the parent holds open, and
    on Linux also as a SIGTERM, which comes when the *thread* that has started this process ends.
    """
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    with suppress(OSError, ValueError):
        mode = os.fstat(sys.stdin.fileno()).st_mode
        if stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode):
            threading.Thread(target=_read_to_end, args=[stop], name="parent", daemon=True).start()


def _read_to_end(stop: threading.Event) -> None:
    with suppress(OSError):
        while os.read(sys.stdin.fileno(), 4096):
            pass
    stop.set()
