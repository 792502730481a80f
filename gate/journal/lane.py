"""A lane: one writer's name with the numbers and ids that are handed out under it.

Each segment has a lane of its own with a name that was never used before. So no number ever has to
survive a crash: what a killed process had handed out belongs to a name that nobody continues.
"""

import hashlib
from datetime import UTC, datetime, timedelta

from gate.core.ids import uuid7
from gate.journal.layout import Header

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_VARIANT = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}


class Lane:
    """Numbers from 1 and their ids; not safe to share between threads.

    ``epoch`` counts how often the journal failed before; a lane of an earlier one is dead.
    ``taken_bytes`` is what its records take in the segment, up to now.
    """

    __slots__ = ("_digest", "_head", "_milliseconds", "epoch", "header", "last", "taken_bytes")

    def __init__(self, door: str, *, unix_milliseconds: int, random: bytes, epoch: int = 0) -> None:
        writer = f"{door}-{uuid7(unix_milliseconds, random)}"
        self.header = Header(door=door, writer=writer)
        self.epoch = epoch
        self.last = 0
        self.taken_bytes = 0
        self._digest = hashlib.sha256(f"{door}/{writer}".encode())
        self._milliseconds = -1
        self._head = ""

    def next_id(self, now: datetime) -> str:
        """The id of the record numbered ``last`` from here on.

        It is `gate.ledger.identity.mint`'s, of which this is a five times quicker form.
        """
        milliseconds = (now - _EPOCH) // _MILLISECOND
        if milliseconds != self._milliseconds:
            time = f"{milliseconds:012x}"
            self._milliseconds, self._head = milliseconds, f"{time[:8]}-{time[8:]}-7"
        self.last += 1
        digest = self._digest.copy()
        digest.update(self.last.to_bytes(8, "big"))
        text = digest.hexdigest()
        return f"{self._head}{text[1:4]}-{_VARIANT[text[4]]}{text[5:8]}-{text[8:20]}"
