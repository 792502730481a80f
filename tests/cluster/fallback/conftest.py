"""API servers of their own: the lock is one for a whole cluster, and these tests change it."""

from collections.abc import Iterator

import pytest

from tests.cluster.fallback.clock import Clock
from tests.cluster.fallback.lab import Lab
from tests.controlplane.running import started


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """An API server that renews its Lease as every one does."""
    with started(tmp_path_factory.mktemp("lab") / "plane") as running:
        yield Lab(running.plane)


@pytest.fixture(scope="session")
def clock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clock]:
    """An API server without a Lease of its own; the test's Lease says what time it is."""
    flags = ["--feature-gates=APIServerIdentity=false"]
    folder = tmp_path_factory.mktemp("clock") / "plane"
    with started(folder, api_server_flags=flags) as running:
        yield Clock(running.plane)
