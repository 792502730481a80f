"""What can be wrong with a journal."""

from typing import Literal

from gate.store.errors import StoreUnavailable

What = Literal["full", "cap", "gone", "io", "stalled", "queue", "closed"]
"""``full`` no space on the disk, ``cap`` the journal's own limit, ``gone`` its folder or file,
``io`` any other error of the disk, ``stalled`` a disk that does not answer, ``queue`` too much
waiting for it, ``closed`` a journal that is closed or not open yet."""


class JournalUnavailable(StoreUnavailable):
    """The record is not known to be durable: the answer is *undecided* (``store-unavailable``)."""

    def __init__(self, what: What, message: str) -> None:
        super().__init__(message)
        self.what: What = what
