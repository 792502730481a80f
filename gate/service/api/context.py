"""What the routes have at hand."""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from datetime import datetime
from functools import partial
from typing import Annotated, Any, Protocol, TypeVar

import msgspec
from fastapi import Depends, Request

from gate.service.api.identity import Identity
from gate.service.deciding import Decider
from gate.service.decisions import Decisions

Result = TypeVar("Result")


class Delivered(Protocol):
    """The answer to a webhook's delivery."""

    @property
    def status(self) -> int:
        """The HTTP status."""

    @property
    def body(self) -> bytes:
        """JSON, or nothing."""

    @property
    def media_type(self) -> str | None:
        """What the body is; None without one."""

    @property
    def retry_seconds(self) -> int | None:
        """When it is worth delivering again, where it could not be taken."""


Receiver = Callable[[Mapping[str, str], bytes, datetime], Delivered]
"""Takes a delivery of GitHub's: headers in lower case, body, instant. For a thread."""


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """Kept as ``app.state.gate``; ``receiver`` None: GitHub's webhook is off.

    ``secured``: who asks needs credentials.
    ``threads`` are for what waits, for a database or GitHub; the loop's own are for what decides.
    """

    decider: Decider
    decisions: Decisions
    clock: Callable[[], datetime]
    threads: Executor
    secured: bool = True
    receiver: Receiver | None = None

    async def waited(self, work: Callable[..., Result], *arguments: Any, **named: Any) -> Result:
        """What ``work`` returns, waited for in a thread."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self.threads, partial(work, *arguments, **named))


def _context(request: Request) -> Any:
    return request.app.state.gate


def _identity(request: Request) -> Any:
    return request.state.identity


Gate = Annotated[Context, Depends(_context)]
Caller = Annotated[Identity, Depends(_identity)]
