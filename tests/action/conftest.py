"""A workspace for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.action.local_server import LocalServer, local_server
from tests.action.support import Workspace
from tests.cli.conftest import gate, store  # noqa: F401  (fixtures)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A repository with a policy that locks nothing, and a calendar."""
    return Workspace(tmp_path)


@pytest.fixture
def server() -> Iterator[LocalServer]:
    """An HTTP server of this machine."""
    with local_server() as started:
        yield started
