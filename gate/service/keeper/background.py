"""``python -m gate.service.keeper.background``: what nobody waits for, in a process of its own.

Shipping and reading a cluster's lists take the processor for whole stretches, and threads of one
process would make a manual lock wait for that. So the keeper starts this one: it stands back
behind everything else, is told its settings on the first line of standard input, ends with that
input, and says what it learns as lines of the feed on standard output.
"""

import os
import signal
import sys
import threading

from gate.service.feed import Message, encode
from gate.service.informer import Informer
from gate.service.keeper.config import KeeperConfig, read_config
from gate.service.keeper.parent import end_with_parent
from gate.service.keeper.shipping import Shipments
from gate.service.logs import log
from gate.service.signals import set_on
from gate.store.connect import target

NICENESS = 5
_STANDARD_OUTPUT = 1
_STUCK = 3


class _Out:
    """Standard output, a whole line at a time."""

    def __init__(self, stop: threading.Event) -> None:
        self._lock = threading.Lock()
        self._stop = stop

    def publish(self, message: Message) -> None:
        """Write a message; where nobody reads any more, it is time to end."""
        line = encode(message)
        try:
            with self._lock:
                while line:
                    line = line[os.write(_STANDARD_OUTPUT, line) :]
        except OSError:
            self._stop.set()


def main() -> int:
    """Work until told to end; 0 where nothing was left to ship then."""
    stop = threading.Event()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    set_on(stop, signal.SIGTERM)
    config = read_config("-")
    end_with_parent(stop)
    os.nice(NICENESS)
    log("background-started")
    return 0 if work(config, stop) else 1


def work(config: KeeperConfig, stop: threading.Event) -> bool:
    """Ship and follow the cluster until told to stop; whether nothing was left to ship then."""
    out = _Out(stop)
    where = target(config.dsn, os.environ) if config.dsn is not None else None
    informer = Informer(config.kubeconfig, os.environ, out.publish)
    threading.Thread(target=informer.run, args=[stop], name="informer", daemon=True).start()
    shipments = Shipments(
        # What was shipped twice the ledger takes once: to begin anew costs nothing.
        config.journal,
        where,
        out.publish,
        on_stuck=lambda: os._exit(_STUCK),
    )
    shipments.run(stop)
    return shipments.left == 0


if __name__ == "__main__":
    sys.exit(main())
