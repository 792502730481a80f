"""A folder for a journal, and a migrated schema of its own."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from gate.store.connect import Target, connect
from tests.postgres import fresh_schema


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where a journal may be made; it is not there yet."""
    return tmp_path / "journal"


@pytest.fixture
def where() -> Iterator[Target]:
    with fresh_schema(prefix="j") as target:
        yield target


@pytest.fixture
def connection(where: Target) -> Iterator[psycopg.Connection]:
    with connect(where) as opened:
        yield opened
