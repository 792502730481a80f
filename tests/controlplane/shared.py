"""One control plane for a whole run of tests, also where the run has several processes.

The first process that wants it starts a *keeper*, which starts the plane and ends it when no user
is left. Every user holds a shared lock on one file for as long as it lives, so the keeper only has
to wait for the exclusive one: it gets that however the users end.

    python -m tests.controlplane.shared BASE NUMBER     (the keeper)
"""

import contextlib
import fcntl
import itertools
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from tests.controlplane.plane import ControlPlane
from tests.controlplane.processes import ControlPlaneError, wait_for
from tests.controlplane.running import ROOT, START_SECONDS, clean_environment, started

NODES = 5
_ENDED = "ended\n"
# The shell leaves the keeper to itself, in a session of its own, and says its process id.
_LEAVE = '"$@" </dev/null >"$0" 2>&1 & echo $!'


@dataclass(frozen=True)
class _Place:
    base: Path
    number: int

    def named(self, ending: str) -> Path:
        return self.base / f"controlplane-{self.number}{ending}"

    @property
    def folder(self) -> Path:
        return self.named("")

    @property
    def users(self) -> Path:
        return self.named(".users")

    @property
    def failure(self) -> Path:
        return self.named(".failure")

    @property
    def ready(self) -> Path:
        return self.named(".ready")


@contextlib.contextmanager
def shared(base: Path) -> Iterator[ControlPlane]:
    """The run's control plane: whole, with `NODES` nodes, kept in a folder of `base`.

    `base` must be the same for all processes of the run. Raises `ControlPlaneError` where it does
    not start.
    """
    with (base / "controlplane.lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        place, hold = _join(base)
    with hold:
        yield ControlPlane.load(place.folder)


def _join(base: Path) -> tuple[_Place, IO[str]]:
    """A plane that runs and will as long as the file is open; the caller holds the run's lock."""
    for number in itertools.count():
        place = _Place(base, number)
        hold = place.users.open("a+")
        try:
            fcntl.flock(hold, fcntl.LOCK_SH | fcntl.LOCK_NB)
            hold.seek(0)
            said = hold.read()
            if not said:
                hold.write("started\n")
                hold.flush()
                _start_keeper(place)
            if place.ready.exists() and (place.folder / "plane.json").exists():
                return place, hold
        except BlockingIOError:
            pass
        except BaseException:
            hold.close()
            raise
        hold.close()
    raise AssertionError


def _start_keeper(place: _Place) -> None:
    keeper = [sys.executable, "-m", "tests.controlplane.shared", str(place.base), str(place.number)]
    done = subprocess.run(
        ["/bin/sh", "-c", _LEAVE, str(place.named(".log")), *keeper],
        cwd=ROOT,
        env=clean_environment(),
        check=True,
        text=True,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    pid = int(done.stdout)

    def over() -> bool:
        return place.ready.exists() or place.failure.exists() or not _lives(pid)

    # The keeper has limits of its own for each step; this one is for a keeper that hangs.
    wait_for("the shared control plane is there", over, seconds=4 * START_SECONDS)
    if not place.ready.exists():
        said = place.failure if place.failure.exists() else place.named(".log")
        raise ControlPlaneError(said.read_text(errors="replace"))


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _keep(place: _Place) -> None:
    """Start the plane, and end it when its last user has gone."""
    try:
        with started(place.folder, whole=True, nodes=NODES, keep_logs=True):
            place.ready.touch()
            with place.users.open("a") as users:
                fcntl.flock(users, fcntl.LOCK_EX)
                users.write(_ENDED)
                users.flush()
    except ControlPlaneError as error:
        place.failure.write_text(str(error))
    finally:
        place.ready.unlink(missing_ok=True)


if __name__ == "__main__":
    _keep(_Place(Path(sys.argv[1]), int(sys.argv[2])))
