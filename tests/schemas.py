"""Fixtures of a migrated schema of its own for each test; a folder's ``conftest`` imports them."""

from collections.abc import Iterator

import psycopg
import pytest

from gate.store.connect import Target, connect
from tests.postgres import fresh_schema


@pytest.fixture
def where() -> Iterator[Target]:
    with fresh_schema() as target:
        yield target


@pytest.fixture
def connection(where: Target) -> Iterator[psycopg.Connection]:
    with connect(where) as opened:
        yield opened
