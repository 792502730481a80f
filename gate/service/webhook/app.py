"""The webhook as an ASGI application: routes, deadlines and refusals; what is true it asks others.

No Kubernetes API call, no database and no disk is waited for here but the journal's fsync.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from gate.cluster.review import BadReview
from gate.service.webhook.bodies import Bodies, Gone, Receive, RefusedBody
from gate.service.webhook.court import Court
from gate.service.webhook.deadlines import Deadlines
from gate.service.webhook.metrics import Metrics
from gate.service.webhook.readiness import Readiness
from gate.service.webhook.settings import Limits
from gate.service.webhook.timeouts import seconds_for

Send = Callable[[dict[str, Any]], Awaitable[None]]
Scope = dict[str, Any]

_JSON = (b"content-type", b"application/json")
_PROBLEM = (b"content-type", b"application/problem+json")
_TEXT = (b"content-type", b"text/plain; version=0.0.4; charset=utf-8")
_CLOSE = (b"connection", b"close")
_ROUTES = {"/validate": b"POST", "/healthz": b"GET", "/readyz": b"GET", "/metrics": b"GET"}


class Webhook:
    """``await webhook(scope, receive, send)`` answers one request."""

    def __init__(
        self,
        court: Court,
        readiness: Readiness,
        metrics: Metrics,
        deadlines: Deadlines,
        limits: Limits,
    ) -> None:
        self._court = court
        self._readiness = readiness
        self._metrics = metrics
        self._limits = limits
        self._bodies = Bodies(limits)
        self._deadlines = deadlines
        self.closing: Callable[[], bool] = lambda: False

    @property
    def held_bytes(self) -> int:
        """Bytes that large bodies hold now."""
        return self._bodies.held

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer; every ending is an HTTP response, unless the client has gone."""
        path = scope["path"]
        method = _ROUTES.get(path)
        if method is None:
            await self._refuse(send, 404, "there is nothing here: POST /validate, GET /healthz, …")
        elif scope["method"].encode() != method and not (
            method == b"GET" and scope["method"] == "HEAD"
        ):
            await self._refuse(send, 405, f"{path} takes {method.decode()}", (b"allow", method))
        elif path == "/validate":
            await self._validate(scope, receive, send)
        elif path == "/metrics":
            await self._respond(send, 200, self._metrics.render(), _TEXT)
        elif path == "/healthz":
            await self._respond(send, 200, b'{"status":"ok"}', _JSON)
        else:
            ready, body = self._readiness.report()
            await self._respond(send, 200 if ready else 503, body, _JSON)

    async def _validate(self, scope: Scope, receive: Receive, send: Send) -> None:
        loop = asyncio.get_running_loop()
        # One that began on the short way (`gate.service.webhook.quick`) has used some of its time.
        began = scope["state"].get("began") or loop.time()
        declared, content_type = _body_headers(scope["headers"])
        task = asyncio.current_task()
        assert task is not None
        self._deadlines.watch(task, began + seconds_for(scope["query_string"], self._limits))
        try:
            if content_type.partition(b";")[0].strip().lower() != b"application/json":
                await self._bodies.read(receive, declared, len)
                raise RefusedBody(415, "the content type must be application/json")
            hearing = await self._bodies.read(receive, declared, self._court.hear)
            answer = hearing.answer or await self._court.rule(hearing)
        except asyncio.CancelledError:
            await self._refuse(send, 408, "the body did not arrive in the time allowed", _CLOSE)
        except RefusedBody as refused:
            await self._refuse(send, refused.status, str(refused))
        except BadReview as error:
            await self._refuse(send, 400, str(error))
        except Gone:
            self._metrics.refused("gone")
        else:
            await self._respond(send, 200, answer, _JSON)
            self._metrics.answered(loop.time() - began)
        finally:
            self._deadlines.forget(task)

    async def _refuse(
        self, send: Send, status: int, why: str, *headers: tuple[bytes, bytes]
    ) -> None:
        self._metrics.refused(str(status))
        body = msgspec.json.encode({"title": why, "status": status})
        await self._respond(send, status, body, _PROBLEM, *headers)

    async def _respond(
        self, send: Send, status: int, body: bytes, *headers: tuple[bytes, bytes]
    ) -> None:
        length = (b"content-length", b"%d" % len(body))
        last = (_CLOSE,) if self.closing() and _CLOSE not in headers else ()
        await send(
            {"type": "http.response.start", "status": status, "headers": [*headers, length, *last]}
        )
        await send({"type": "http.response.body", "body": body})


def _body_headers(headers: list[tuple[bytes, bytes]]) -> tuple[int | None, bytes]:
    declared, content_type = None, b""
    for name, value in headers:
        if name == b"content-length" and value.isdigit():
            declared = int(value)
        elif name == b"content-type":
            content_type = value
    return declared, content_type
