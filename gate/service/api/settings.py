"""What the server was told to do, and its bounds."""

import msgspec

from gate.service.deciding import DecidingSettings

MIB = 1 << 20
PARTS = ("api", "dashboard", "workers")


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds of time, memory and pace.

    ``delivery_bytes`` is GitHub's own limit of a webhook's body. ``buffered_bytes`` is what bodies
    over ``small_bytes`` may hold together; the others wait, unread. ``rate`` requests a second,
    ``burst`` at once, are taken from one caller, and as many failures from one address.
    """

    body_bytes: int = MIB
    delivery_bytes: int = 25 * MIB
    small_bytes: int = MIB // 16
    buffered_bytes: int = 64 * MIB
    head_bytes: int = MIB // 16
    head_seconds: float = 10.0
    body_seconds: float = 20.0
    request_seconds: float = 30.0
    idle_seconds: float = 75.0
    end_seconds: float = 15.0
    requests: int = 4096
    rate: float = 50.0
    burst: int = 200


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """One server. ``only`` are the parts that it runs; ``dev``: on loopback, nobody is asked.

    ``kubeconfig`` is the cluster whose floors its workers keep; None: of none.
    """

    deciding: DecidingSettings
    dev: bool
    kubeconfig: str | None = None
    only: frozenset[str] = frozenset(PARTS)
    limits: Limits = Limits()
