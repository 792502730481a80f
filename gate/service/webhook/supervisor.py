"""The supervisor: holds the port, hands connections to workers in turn, replaces what dies.

It accepts, and does nothing else with a connection: so the port stays open while workers are
replaced, no connection waits in the queue of a socket that is being closed, and connections are
spread evenly, which the kernel's own spreading does not do for some tens of them.
"""

import contextlib
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from tempfile import TemporaryDirectory

from gate.core.backoff import Backoff
from gate.service.keeper.spawned import Spawned
from gate.service.listener import address_of
from gate.service.logs import log
from gate.service.webhook import channel as channels
from gate.service.webhook.acceptor import BUSY_SECONDS, Acceptor
from gate.service.webhook.metrics import FOLDER_VARIABLE, forget
from gate.service.webhook.settings import Settings, encode

_RESTART_SECONDS, _LONGEST_RESTART_SECONDS = 1.0, 30.0
_GRACE_SECONDS = 3.0
_FAILURES = 4


class _Worker:
    """A worker's process and the channel to it."""

    def __init__(self, settings: Settings) -> None:
        self.channel, theirs = channels.pair()
        with theirs:
            self.process = subprocess.Popen(  # noqa: S603  (this interpreter, our own module)
                [sys.executable, "-m", "gate.service.webhook.worker", str(theirs.fileno()),
                 encode(settings)],
                pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL,
            )  # fmt: skip
        self.ready = False
        self.leaving = False
        self.successor: _Worker | None = None

    @property
    def serving(self) -> bool:
        """Whether connections may be handed to it."""
        return self.ready and not self.leaving


class Supervisor:
    """One webhook: the listening socket, its workers and the keeper."""

    def __init__(
        self,
        settings: Settings,
        listener: socket.socket,
        *,
        keeper: bytes | None = None,
        announce: Callable[[str], None] = lambda _: None,
    ) -> None:
        """``keeper`` are the keeper's settings, None where it has nothing to do."""
        self._settings = settings
        self._listener = listener
        self._announce = announce
        self._announced = False
        self._failures = 0
        self._backoff = Backoff(_RESTART_SECONDS, _LONGEST_RESTART_SECONDS)
        self._failed = False
        self._keeper_config = keeper
        self._keeper: Spawned | None = None
        self._workers: deque[_Worker] = deque()
        self._selector = selectors.DefaultSelector()
        self._timers: list[tuple[float, Callable[[], object]]] = []
        self._stopping = False
        self._acceptor = Acceptor(listener, self._selector, self._hand_over, self._after)
        self._stop_by = 0.0

    def run(self) -> bool:
        """Serve until SIGTERM or SIGINT; SIGHUP replaces the workers one by one.

        False where no worker could begin to serve.
        """
        with self._signals(), TemporaryDirectory(prefix="gate-metrics-") as folder:
            os.environ[FOLDER_VARIABLE] = folder
            self._start_keeper()
            for _ in range(self._settings.workers):
                self._start_worker()
            try:
                while self._workers or not self._stopping:
                    self._turn()
            finally:
                self._kill_workers()
                if self._keeper is not None:
                    self._keeper.end()
        log("stopped")
        return not self._failed

    def _turn(self) -> None:
        now = time.monotonic()
        due = [timer for timer in self._timers if timer[0] <= now]
        self._timers = [timer for timer in self._timers if timer[0] > now]
        for _, call in due:
            call()
        timeout = min((at - time.monotonic() for at, _ in self._timers), default=None)
        for key, _ in self._selector.select(None if timeout is None else max(timeout, 0.0)):
            key.data()

    def _after(self, seconds: float, call: Callable[[], object]) -> None:
        self._timers.append((time.monotonic() + seconds, call))

    def _start_worker(self) -> _Worker:
        worker = _Worker(self._settings)
        self._workers.append(worker)
        self._selector.register(worker.channel, selectors.EVENT_READ, lambda: self._hear(worker))
        return worker

    def _hear(self, worker: _Worker) -> None:
        message = channels.receive(worker.channel)
        if message is None:
            return
        word, _ = message
        if word == channels.READY:
            worker.ready = True
            log("worker-ready", pid=worker.process.pid)
            for each in self._workers:
                if each.successor is worker:
                    self._dismiss(each)
            self._accept_or_not()
        else:
            self._bury(worker)

    def _bury(self, worker: _Worker) -> None:
        self._selector.unregister(worker.channel)
        worker.channel.close()
        self._workers.remove(worker)
        self._accept_or_not()
        if worker.leaving:
            self._after(0.0, lambda: self._reap(worker))
            return
        code = self._reap(worker)
        log("worker-died", pid=worker.process.pid, code=code)
        if self._stopping:
            return
        if worker.ready:
            self._failures, wait_seconds = 0, 0.0
            self._backoff.reset()
        else:
            self._failures, wait_seconds = self._failures + 1, self._backoff.next_seconds()
        if self._failures == _FAILURES and not self._announced:
            # Nobody was ever served: better to end, and be seen to, than to try for ever.
            log("cannot-start", why="no worker becomes ready")
            self._failed = True
            self._begin_to_stop()
        else:
            self._after(wait_seconds, self._replace_dead)

    def _reap(self, worker: _Worker) -> int:
        code = worker.process.wait()
        forget(worker.process.pid)
        return code

    def _replace_dead(self) -> None:
        if not self._stopping:
            self._start_worker()

    def _accept_or_not(self) -> None:
        """Connections wait in the kernel's queue while nobody can serve them."""
        self._acceptor.want(any(worker.serving for worker in self._workers))
        if self._acceptor.wanted and not self._announced:
            self._announced = True
            self._announce(address_of(self._listener))

    def _hand_over(self, connection: socket.socket) -> bool:
        with contextlib.suppress(OSError):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for _ in range(len(self._workers)):
            self._workers.rotate(-1)
            worker = self._workers[-1]
            if worker.serving and channels.hand_over(worker.channel, connection):
                return True
        return False

    def _start_keeper(self) -> None:
        if self._keeper_config is None or self._stopping:
            return
        self._keeper = Spawned(self._keeper_config)
        self._after(_RESTART_SECONDS, self._look_after_keeper)

    def _look_after_keeper(self) -> None:
        if self._stopping or self._keeper is None:
            return
        code = self._keeper.ended()
        if code is None:
            self._after(_RESTART_SECONDS, self._look_after_keeper)
        else:
            log("keeper-died", code=code)
            self._start_keeper()

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        reader, writer = socket.socketpair()
        reader.setblocking(False)
        writer.setblocking(False)
        self._selector.register(reader, selectors.EVENT_READ, lambda: self._signalled(reader))
        before = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
        numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
        handlers = {number: signal.signal(number, lambda *_: None) for number in numbers}
        try:
            yield
        finally:
            signal.set_wakeup_fd(before)
            for number, handler in handlers.items():
                signal.signal(number, handler)
            self._selector.close()
            reader.close()
            writer.close()

    def _signalled(self, reader: socket.socket) -> None:
        with contextlib.suppress(BlockingIOError):
            for number in reader.recv(64):
                if number in (signal.SIGTERM, signal.SIGINT):
                    self._begin_to_stop()
                elif number == signal.SIGHUP:
                    self._replace_all()

    def _replace_all(self) -> None:
        """Start a successor of each worker; the old one leaves when its successor is ready."""
        log("replacing-workers")
        for worker in list(self._workers):
            if worker.serving and worker.successor is None and not self._stopping:
                worker.successor = self._start_worker()

    def _dismiss(self, worker: _Worker) -> None:
        worker.leaving = True
        channels.order(worker.channel, channels.CLOSE)
        limit = self._settings.limits.request_seconds + _GRACE_SECONDS
        self._after(limit, lambda: self._kill(worker))

    def _begin_to_stop(self) -> None:
        """Not ready any more; serve on until those who send have noticed."""
        if self._stopping:
            return
        self._stopping = True
        log("draining", seconds=self._settings.drain_seconds)
        for worker in self._workers:
            channels.order(worker.channel, channels.DRAIN)
        seconds = self._settings.drain_seconds
        self._stop_by = time.monotonic() + seconds + self._settings.limits.request_seconds
        self._after(seconds, self._stop)

    def _stop(self) -> None:
        # Whoever still waits when the listener is closed is cut off.
        acceptor = self._acceptor
        if acceptor.wanted and not acceptor.emptied() and time.monotonic() < self._stop_by:
            self._after(BUSY_SECONDS, self._stop)
            return
        acceptor.close()
        for worker in self._workers:
            self._dismiss(worker)

    def _kill(self, worker: _Worker) -> None:
        if worker.process.poll() is None:
            log("worker-killed", pid=worker.process.pid)
            worker.process.kill()

    def _kill_workers(self) -> None:
        for worker in self._workers:
            worker.process.kill()
            worker.process.wait()
            worker.channel.close()
