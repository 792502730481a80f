"""uvicorn's HTTP/1.1 protocol with the bounds of `gate.service.webhook.protocol`, and of a head."""

from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from gate.service.api.problems import Refused, answer
from gate.service.api.settings import Limits
from gate.service.webhook.protocol import Connection


def protocol(limits: Limits) -> type[Connection]:
    """The class of a server's connections."""

    class ApiConnection(Connection):
        """One client's connection."""

        head_seconds = limits.head_seconds
        _head_bytes = 0

        def data_received(self, data: bytes) -> None:
            """Parse, unless a head has no end."""
            if self._in_head:
                self._head_bytes += len(data)
                if self._head_bytes > limits.head_bytes:
                    self._end(Refused(431, "the request's head is too large"))
                    return
            super().data_received(data)

        def on_headers_complete(self) -> None:
            """The head has ended."""
            self._head_bytes = 0
            super().on_headers_complete()

        def send_400_response(self, msg: str) -> None:
            """What cannot be parsed is a problem as any other."""
            self._end(Refused(400, "this is no HTTP request"))

        def _end(self, refused: Refused) -> None:
            status, body, headers = answer(refused)
            headers["connection"] = "close"
            lines = b"".join(f"{name}: {value}\r\n".encode() for name, value in headers.items())
            transport: Any = self.transport
            transport.write(STATUS_LINE[status] + lines + b"\r\n" + body)
            transport.close()

    return ApiConnection
