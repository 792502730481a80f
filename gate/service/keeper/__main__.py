"""``python -m gate.service.keeper CONFIG``: see `gate.service.keeper.config`.

It ends on SIGTERM and with its parent; SIGINT is the parent's to act on. Exit 0 when it ended as it
should, 1 otherwise, 2 for settings that are none.
"""

import os
import signal
import sys
import threading

from gate.core.problems import InputError
from gate.service.keeper.config import read_config
from gate.service.keeper.parent import end_with_parent
from gate.service.keeper.process import Keeper
from gate.service.logs import log
from gate.service.signals import set_on


def main() -> int:
    """Run the keeper of the settings that the command line names."""
    stop = threading.Event()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    set_on(stop, signal.SIGTERM)
    # The supervisor blocks it, so that one that comes early is not the end but waits until here.
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    try:
        if len(sys.argv) != 2:
            raise InputError.of("usage: python -m gate.service.keeper CONFIG")
        config = read_config(sys.argv[1])
        end_with_parent(stop)
        keeper = Keeper(config, os.environ)
        return 0 if keeper.run(stop) else 1
    except InputError as error:
        log("keeper-not-started", problems=[str(problem) for problem in error.problems])
        return 2
    except OSError as error:
        log("keeper-not-started", problems=[str(error)])
        return 1


if __name__ == "__main__":
    sys.exit(main())
