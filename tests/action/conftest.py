"""A workspace for each test."""

from pathlib import Path

import pytest

from tests.action.support import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A repository with a policy that locks nothing, and a calendar."""
    return Workspace(tmp_path)
