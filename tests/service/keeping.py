"""A keeper as a process, as the webhook's supervisor starts one."""

import itertools
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import msgspec

from gate.service.keeper.config import KeeperConfig
from gate.store.connect import Target
from tests.service.until import until

_numbers = itertools.count(1)
ROOT = Path(__file__).parents[2]


def config_of(where: Target | None, folder: Path, **more: object) -> KeeperConfig:
    """Settings with all folders in one."""
    journal = folder / "journal"
    journal.mkdir(exist_ok=True)
    return msgspec.structs.replace(
        KeeperConfig(
            journal=str(journal),
            state=str(folder / "state"),
            socket=str(folder / "state" / "feed.sock"),
            dsn=where.dsn if where is not None else None,
        ),
        **more,
    )


class Keeping:
    """The process and what it says."""

    def __init__(self, process: subprocess.Popen[bytes], errors: Path) -> None:
        self.process = process
        self._errors = errors

    @property
    def pid(self) -> int:
        return self.process.pid

    def said(self) -> list[dict[str, object]]:
        """Its log lines; each must be JSON."""
        return [msgspec.json.decode(line) for line in self._errors.read_bytes().splitlines()]

    def events(self) -> list[object]:
        return [line["event"] for line in self.said()]

    def end(self, seconds: float = 60) -> int:
        """SIGTERM; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=seconds)

    def background(self) -> int:
        """The process id of its newest background process."""
        return until(
            lambda: next(
                (
                    line["pid"]
                    for line in reversed(self.said())
                    if line["event"] == "background-started" and isinstance(line["pid"], int)
                ),
                0,
            )
        )

    def resident_mebibytes(self) -> list[float]:
        """Of itself and of its background process."""
        page = os.sysconf("SC_PAGE_SIZE") / 2**20
        statistics = (Path(f"/proc/{pid}/statm") for pid in (self.pid, self.background()))
        return [round(int(each.read_text().split()[1]) * page, 1) for each in statistics]


@contextmanager
def keeping(
    config: KeeperConfig,
    schema: str | None = None,
    *,
    stdin: int | IO[bytes] = subprocess.PIPE,
) -> Iterator[Keeping]:
    """Run one during the block; it is killed where it still runs then."""
    # The background process of one that was killed may still write to its own.
    errors = Path(config.journal).parent / f"keeper-{next(_numbers)}.log"
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("KUBE")
    } | {"PYTHONPATH": str(ROOT), "GATE_SCHEMA": schema or "gate"}
    named = Path(config.journal).parent / "keeper.json"
    named.touch(mode=0o600)
    named.write_bytes(msgspec.json.encode(config))
    with errors.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "gate.service.keeper", str(named)],
            stdin=stdin,
            stderr=log,
            env=environment,
        )
    try:
        kept = Keeping(process, errors)
        until(lambda: "keeper-started" in kept.events() or process.poll() is not None)
        yield kept
    finally:
        process.kill()
        process.communicate()
