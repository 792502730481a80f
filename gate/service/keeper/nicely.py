"""Who goes first where the machine is busy: answers, then locks and overrides, then the rest."""

import os
import threading
from contextlib import suppress

NICENESS = 5


def background() -> None:
    """Let this thread, and those it starts, stand back behind what people wait for.

    On Linux niceness belongs to the thread; elsewhere nothing happens.
    """
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
