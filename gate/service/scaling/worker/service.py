"""The worker with its inputs: as a process of its own, and beside the doors of a server."""

import os
import secrets
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

from kubernetes.client import ApiClient

from gate.core.problems import Problem
from gate.inputs import Compiled, Unreadable
from gate.service.following import CONNECTING_SECONDS, Following, followed
from gate.service.keeper.kube import named_client
from gate.service.load.observing import Observing
from gate.service.load.watch import Watch
from gate.service.outbox import Outbox
from gate.service.scaling.cluster import WIDTH
from gate.service.scaling.standing import StandingHolds
from gate.service.scaling.worker.planning import Planning
from gate.service.scaling.worker.prescaler import PrescaleWorker, Settings
from gate.service.signals import stopped_by_signals
from gate.store.connect import Target, target

AHEAD, HOLD = timedelta(minutes=30), timedelta(hours=1)
_ACCOUNT_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
_OWN_NAMESPACE = "saturday-gate"
_SOON_SECONDS = 0.05
Read = Callable[[], tuple[Compiled | Unreadable, tuple[Problem, ...]]]
"""What is in force, and what is wrong with what was read last."""


def serve(
    kubeconfig: str | None,
    policy: str | None,
    calendars: Sequence[str],
    settings: Settings,
    *,
    dsn: str | None,
    state: Path | None = None,
    ahead: timedelta = AHEAD,
    hold: timedelta = HOLD,
) -> None:
    """Keep the floors until SIGTERM or SIGINT.

    With a database, floors and failures are recorded there, and it has policy and calendar where no
    files are named; ``state`` is the folder that remembers them while it is away. Raises
    `InputError` for settings that are none.
    """
    connect = connector(kubeconfig, os.environ)
    connect()
    inputs = Following(policy, calendars, database=dsn is not None)
    where = None if dsn is None else target(dsn, os.environ)
    observing = Observing(inputs, Watch(os.environ))
    planning = Planning(observing, ahead=ahead, hold=hold)
    standing = None if where is None else StandingHolds(where)
    worker = PrescaleWorker(connect, planning, settings, Outbox(where), standing=standing)
    stop = threading.Event()
    with ExitStack() as stack:
        stack.enter_context(stopped_by_signals(stop))
        if dsn is not None:
            stack.enter_context(followed(inputs, dsn, state, stop, name="prescale"))
        threading.Thread(target=observing.run, args=[stop], name="load", daemon=True).start()
        worker.run(stop)
        observing.end()


def beside_server(
    connect: Callable[[], ApiClient],
    read: Read,
    where: Target,
    environ: Mapping[str, str],
) -> PrescaleWorker:
    """The worker of a server that reads policy and calendar itself; see `ReadElsewhere`."""
    planning = Planning(ReadElsewhere(read), ahead=AHEAD, hold=HOLD)
    standing = StandingHolds(where)
    return PrescaleWorker(connect, planning, settings(environ), Outbox(where), standing=standing)


def settings(
    environ: Mapping[str, str],
    *,
    namespace: str | None = None,
    ready_within: timedelta = timedelta(minutes=5),
) -> Settings:
    """Those of one process; its Lease is kept in the gate's own namespace."""
    return Settings(
        lease_namespace=own_namespace(environ),
        identity=identity(),
        namespace=namespace,
        ready_within=ready_within,
        foresee=True,
    )


class ReadElsewhere:
    """Policy and calendar as another part of this process has read them.

    That may keep the last that were good while what is there now is refused: then both are told.
    """

    lost: str | None = None

    def __init__(self, read: Read) -> None:
        self._read = read
        self._known: Compiled | None = None
        self.trouble: str | None = None
        self.unreadable: Unreadable | None = None

    def look(self) -> Compiled | None:
        """What there is to go by, where it is not what there was at the last call."""
        found, refused = self._read()
        self.trouble = f"cannot be read: {refused[0]}" if refused else None
        if isinstance(found, Unreadable):
            self.unreadable, self.trouble = found, f"cannot be read: {found.problems[0]}"
            return None
        self.unreadable = None
        fresh, self._known = found is not self._known, found
        return found if fresh else None

    def wait(self, stop: threading.Event) -> None:
        """Until something can be read, for as long as a connection to a database may take."""
        for _ in range(int(CONNECTING_SECONDS / _SOON_SECONDS)):
            if isinstance(self._read()[0], Compiled) or stop.wait(_SOON_SECONDS):
                return


def connector(kubeconfig: str | None, environ: Mapping[str, str]) -> Callable[[], ApiClient]:
    """Makes clients of a cluster; credentials are read anew each time, for they are renewed."""
    return lambda: named_client(kubeconfig, environ, connections=WIDTH)


def own_namespace(environ: Mapping[str, str]) -> str:
    """Where the Lease is kept: ``POD_NAMESPACE``, else the pod's own, else ``saturday-gate``."""
    named = environ.get("POD_NAMESPACE")
    if named:
        return named
    try:
        return _ACCOUNT_NAMESPACE.read_text().strip() or _OWN_NAMESPACE
    except OSError:
        return _OWN_NAMESPACE


def identity() -> str:
    """A name for this process that no other has."""
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
