"""`gate fallback run`: the worker with its inputs, as a process."""

import os
import signal
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from gate.service.fallback.cluster import Cluster
from gate.service.fallback.inputs import Following
from gate.service.fallback.worker import Settings, Worker
from gate.service.signals import set_on

CONNECTING_SECONDS = 6.0
"""How long the database is waited for at the start; a connection may take five."""
_SOON_SECONDS = 0.05


def serve(
    kubeconfig: str | None,
    policy: str | None,
    calendars: Sequence[str],
    settings: Settings,
    *,
    dsn: str | None,
    state: Path | None,
    once: bool,
) -> bool:
    """Keep the lock until SIGTERM or SIGINT, or (``once``) until it is installed.

    With a database, locks come from there, and policy and calendar where no files are given;
    ``state`` is the folder that remembers them while it is away. False where ``once`` failed.
    Raises `InputError` for settings that are none.
    """
    cluster = Cluster.connect(kubeconfig, os.environ)
    inputs = Following(policy, calendars, database=dsn is not None)
    worker = Worker(cluster, inputs, settings)
    stop = threading.Event()
    with ExitStack() as stack:
        stack.enter_context(_stopped_by_signals(stop))
        if dsn is not None:
            stack.enter_context(_database(dsn, state, inputs, stop))
            _wait_for(inputs, stop)
        if once:
            return worker.round()
        worker.run(stop)
    return True


def _wait_for(inputs: Following, stop: threading.Event) -> None:
    """Until the database has told what there is, or for as long as a connection may take."""
    deadline = time.monotonic() + CONNECTING_SECONDS
    while (inputs.waits or inputs.lost is not None) and time.monotonic() < deadline:
        if stop.wait(_SOON_SECONDS):
            return


@contextmanager
def _stopped_by_signals(stop: threading.Event) -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    set_on(stop, *before)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _database(
    dsn: str, state: Path | None, inputs: Following, stop: threading.Event
) -> Iterator[None]:
    """Follow locks, and policy and calendar where no files are named."""
    from gate.service.keeper.files import prepare  # noqa: PLC0415  (loads the database driver)
    from gate.service.snapshots import Snapshots  # noqa: PLC0415
    from gate.store.connect import target  # noqa: PLC0415

    where = target(dsn, os.environ)
    with ExitStack() as stack:
        if state is None:
            made = tempfile.TemporaryDirectory(prefix="gate-fallback-", ignore_cleanup_errors=True)
            state = Path(stack.enter_context(made))
        prepare(state)
        snapshots = Snapshots(
            where, state, inputs.take, policy=inputs.wants_policy, calendar=inputs.wants_calendar
        )
        thread = threading.Thread(target=snapshots.run, args=[stop], name="database", daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join(timeout=5.0)
