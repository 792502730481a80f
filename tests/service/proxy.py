"""A TCP proxy before PostgreSQL's Unix socket that can fall silent, as a network does."""

import selectors
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import msgspec

from gate.store.connect import Target
from tests.postgres import server


class Proxy:
    """Forwards, or in `silent` takes what is sent and gives nothing on; connections stay open.

    It falls silent by itself once it has forwarded ``left`` pieces of the client's, if that is
    given.
    """

    def __init__(self) -> None:
        self.silent = False
        self.left: int | None = None
        self.accepted = 0
        self._upstream = f"{server().host}/.s.PGSQL.5432"
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._selector = selectors.DefaultSelector()
        self._wake, self._woken = socket.socketpair()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._selector.register(self._woken, selectors.EVENT_READ)
        self._other: dict[socket.socket, socket.socket] = {}
        self._clients: set[socket.socket] = set()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while True:
            for key, _ in self._selector.select():
                if key.fileobj is self._woken:
                    return
                if key.fileobj is self._listener:
                    self._accept()
                else:
                    assert isinstance(key.fileobj, socket.socket)
                    self._forward(key.fileobj)

    def _accept(self) -> None:
        client, _ = self._listener.accept()
        upstream = socket.socket(socket.AF_UNIX)
        upstream.connect(self._upstream)
        self.accepted += 1
        self._clients.add(client)
        for one, other in ((client, upstream), (upstream, client)):
            self._other[one] = other
            self._selector.register(one, selectors.EVENT_READ)

    def _forward(self, one: socket.socket) -> None:
        other = self._other.get(one)
        if other is None:
            return
        data = b""
        with suppress(OSError):
            data = one.recv(1 << 16)
            if self.left is not None and one in self._clients:
                self.silent = self.left <= 0
                self.left -= 1
            if data and not self.silent:
                other.sendall(data)
        if not data:
            for each in (one, other):
                self._selector.unregister(each)
                del self._other[each]
                self._clients.discard(each)
                each.close()

    def close(self) -> None:
        self._wake.send(b"x")
        self._thread.join()
        for each in (*self._other, self._listener, self._wake, self._woken):
            each.close()
        self._selector.close()


@contextmanager
def proxied(where: Target) -> Iterator[tuple[Proxy, Target]]:
    """The proxy, and the database as it is reached through it."""
    proxy = Proxy()
    dsn = where.dsn.replace(f"host='{server().host}' port=5432", "")
    dsn += f" host=127.0.0.1 port={proxy.port} sslmode=disable gssencmode=disable"
    try:
        yield proxy, msgspec.structs.replace(where, dsn=dsn)
    finally:
        proxy.close()
