"""Answers of others, bounded: no more bytes than wanted, and no longer than can be waited for."""

from collections.abc import Callable, Iterable


class BeyondBoundsError(OSError):
    """There is more of it, or it takes longer, than is allowed."""


def gathered(
    pieces: Iterable[bytes], most_bytes: int, most_seconds: float, clock: Callable[[], float]
) -> bytes:
    """The pieces together. ``clock`` counts seconds. Raises `BeyondBoundsError`.

    A piece that does not come is for whoever yields them to give up on.
    """
    deadline = clock() + most_seconds
    body = bytearray()
    for piece in pieces:
        body += piece
        if len(body) > most_bytes:
            raise BeyondBoundsError(f"more than {most_bytes} bytes")
        if clock() > deadline:
            raise BeyondBoundsError(f"for more than {most_seconds:g} s")
    return bytes(body)
