"""One server: the port, the loop, what decides, the workers; from the first moment to the last."""

import asyncio
import contextlib
import signal
import socket
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import uvicorn
import uvloop

from gate.service.api.app import application
from gate.service.api.connections import protocol
from gate.service.api.context import Context, Receiver
from gate.service.api.guard import Guard, new_rates
from gate.service.api.identity import Authenticator, Development
from gate.service.api.settings import Limits, Settings
from gate.service.clock import utc_now
from gate.service.deciding import Decider
from gate.service.decisions import Decisions
from gate.service.listener import address_of
from gate.service.logs import log
from gate.service.workers import Worker, Workers
from gate.store.connect import Target

_THREADS = 8
Doors = Callable[[Decider], Receiver | None]
Staff = Callable[[Decider], Sequence[Worker]]


class Server:
    """Serves until SIGTERM or SIGINT, then answers what was asked, and ships it.

    ``receiver`` and ``workers`` are made from the decider once that decides; ``closing`` is called
    when nobody asks any more. ``authenticate`` is not asked where the settings say ``dev``.
    """

    def __init__(
        self,
        settings: Settings,
        where: Target,
        listener: socket.socket,
        *,
        authenticator: Callable[[Decider], Authenticator],
        receiver: Doors = lambda _: None,
        workers: Staff = lambda _: (),
        closing: Callable[[], None] = lambda: None,
        announce: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._settings = settings
        self._where = where
        self._listener = listener
        self._authenticator = authenticator
        self._receiver = receiver
        self._staff = workers
        self._closing = closing
        self._announce = announce
        self._failed = False

    def run(self) -> bool:
        """False where it ended by a defect, or lost what it had answered."""
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(self._live())

    async def _live(self) -> bool:
        over = asyncio.Event()

        def fail() -> None:
            self._failed = True
            over.set()

        decider = Decider(self._settings.deciding, failed=fail)
        decisions = Decisions(self._where, decider.recent)
        workers = Workers()
        threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="waiting")
        try:
            with _signals(over):
                await decider.open()
                context = Context(
                    decider=decider, decisions=decisions, clock=utc_now, threads=threads,
                    receiver=self._receiver(decider), secured=not self._settings.dev,
                )  # fmt: skip
                for worker in self._staff(decider):
                    workers.start(worker)
                await self._serve(context, over)
        finally:
            await asyncio.to_thread(workers.end)
            whole = await decider.close()
            decisions.close()
            await asyncio.to_thread(self._closing)
            threads.shutdown(wait=False, cancel_futures=True)
        log("stopped")
        return whole and not self._failed

    async def _serve(self, context: Context, over: asyncio.Event) -> None:
        settings = self._settings
        limits = settings.limits
        app = Guard(
            application(context, parts=settings.only),
            Development() if settings.dev else self._authenticator(context.decider),
            limits,
            None if settings.dev else new_rates(limits),
        )
        server = _Quiet(_config(app, limits))
        serving = asyncio.ensure_future(server.serve(sockets=[self._listener]))
        if not over.is_set():
            self._announce(address_of(self._listener))
            log("serving", address=address_of(self._listener), parts=sorted(settings.only))
        ended = asyncio.ensure_future(over.wait())
        await asyncio.wait({serving, ended}, return_when=asyncio.FIRST_COMPLETED)
        log("draining")
        server.should_exit = True
        ended.cancel()
        await serving


class _Quiet(uvicorn.Server):
    """Leaves signals alone: they are the caller's matter."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


def _config(app: Guard, limits: Limits) -> uvicorn.Config:
    return uvicorn.Config(
        app, http=protocol(limits), ws="none", lifespan="off", interface="asgi3",
        log_config=None, log_level="critical", access_log=False, server_header=False,
        proxy_headers=False, timeout_keep_alive=round(limits.idle_seconds),
        timeout_graceful_shutdown=round(limits.end_seconds),
    )  # fmt: skip


@contextlib.contextmanager
def _signals(over: asyncio.Event) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    numbers = (signal.SIGTERM, signal.SIGINT)
    for number in numbers:
        loop.add_signal_handler(number, over.set)
    try:
        yield
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_IGN)
