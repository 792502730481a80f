"""A folder for a journal, and a migrated schema of its own."""

from pathlib import Path

import pytest

from tests.schemas import connection, where

__all__ = ["connection", "where"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where a journal may be made; it is not there yet."""
    return tmp_path / "journal"
