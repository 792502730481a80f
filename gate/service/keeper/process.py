"""The keeper's threads: each does one slow thing, and what they learn goes to the workers."""

import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from gate.service.feed import Inputs
from gate.service.informer import Informer
from gate.service.keeper.config import KeeperConfig
from gate.service.keeper.files import prepare
from gate.service.keeper.nicely import background
from gate.service.keeper.server import FeedServer
from gate.service.keeper.shipping import Shipments
from gate.service.logs import log
from gate.service.snapshots import Snapshots
from gate.store.connect import Target, target

NO_DATABASE = "no database is named: locks and overrides are not known"
_ENDING_SECONDS = 5.0
_URGENT = "snapshots"
Work = Callable[[threading.Event], None]


class Keeper:
    """Runs until `stop` is set; then what the journal holds is shipped, for a bounded time."""

    def __init__(self, config: KeeperConfig, environ: Mapping[str, str]) -> None:
        """Raises `InputError` for a DSN that is none, OSError where the folders cannot be used."""
        self._config = config
        self._environ = environ
        self._where: Target | None = target(config.dsn, environ) if config.dsn is not None else None
        prepare(Path(config.state))
        self._feed = FeedServer(Path(config.socket))
        self._failed = threading.Event()

    def run(self, stop: threading.Event) -> bool:
        """Whether it ended as it should: told to, and with nothing left to ship."""
        self._feed.start()
        log("keeper-started", database=self._where is not None)
        shipments = Shipments(Path(self._config.journal), self._where, self._feed.publish)
        shipping = self._start("shipping", shipments.run, stop)
        others = [self._start(name, work, stop) for name, work in self._works().items()]
        stop.wait()
        shipping.join(timeout=self._config.drain_seconds)
        for thread in others:
            thread.join(timeout=_ENDING_SECONDS)
        drained = not shipping.is_alive() and shipments.left == 0
        self._feed.stop()
        log("keeper-ended", failed=self._failed.is_set(), left_in_journal=shipments.left)
        return drained and not self._failed.is_set()

    def _works(self) -> dict[str, Work]:
        config, publish = self._config, self._feed.publish
        works: dict[str, Work] = {}
        if self._where is not None:
            works[_URGENT] = Snapshots(
                self._where,
                Path(config.state),
                publish,
                policy=config.policy,
                calendar=config.calendar,
            ).run
        else:
            publish(Inputs(trouble=NO_DATABASE))
        works["informer"] = Informer(config.kubeconfig, self._environ, publish).run
        return works

    def _start(self, name: str, work: Work, stop: threading.Event) -> threading.Thread:
        def run() -> None:
            if name != _URGENT:
                background()
            try:
                work(stop)
            except Exception as error:
                # A defect: this process ends, and whoever watches over it starts another.
                log("keeper-failed", work=name, error=f"{type(error).__name__}: {error}")
                self._failed.set()
                stop.set()

        thread = threading.Thread(target=run, name=name, daemon=True)
        thread.start()
        return thread
