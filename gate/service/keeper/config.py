"""What the keeper is told by whoever starts it."""

import sys
from pathlib import Path

import msgspec

from gate.core.problems import InputError


class KeeperConfig(msgspec.Struct, frozen=True, kw_only=True):
    """The keeper's settings, as JSON.

    ``dsn`` None: there is no database, nothing is shipped and no lock is known. ``journal`` and
    ``state`` are folders, ``state`` one that no other keeper uses; ``socket`` is the feed's.
    ``policy`` and ``calendar`` tell whether these come from the database. ``drain_seconds`` bounds
    what is shipped after SIGTERM.
    """

    journal: str
    state: str
    socket: str
    dsn: str | None = None
    kubeconfig: str | None = None
    policy: bool = False
    calendar: bool = False
    drain_seconds: float = 20.0

    def __repr__(self) -> str:
        return f"KeeperConfig(state={self.state!r})"


def encode(config: KeeperConfig) -> bytes:
    """The settings as one line of JSON, without its end."""
    return msgspec.json.encode(config)


def read_config(argument: str) -> KeeperConfig:
    """The settings: JSON text, ``-`` for the first line of standard input, else a file's name.

    A DSN with a password belongs into the input or a file that nobody else can read: arguments are
    seen by every user of the machine. Raises `InputError`.
    """
    try:
        if argument.startswith("{"):
            text = argument.encode()
        elif argument == "-":
            text = sys.stdin.buffer.readline()
        else:
            text = Path(argument).read_bytes()
        return msgspec.json.decode(text, type=KeeperConfig)
    except (OSError, msgspec.MsgspecError, ValueError) as error:
        said = getattr(error, "strerror", None) or str(error)
        raise InputError.of(
            f"the keeper's settings cannot be read: {said}", field="CONFIG"
        ) from None
