"""What the webhook was told to do, as one value that every process of it is given."""

from typing import Any

import msgspec

MIB = 1 << 20
MAX_BODY_BYTES = 7 * MIB
"""Largest admission review taken.

etcd holds objects of at most 1.5 MiB, kube-apiserver requests of 3 MiB; a review holds an object
twice, and the rest is room for what JSON escapes.
"""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds of time and memory.

    ``buffered_bytes`` is what bodies over ``small_bytes`` may hold together in one worker; the
    others wait, unread, so that small reviews are always served. With two workers, 200 bodies of
    5 MB at once stay far below the 512 MiB that are allowed. ``informed_seconds`` is how long a new
    worker waits for locks, overrides and revisions before it answers without.

    ``idle_seconds`` is more than the 90 after which an API server closes an idle connection: the
    one who sends must be the one who closes, or a request meets a connection on its way out.
    """

    max_body_bytes: int = MAX_BODY_BYTES
    small_bytes: int = MIB // 16
    buffered_bytes: int = 48 * MIB
    idle_seconds: float = 120.0
    request_seconds: float = 10.0
    handshake_seconds: float = 10.0
    connections: int = 2048
    work_share: float = 0.8
    informed_seconds: float = 10.0


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """One webhook. Paths are absolute; ``policy`` or ``calendars`` empty: from the database.

    The database's address is not here: workers do not need it, and arguments of a process are seen
    by everyone on the machine. ``keeper``: there is a ``database``, or an API server to watch.
    """

    policy: str | None
    calendars: tuple[str, ...]
    environment: str | None
    journal: str
    journal_cap_bytes: int
    tls_cert: str
    tls_key: str
    tls_client_ca: str | None
    keeper: bool
    database: bool
    own_namespace: str
    workers: int
    drain_seconds: float
    limits: Limits = Limits()

    @property
    def feed_socket(self) -> str:
        """Where the keeper tells the workers what it knows."""
        return f"{self.journal}/keeper.sock"


def encode(settings: Settings) -> str:
    """As a process is given it."""
    return msgspec.json.encode(settings).decode()


def decode(text: str | Any) -> Settings:
    """The same, back."""
    return msgspec.json.decode(text, type=Settings)
