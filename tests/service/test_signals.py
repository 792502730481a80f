"""A process that is asked to end again and again ends, and does not stand still."""

import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
PROGRAM = """
import os, signal, threading
from gate.service.signals import set_on

stop = threading.Event()
set_on(stop, signal.SIGTERM)
parent = os.getpid()


def ask():
    for _ in range(20_000):
        os.kill(parent, signal.SIGTERM)


asking = threading.Thread(target=ask, daemon=True)
asking.start()
while asking.is_alive():
    stop.wait(0.00001)
    stop.clear()
    stop.set()
assert stop.is_set()
"""


def test_signals_that_come_in_the_middle_of_everything() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=REPOSITORY, timeout=60, check=False,
        capture_output=True, text=True,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
