"""uvicorn's HTTP/1.1 protocol, with bounds on connections that say nothing or too slowly."""

import asyncio
import socket
import ssl
from collections.abc import Callable
from typing import Any

from uvicorn import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from gate.service.webhook.settings import Limits

_FINAL = tuple(f"HTTP/1.1 {digit}".encode() for digit in "2345")
"""How an answer's head begins; what begins with 1 is a word ahead of it, and waits for nothing."""


class _Joined:
    """A transport that writes an answer's head together with its body.

    uvicorn writes them apart, which makes two TLS records and two system calls of each answer.
    """

    __slots__ = ("_head", "_transport")

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._head = b""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Keep a head for what follows it; pass all else on."""
        if self._head:
            self._transport.write(self._head + data)
            self._head = b""
        elif data.startswith(_FINAL):
            self._head = data
        else:
            self._transport.write(data)

    def flush(self) -> None:
        """Write a head that nothing followed."""
        if self._head:
            self._transport.write(self._head)
            self._head = b""

    def close(self) -> None:
        """Close once everything is written."""
        self.flush()
        self._transport.close()


class Connection(HttpToolsProtocol):
    """One connection of a client.

    uvicorn bounds how long a connection may be idle between two requests. Here the time before the
    first one is bounded as well, and the time that a request's headers may take.
    """

    idle_since: float | None = None
    head_seconds: float
    _flush: Callable[[], None]
    _head_timer: asyncio.TimerHandle | None = None
    _in_head = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin; the clock runs."""
        joined = _Joined(transport)
        super().connection_made(joined)  # type: ignore[arg-type]
        self._flush = joined.flush
        self.idle_since = self.loop.time()
        self.timeout_keep_alive_task = self.loop.call_later(
            self.timeout_keep_alive, self.timeout_keep_alive_handler
        )

    def data_received(self, data: bytes) -> None:
        """Parse; headers that did not come whole have to end soon."""
        if self.parser is None:
            return
        self.idle_since = None
        super().data_received(data)
        if self._in_head and self._head_timer is None:
            self._head_timer = self.loop.call_later(
                self.head_seconds, self.timeout_keep_alive_handler
            )

    def on_message_begin(self) -> None:
        """A request's head begins."""
        super().on_message_begin()
        self._in_head = True

    def on_headers_complete(self) -> None:
        """Its head has ended; the body's time is the application's matter."""
        super().on_headers_complete()
        self._in_head = False
        self._stop_head_timer()

    def on_response_complete(self) -> None:
        """Between requests again."""
        self._flush()
        super().on_response_complete()
        self.idle_since = self.loop.time()

    def connection_lost(self, exc: Exception | None) -> None:
        """End; no clock outlives its connection."""
        self._stop_head_timer()
        self._unset_keepalive_if_required()
        super().connection_lost(exc)

    def _stop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None


class Connections:
    """All connections of a worker: made from accepted sockets, counted, bounded, closed."""

    def __init__(
        self,
        app: Callable[..., Any],
        context: ssl.SSLContext,
        limits: Limits,
        prepare: Callable[..., Connection] = Connection,
    ) -> None:
        """``prepare`` makes a connection, from what `Connection` is made from."""
        self._config = Config(
            app, http=Connection, ws="none", lifespan="off", interface="asgi3",
            log_level="critical", access_log=False, server_header=False, date_header=False,
            proxy_headers=False, timeout_keep_alive=round(limits.idle_seconds),
        )  # fmt: skip
        self._config.load()
        self._state = ServerState()
        self._context = context
        self._limits = limits
        self._prepare = prepare
        # In order of age: tasks in which TLS begins.
        self._beginning: dict[asyncio.Task[None], None] = {}
        self._closing = False

    def __len__(self) -> int:
        return len(self._state.connections) + len(self._beginning)

    @property
    def closing(self) -> bool:
        """Whether answers are the last of their connections."""
        return self._closing

    def add(self, accepted: socket.socket) -> None:
        """Begin TLS on an accepted socket.

        Where there are too many connections, one that has not even begun with TLS makes room, else
        the one that was idle longest; where none is idle, the newcomer is turned away.
        """
        if len(self) >= self._limits.connections and not self._make_room():
            accepted.close()
            return
        task = asyncio.get_running_loop().create_task(self._begin(accepted))
        self._beginning[task] = None
        task.add_done_callback(lambda ended: self._beginning.pop(ended, None))

    def last_answers(self) -> None:
        """From now on each answer closes its connection (it says so)."""
        self._closing = True
        for connection in self._each():
            if connection.cycle is not None and not connection.cycle.response_complete:
                connection.cycle.keep_alive = False

    def close_idle(self) -> None:
        """Close connections on which nothing is asked."""
        for connection in self._each():
            connection.shutdown()

    async def ended(self, seconds: float) -> bool:
        """Wait until none is left; False where some still are after ``seconds``."""
        deadline = asyncio.get_running_loop().time() + seconds
        while len(self):
            left = deadline - asyncio.get_running_loop().time()
            if left <= 0:
                return False
            await asyncio.sleep(min(0.02, left))
        return True

    async def _begin(self, accepted: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        try:
            await loop.connect_accepted_socket(
                self._make, accepted, ssl=self._context,
                ssl_handshake_timeout=self._limits.handshake_seconds, ssl_shutdown_timeout=2.0,
            )  # fmt: skip
        except (OSError, ssl.SSLError, asyncio.CancelledError):
            # A port scan, a plain-text client, a client that trusts another authority; or one that
            # had to make room, which nobody waits for.
            accepted.close()

    def _make(self) -> Connection:
        connection = self._prepare(self._config, self._state, {}, asyncio.get_running_loop())
        connection.head_seconds = self._limits.request_seconds
        return connection

    def _each(self) -> list[Connection]:
        return [each for each in self._state.connections if isinstance(each, Connection)]

    def _make_room(self) -> bool:
        if self._beginning:
            oldest = next(iter(self._beginning))
            del self._beginning[oldest]
            oldest.cancel()
            return True
        idle = [each for each in self._each() if each.idle_since is not None]
        if not idle:
            return False
        min(idle, key=lambda each: each.idle_since or 0.0).shutdown()
        return True
