"""Reading a request's body: bounded in size, in what all hold together, and in time."""

from collections.abc import Awaitable, Callable
from typing import Any

from gate.service.webhook.budget import Budget
from gate.service.webhook.settings import Limits

Receive = Callable[[], Awaitable[dict[str, Any]]]

_DISCARDED_BYTES = 64 << 20
"""So much of a refused body is read and dropped, so that its sender gets to read the refusal."""


class RefusedBody(Exception):  # noqa: N818 - it is an answer, with a status
    """The body is not taken: why, and which HTTP status says so."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Gone(Exception):  # noqa: N818 - no fault of anybody's
    """The client went away."""


class Bodies:
    """Reads bodies for one worker."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._budget = Budget(limits.buffered_bytes)

    @property
    def held(self) -> int:
        """Bytes that large bodies hold now."""
        return self._budget.held

    async def read(
        self, receive: Receive, declared: int | None, use: Callable[[bytes | bytearray], Any]
    ) -> Any:
        """Read the body and return what ``use`` makes of it; it is let go after that.

        ``declared`` is its Content-Length. Raises RefusedBody for one over the limit, Gone where
        the client left.
        """
        limits = self._limits
        if declared is not None and declared > limits.max_body_bytes:
            await self._discard(receive, declared)
            raise self._too_large()
        if declared is not None and declared <= limits.small_bytes:
            return use(await _whole(receive))
        reserved = declared if declared is not None else limits.max_body_bytes
        await self._budget.take(reserved)
        try:
            return use(await self._filled(receive, reserved))
        finally:
            self._budget.give(reserved)

    async def _filled(self, receive: Receive, size: int) -> bytearray:
        body, length = bytearray(size), 0
        while True:
            message = await receive()
            if message["type"] != "http.request":
                raise Gone
            chunk = message["body"]
            if length + len(chunk) > size:
                del body
                await self._discard(receive, None)
                raise self._too_large()
            body[length : length + len(chunk)] = chunk
            length += len(chunk)
            if not message["more_body"]:
                del body[length:]
                return body

    async def _discard(self, receive: Receive, declared: int | None) -> None:
        if declared is not None and declared > _DISCARDED_BYTES:
            return
        seen = 0
        while seen <= _DISCARDED_BYTES:
            message = await receive()
            if message["type"] != "http.request":
                raise Gone
            seen += len(message["body"])
            if not message["more_body"]:
                return

    def _too_large(self) -> RefusedBody:
        return RefusedBody(413, f"the body is larger than {self._limits.max_body_bytes} bytes")


async def _whole(receive: Receive) -> bytes:
    message = await receive()
    if message["type"] != "http.request":
        raise Gone
    if not message["more_body"]:
        body: bytes = message["body"]
        return body
    parts = [message["body"]]
    while message["more_body"]:
        message = await receive()
        if message["type"] != "http.request":
            raise Gone
        parts.append(message["body"])
    return b"".join(parts)
