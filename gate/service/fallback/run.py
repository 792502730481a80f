"""`gate fallback run`: the worker with its inputs, as a process."""

import os
import threading
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from gate.service.fallback.cluster import Cluster
from gate.service.fallback.worker import Settings, Worker
from gate.service.following import Following, followed
from gate.service.signals import stopped_by_signals


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
        stack.enter_context(stopped_by_signals(stop))
        if dsn is not None:
            stack.enter_context(followed(inputs, dsn, state, stop, name="fallback"))
            inputs.wait(stop)
        if once:
            return worker.round()
        worker.run(stop)
    return True
