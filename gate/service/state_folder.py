"""Where a server keeps its journal and what it knows of the database, on this machine.

    FOLDER/ID/journal    decisions on their way into one database, whoever wrote them
    FOLDER/ID/state-N    what the N-th server of this machine, for that database, has been told

``ID`` tells databases apart, so that nothing is shipped into another one than it was answered for.
What a killed server left in the journal, the next one ships, whichever its N is.
"""

import fcntl
import os
from pathlib import Path
from typing import Self

from gate.core.problems import InputError
from gate.store.connect import Target
from gate.store.origin import origin

_SERVERS = 64


class StateFolder:
    """A server's place, its own until `close` or the process's end."""

    def __init__(self, journal: Path, state: Path, lock: int) -> None:
        self.journal = journal
        self.state = state
        self._lock = lock

    @classmethod
    def take(cls, folder: Path, where: Target) -> Self:
        """The first place that no other server has.

        Raises OSError where the folder cannot be used, `InputError` where all places are taken.
        """
        base = folder / origin(where)[:16]
        journal = base / "journal"
        for made in (base, journal):
            made.mkdir(mode=0o700, parents=True, exist_ok=True)
        for number in range(1, _SERVERS + 1):
            state = base / f"state-{number}"
            state.mkdir(mode=0o700, exist_ok=True)
            lock = os.open(state / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(lock)
                continue
            return cls(journal, state, lock)
        raise InputError.of(
            f"{_SERVERS} servers run from {base} already", mend="give this one a --state of its own"
        )

    @property
    def socket(self) -> Path:
        """Where the keeper tells what it knows."""
        return self.state / "keeper.sock"

    def close(self) -> None:
        """Let another server have the place."""
        os.close(self._lock)
