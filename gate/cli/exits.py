"""Exit codes of the command line."""

from enum import IntEnum


class Exit(IntEnum):
    """What the process says with its exit code; see docs/reference/exit-codes.md."""

    ALLOWED = 0
    BUG = 1
    BAD_INPUT = 2
    DENIED = 3
    UNDECIDED = 4
    INTERRUPTED = 130
