"""The short way from an ordinary review to its answer, without a task of its own.

ASGI gives each request a task, an event, a queue and a dictionary of its scope; for a review of the
usual size they cost as much as the decision. Such a request is judged in the parser's callback, and
answered in that of the journal. Whatever is not ordinary (a large body, another path, a refusal)
goes the long way, through `gate.service.webhook.app`; both ways hear and conclude by the same
`Court`.
"""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

from gate.service.webhook.court import Court, Hearing
from gate.service.webhook.deadlines import Deadlines
from gate.service.webhook.metrics import Metrics
from gate.service.webhook.protocol import Connection
from gate.service.webhook.settings import Limits
from gate.service.webhook.timeouts import seconds_for

_PATH = b"/validate"
_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n"
_CLOSE = b"connection: close\r\n"


class Desk:
    """What the short way needs, for all connections of a worker."""

    def __init__(
        self, court: Court, metrics: Metrics, deadlines: Deadlines, limits: Limits
    ) -> None:
        self.court = court
        self.metrics = metrics
        self.deadlines = deadlines
        self.limits = limits
        self.closing: Callable[[], bool] = lambda: False

    def connection(self, *arguments: Any) -> "QuickConnection":
        """A connection that takes the short way where it can."""
        made = QuickConnection(*arguments)
        made.desk = self
        return made


class _Nobody:
    """Stands for an event that nobody waits for."""

    def set(self) -> None:
        """Wake nobody."""


class _Case:
    """A request on its short way; it has what uvicorn's protocol asks of a cycle."""

    __slots__ = ("began", "disconnected", "keep_alive", "response_complete")
    message_event = _Nobody()

    def __init__(self, keep_alive: bool, began: float) -> None:
        self.keep_alive = keep_alive
        self.began = began
        self.disconnected = False
        self.response_complete = False


class QuickConnection(Connection):
    """A connection that takes the short way where it can."""

    desk: Desk
    _case: _Case | None = None
    _body_timer: asyncio.TimerHandle | None = None

    def data_received(self, data: bytes) -> None:
        """Parse; a body that is not whole by its deadline takes the long way, to be refused."""
        super().data_received(data)
        if self._case is not None and self._body_timer is None:
            seconds = seconds_for(self._query(), self.desk.limits)
            self._body_timer = self.loop.call_later(seconds, self._begin_again)

    def connection_lost(self, exc: Exception | None) -> None:
        """End; no clock outlives its connection."""
        self._stop_body_timer()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """A request begins; its scope is made if it goes the long way."""
        self.url = b""
        self.headers = []
        self.expect_100_continue = False
        self._in_head = True

    def on_headers_complete(self) -> None:
        """Choose the way."""
        if not self._is_ordinary():
            self._go_the_long_way()
            return
        self._in_head = False
        self._stop_head_timer()
        self._case = _Case(self.parser.should_keep_alive(), self.loop.time())
        self.cycle = self._case  # type: ignore[assignment]
        self._body = b""

    def on_body(self, body: bytes) -> None:
        """Gather the body."""
        if self._case is not None:
            self._body = self._body + body if self._body else body
        else:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """Judge what has come whole."""
        case = self._case
        if case is None:
            super().on_message_complete()
            return
        try:
            hearing = self.desk.court.hear(self._body)
        except Exception:
            # A bad review, or a bug: the long way has the words for it.
            self._begin_again()
            super().on_message_complete()
        else:
            self._case = None
            self._stop_body_timer()
            self._await(case, hearing)

    def _is_ordinary(self) -> bool:
        if not self.url.startswith(_PATH) or self.url[len(_PATH) : len(_PATH) + 1] not in b"?":
            return False
        if self.expect_100_continue or (self.cycle and not self.cycle.response_complete):
            return False
        length = kind = None
        for name, value in self.headers:
            if name == b"content-length":
                length = value
            elif name == b"content-type":
                kind = value
            elif name == b"transfer-encoding":
                return False
        return (
            kind == b"application/json"
            and length is not None
            and length.isdigit()
            and 0 < int(length) <= self.desk.limits.small_bytes
            and self.parser.get_method() == b"POST"
            and self.parser.get_http_version() == "1.1"
        )

    def _query(self) -> bytes:
        return self.url.partition(b"?")[2]

    def _stop_body_timer(self) -> None:
        if self._body_timer is not None:
            self._body_timer.cancel()
            self._body_timer = None

    def _go_the_long_way(self) -> None:
        url, headers, expect = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url, self.expect_100_continue = url, expect
        self.headers.extend(headers)
        super().on_headers_complete()

    def _begin_again(self) -> None:
        case, body = self._case, self._body
        assert case is not None
        self._case = None
        self._stop_body_timer()
        self.cycle = None  # type: ignore[assignment]
        self.app_state["began"] = case.began
        self._go_the_long_way()
        del self.app_state["began"]
        if body:
            super().on_body(body)

    def _await(self, case: _Case, hearing: Hearing) -> None:
        recording = hearing.recording
        if recording is None:
            self._answer(case, hearing.answer or self.desk.court.conclude(hearing))
            return
        seconds = seconds_for(self._query(), self.desk.limits)
        self.desk.deadlines.watch(recording, case.began + seconds)
        recording.add_done_callback(partial(self._recorded, case, hearing))

    def _recorded(self, case: _Case, hearing: Hearing, recording: asyncio.Future[None]) -> None:
        self.desk.deadlines.forget(recording)
        self._answer(case, self.desk.court.conclude(hearing))

    def _answer(self, case: _Case, body: bytes) -> None:
        case.response_complete = True
        if case.disconnected or self.transport.is_closing():
            return
        stays = case.keep_alive and not self.desk.closing()
        ending = b"\r\n" if stays else _CLOSE + b"\r\n"
        self.transport.write(b"".join((_HEAD % len(body), ending, body)))
        self.desk.metrics.answered(self.loop.time() - case.began)
        if not stays:
            self.transport.close()
        self.on_response_complete()
