"""The keeper: locks and overrides first, everything slow in a process of its own."""

import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from gate.service.feed import Inputs
from gate.service.keeper.child import Background
from gate.service.keeper.config import KeeperConfig
from gate.service.keeper.files import prepare
from gate.service.keeper.server import FeedServer
from gate.service.logs import log
from gate.service.snapshots import Snapshots
from gate.store.connect import Target, target

NO_DATABASE = "no database is named: locks and overrides are not known"
_ENDING_SECONDS = 5.0
Work = Callable[[threading.Event], None]


class Keeper:
    """Runs until `stop` is set; then what the journal holds is shipped, for a bounded time."""

    def __init__(self, config: KeeperConfig, environ: Mapping[str, str]) -> None:
        """Raises `InputError` for a DSN that is none, OSError where the folders cannot be used."""
        self._config = config
        self._where: Target | None = target(config.dsn, environ) if config.dsn is not None else None
        prepare(Path(config.state))
        self._feed = FeedServer(Path(config.socket))
        self._failed = threading.Event()

    def run(self, stop: threading.Event) -> bool:
        """Whether it ended as it should: told to, and with nothing left to ship."""
        self._feed.start()
        log("keeper-started", database=self._where is not None)
        background = Background(self._config, self._feed.publish)
        threads = [self._start("background", background.run, stop)]
        if self._where is None:
            self._feed.publish(Inputs(trouble=NO_DATABASE))
        else:
            threads.append(self._start("snapshots", self._snapshots(self._where).run, stop))
        stop.wait()
        deadline_seconds = self._config.drain_seconds + _ENDING_SECONDS
        for thread in threads:
            thread.join(timeout=deadline_seconds)
        self._feed.stop()
        log("keeper-ended", failed=self._failed.is_set(), drained=background.drained)
        return background.drained and not self._failed.is_set()

    def _snapshots(self, where: Target) -> Snapshots:
        config = self._config
        return Snapshots(
            where,
            Path(config.state),
            self._feed.publish,
            policy=config.policy,
            calendar=config.calendar,
        )

    def _start(self, name: str, work: Work, stop: threading.Event) -> threading.Thread:
        def run() -> None:
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
