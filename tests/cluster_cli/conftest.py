"""The command line in this process, and certificates to give it."""

import datetime as dt
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli import run
from tests.cli.conftest import store as store  # noqa: PLC0414  (a fixture of these tests, too)
from tests.controlplane import certificates

Gate = Callable[..., run.Outcome]
DATA = Path(__file__).parent / "data"
CA = DATA / "ca.crt"
"""An authority that holds for a century; nothing is signed by it."""
UNREADABLE = Path("/proc/self/mem")
"""A file that opens, and whose first byte nobody can read."""


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Gate:
    """Run `gate` with the arguments given and say how it ended."""
    for name in [name for name in os.environ if name.startswith(("GATE_", "KUBE"))]:
        monkeypatch.delenv(name)
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    return run.gate


@pytest.fixture
def authority(tmp_path: Path) -> Callable[..., certificates.Pair]:
    """Make an authority as of some days from now, which lives a year."""

    def made(days: int = 0) -> certificates.Pair:
        return certificates.authority(
            tmp_path, now=dt.datetime.now(dt.UTC) + dt.timedelta(days=days)
        )

    return made
