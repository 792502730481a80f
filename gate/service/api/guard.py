"""What stands before every route: size, time, pace and credentials of a request, and its failures.

Whatever happens behind it, the client gets a problem document; a traceback goes nowhere.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from gate.service.api.identity import Authenticator, Identity
from gate.service.api.problems import Refused, send_problem
from gate.service.api.rates import Rates
from gate.service.api.settings import Limits
from gate.service.logs import log
from gate.service.webhook.bodies import Bodies, Gone, Receive, RefusedBody
from gate.service.webhook.settings import Limits as BodyLimits

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

OPEN_PATHS = frozenset(("/healthz", "/github/webhook"))
"""Without credentials: the latter is guarded by its signature."""
DELIVERIES = "/github/webhook"
_DISCARDED_BYTES = 1 << 20
_DISCARD_SECONDS = 2.0


class Guard:
    """An ASGI application around another one.

    ``rates`` None: as many requests as come.
    """

    def __init__(
        self, app: App, authenticate: Authenticator, limits: Limits, rates: Rates | None
    ) -> None:
        self._app = app
        self._authenticate = authenticate
        self._limits = limits
        self._rates = rates
        self._bodies = Bodies(_body_limits(limits, limits.body_bytes))
        self._deliveries = Bodies(_body_limits(limits, limits.delivery_bytes))
        self._requests = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        self._requests += 1
        exchange = _Exchange(receive, send)
        try:
            async with asyncio.timeout(self._limits.request_seconds):
                await self._admit(scope, exchange)
        except Refused as refused:
            await exchange.refuse(refused)
        except Gone:
            return
        except TimeoutError:
            await exchange.refuse(Refused(503, "the answer took too long", headers=_CLOSE))
        except Exception as error:
            _report(scope, error)
            await exchange.refuse(Refused(500, "a defect of the gate; its log says more"))
        finally:
            self._requests -= 1

    async def _admit(self, scope: Scope, exchange: "_Exchange") -> None:
        if self._requests > self._limits.requests:
            raise Refused(503, "too many requests at once", headers={"retry-after": "1"})
        headers = dict(scope["headers"])
        if scope["path"] not in OPEN_PATHS:
            client = scope["client"][0] if scope.get("client") else ""
            identity = await self._authenticate(headers, client)
            self._pace(identity)
            scope.setdefault("state", {})["identity"] = identity
        body = await self._body(scope, headers, exchange)
        if scope["method"] == "HEAD":
            # The server sends the head alone; routes need not know.
            scope = {**scope, "method": "GET"}
        await self._app(scope, _once(body, exchange.receive), exchange.send)

    def _pace(self, identity: Identity) -> None:
        if self._rates is not None and (seconds := self._rates.take(identity.key)):
            raise too_many(seconds)

    async def _body(
        self, scope: Scope, headers: dict[bytes, bytes], exchange: "_Exchange"
    ) -> bytes:
        declared = headers.get(b"content-length", b"")
        chunked = b"transfer-encoding" in headers
        if not chunked and declared in (b"", b"0"):
            exchange.body_read = True
            return b""
        bodies = self._deliveries if scope["path"] == DELIVERIES else self._bodies
        length = int(declared) if declared.isdigit() and not chunked else None
        try:
            async with asyncio.timeout(self._limits.body_seconds):
                body: bytes = await bodies.read(exchange.receive, length, bytes)
        except RefusedBody as refused:
            exchange.body_read = True
            raise Refused(refused.status, str(refused), headers=_CLOSE) from None
        except TimeoutError:
            exchange.body_read = True
            raise Refused(408, "the body did not arrive in time", headers=_CLOSE) from None
        exchange.body_read = True
        return body


class _Exchange:
    """One request and its answer: what was sent already, and whether the body was read."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self.receive = receive
        self._send = send
        self._begun = False
        self.body_read = False

    async def send(self, message: MutableMapping[str, Any]) -> None:
        """Pass a part of the answer on."""
        self._begun = True
        await self._send(message)

    async def refuse(self, refused: Refused) -> None:
        """Answer with a problem, unless an answer has begun: that one is cut off then."""
        if self._begun:
            raise ConnectionAbortedError("the answer cannot be completed")
        if not self.body_read and not await self._discard():
            refused.headers.update(_CLOSE)
        await send_problem(self._send, refused)

    async def _discard(self) -> bool:
        """Read a body that nobody wants, so that its sender reads the answer; False: too much."""
        seen = 0
        try:
            async with asyncio.timeout(_DISCARD_SECONDS):
                while seen <= _DISCARDED_BYTES:
                    message = await self.receive()
                    if message["type"] != "http.request":
                        return False
                    if not message["more_body"]:
                        return True
                    seen += len(message["body"])
        except TimeoutError:
            pass
        return False


_CLOSE = {"connection": "close"}


def too_many(seconds: float) -> Refused:
    """Refuse for so long."""
    wait = str(int(seconds) + 1)
    return Refused(429, f"too many requests; try again in {wait} s", headers={"retry-after": wait})


def new_rates(limits: Limits) -> Rates:
    """Buckets by these limits and the machine's clock."""
    return Rates(limits.rate, limits.burst, time.monotonic)


def _once(body: bytes, after: Receive) -> Receive:
    given = False

    async def receive() -> dict[str, Any]:
        nonlocal given
        if given:
            return await after()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


def _body_limits(limits: Limits, most: int) -> BodyLimits:
    return BodyLimits(
        max_body_bytes=most, small_bytes=limits.small_bytes, buffered_bytes=limits.buffered_bytes
    )


def _report(scope: Scope, error: Exception) -> None:
    """Log a defect by its kind and places; what it says may hold what the request held."""
    places = []
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        places.append(f"{code.co_filename}:{trace.tb_lineno}")
        trace = trace.tb_next
    log("request-failed", method=scope["method"], error=type(error).__name__, at=places[-8:])
