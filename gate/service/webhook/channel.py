"""What supervisor and worker say to each other, over a pair of sequenced-packet sockets.

To the worker: a connection (with its descriptor), ``drain``, ``close``. From it: ``ready``.
The end of the channel is the other's end.
"""

import contextlib
import socket
from typing import Literal

CONNECTION, DRAIN, CLOSE, READY = b"c", b"d", b"q", b"r"
Order = Literal["drain", "close"]


def pair() -> tuple[socket.socket, socket.socket]:
    """The supervisor's end and the worker's."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.setblocking(False)
    theirs.setblocking(False)
    return ours, theirs


def hand_over(channel: socket.socket, connection: socket.socket) -> bool:
    """Give a connection away; False where the worker takes none now."""
    try:
        socket.send_fds(channel, [CONNECTION], [connection.fileno()])
    except OSError:
        return False
    return True


def order(channel: socket.socket, word: bytes) -> None:
    """Tell a worker something; one that is gone need not hear it."""
    with contextlib.suppress(OSError):
        channel.send(word)


def receive(channel: socket.socket) -> tuple[bytes, socket.socket | None] | None:
    """The next message; None where there is none yet. ``b""`` says that the other end is gone."""
    try:
        word, descriptors, _, _ = socket.recv_fds(channel, 16, 1)
    except BlockingIOError:
        return None
    except OSError:
        return b"", None
    return word, socket.socket(fileno=descriptors[0]) if descriptors else None
